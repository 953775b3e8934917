"""Instruments: what is traded. Small and shared by all strategies."""

from decimal import Decimal

from sqlalchemy import CheckConstraint, text
from sqlmodel import Field, SQLModel

from app.models.columns import amount, finite


class Instrument(SQLModel, table=True):
    """What the ledger must know to value a quantity: currencies and the contract multiplier.

    Made by the first fill in the instrument (its currency, multiplier 1) unless it was recorded before.
    """

    __tablename__ = "instruments"
    __table_args__ = (
        *finite("instruments", "multiplier"),
        CheckConstraint("multiplier > 0", name="instruments_multiplier_positive"),
    )

    instrument_id: str = Field(primary_key=True)
    base_currency: str | None = None
    quote_currency: str
    settlement_currency: str
    multiplier: Decimal = amount(default=Decimal(1), sa_column_kwargs={"server_default": "1"})
    is_inverse: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
