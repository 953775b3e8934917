"""Response schemas: they document each response (OpenAPI), and their fields, in order, are selected from the database.

Responses are neither built nor validated by these models.
"""

from typing import Annotated

from pydantic import BaseModel, Field

from app.reads.query import Selected, Selection
from rest_compat.schemas.budget import BudgetRequest, BudgetSummaryResponse, RealizedPnl
from rest_compat.schemas.health import DatabaseCheck, FeedCheck, Health, Readiness, RegistryCheck
from rest_compat.schemas.trading import (
    AuditEntry,
    CurrencyFills,
    DenyReason,
    Fill,
    FillsSummary,
    InstrumentFills,
    Order,
    Position,
    Strategy,
    Summary,
)


class Error(BaseModel):
    """Every error's body."""

    detail: Annotated[str, Field(description="The error, for people.")]
    code: Annotated[str, Field(description="The error, for programs. Codes are never renamed.")]


def selection_of(model: type[BaseModel], **sources: str) -> Selection:
    """The selection that yields this response. `sources` maps a field to its name in the catalogue, if it differs."""
    return Selection(tuple(Selected(sources.get(name, name), name) for name in model.model_fields))


__all__ = [
    "AuditEntry",
    "BudgetRequest",
    "BudgetSummaryResponse",
    "CurrencyFills",
    "DatabaseCheck",
    "DenyReason",
    "Error",
    "FeedCheck",
    "Fill",
    "FillsSummary",
    "Health",
    "InstrumentFills",
    "Order",
    "Position",
    "Readiness",
    "RealizedPnl",
    "RegistryCheck",
    "Strategy",
    "Summary",
    "selection_of",
]
