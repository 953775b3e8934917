"""Shapes of `/api/budget`."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.rules.money import DIGITS_MAX, read_decimal
from rest_compat.schemas.scalars import STRATEGY_ID, Amount, example

_DIGITS = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"


def _from_digits(value: object) -> object:
    """A string as the decimal that it writes; anything else as it is."""
    if not isinstance(value, str):
        return value
    read = read_decimal(value)
    if read is None:
        raise ValueError('Input should be a decimal number, or a string of its digits like "1000.50"')
    return read


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
                "description": "A JSON number or a string of its digits, as either face answers them; not negative, at "
                f"most {DIGITS_MAX} digits on either side of the point. Every digit is kept.",
                "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _DIGITS}],
            }
        ),
    ]


class RealizedPnl(BaseModel):
    """Realized profit, gross of fees, and fees; both by currency."""

    model_config = example(strategy_id=STRATEGY_ID, realized_pnl={"USDT": 42.5}, total_fees={"USDT": 1.2})

    strategy_id: UUID
    realized_pnl: dict[str, Amount]
    total_fees: dict[str, Amount]
