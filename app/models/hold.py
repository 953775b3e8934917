"""Holds: what open orders reserve."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import ZERO, finite
from app.models.columns import amount as exact

_AMOUNTS = ("amount", "remaining", "captured", "voided")


class Hold(SQLModel, table=True):
    """What one order reserves (`rules.holds`): `amount`, of it captured by fills, voided by its end, and remaining.

    `currency` is null while the instrument's settlement currency is not known, `unit_price` while there is no price to
    value the order at. `is_unvalued`: the order is open and what it needs is unknown. `reference_price` values an order
    without a price of its own.
    """

    __tablename__ = "holds"
    __table_args__ = (
        *finite("holds", *_AMOUNTS, "unit_price", "reference_price"),
        *(CheckConstraint(f"{column} >= 0", name=f"holds_{column}_not_negative") for column in _AMOUNTS),
        CheckConstraint("amount = remaining + captured + voided", name="holds_balanced"),
        CheckConstraint("currency IS NOT NULL OR amount = 0", name="holds_currency"),
        Index(
            "holds_unvalued",
            "strategy_id",
            "client_order_id",
            postgresql_where=text("is_unvalued"),
        ),
        Index(
            "holds_without_currency",
            "strategy_id",
            "client_order_id",
            postgresql_where=text("currency IS NULL"),
        ),
    )

    strategy_id: UUID = Field(primary_key=True)
    client_order_id: str = Field(primary_key=True)
    currency: str | None = None
    unit_price: Decimal | None = exact(default=None, nullable=True)
    reference_price: Decimal | None = exact(default=None, nullable=True)
    amount: Decimal = exact(default=ZERO, sa_column_kwargs={"server_default": text("0")})
    remaining: Decimal = exact(default=ZERO, sa_column_kwargs={"server_default": text("0")})
    captured: Decimal = exact(default=ZERO, sa_column_kwargs={"server_default": text("0")})
    voided: Decimal = exact(default=ZERO, sa_column_kwargs={"server_default": text("0")})
    is_unvalued: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
