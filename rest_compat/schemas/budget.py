"""Schemas of `/api/budget`."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.rules.money import DIGITS_MAX, read_decimal
from rest_compat.schemas.scalars import STRATEGY_ID, Amount, example

_DIGITS = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"


def _from_digits(value: object) -> object:
    """Parse a string to a Decimal; leave any other value unchanged."""
    if not isinstance(value, str):
        return value
    number = read_decimal(value)
    if number is None:
        raise ValueError('Input should be a decimal number, or a string of its digits like "1000.50"')
    return number


class BudgetSummaryResponse(BaseModel):
    """How much a strategy may reserve in one currency, and how much it has reserved."""

    model_config = example(
        strategy_id=STRATEGY_ID,
        currency="USDT",
        allocated=1000.0,
        reserved=200.0,
        available=800.0,
        realized_pnl=42.5,
        total_fees=1.2,
    )

    strategy_id: UUID
    currency: str
    allocated: Annotated[Amount, Field(description="Maximum that may be reserved.")]
    reserved: Annotated[Amount, Field(description="Holds of open orders and cost of open positions.")]
    available: Annotated[Amount, Field(description="`allocated - reserved`; negative while over budget.")]
    realized_pnl: Annotated[Amount, Field(description="Before commissions, which are `total_fees`.")]
    total_fees: Amount


class BudgetRequest(BaseModel):
    """The amount to allocate."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"allocated": 1000.0}, {"allocated": "1000.50"}]},
    )

    allocated: Annotated[
        Decimal,
        BeforeValidator(_from_digits),
        WithJsonSchema(
            {
                "description": "A JSON number, or a string of its digits as GraphQL writes amounts; not negative, at "
                f"most {DIGITS_MAX} digits on either side of the point. Every digit is kept.",
                "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _DIGITS}],
            }
        ),
    ]


class RealizedPnl(BaseModel):
    """Realized profit before fees, and fees, both by currency."""

    model_config = example(strategy_id=STRATEGY_ID, realized_pnl={"USDT": 42.5}, total_fees={"USDT": 1.2})

    strategy_id: UUID
    realized_pnl: dict[str, Amount]
    total_fees: dict[str, Amount]
