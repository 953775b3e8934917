"""Shapes of `/api/budget`."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from rest_compat.shapes.kinds import STRATEGY_ID, Amount, example


class BudgetSummaryResponse(BaseModel):
    """What a strategy may tie up in one currency, and what it does."""

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
    allocated: Annotated[Amount, Field(description="The cap.")]
    reserved: Annotated[Amount, Field(description="What open orders hold and open positions cost.")]
    available: Annotated[Amount, Field(description="`allocated - reserved`; negative while the budget is over.")]
    realized_pnl: Annotated[Amount, Field(description="Gross of commissions, which are `total_fees`.")]
    total_fees: Amount


class BudgetRequest(BaseModel):
    """The cap to set."""

    model_config = example(allocated=1000.0) | ConfigDict(extra="forbid", strict=True)

    allocated: Annotated[
        Decimal,
        WithJsonSchema(
            {"type": "number", "minimum": 0, "description": "A JSON number; its digits are taken as they are."}
        ),
    ]


class RealizedPnl(BaseModel):
    """Realized profit, gross of fees, and fees; both by currency."""

    model_config = example(strategy_id=STRATEGY_ID, realized_pnl={"USDT": 42.5}, total_fees={"USDT": 1.2})

    strategy_id: UUID
    realized_pnl: dict[str, Amount]
    total_fees: dict[str, Amount]
