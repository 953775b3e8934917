"""Instruments: what is traded. Small and shared by all strategies."""

from decimal import Decimal

from sqlalchemy import CheckConstraint, text
from sqlmodel import Field, SQLModel

from app.models.columns import amount, finite, one_of
from app.rules.enums import InstrumentSource


class Instrument(SQLModel, table=True):
    """What the ledger must know to value a quantity: currencies, the contract multiplier, whether it is inverse.

    The first fill in an instrument that is not recorded makes a row with `source` ASSUMED: linear, multiplier 1,
    settled in the fill's currency. Recording the instrument later revalues everything. `kind` is the engine's name of
    the instrument's class (`CryptoPerpetual`), where it was given.
    """

    __tablename__ = "instruments"
    __table_args__ = (
        *finite("instruments", "multiplier"),
        CheckConstraint("multiplier > 0", name="instruments_multiplier_positive"),
        one_of("instruments", "source", InstrumentSource),
    )

    instrument_id: str = Field(primary_key=True)
    base_currency: str | None = None
    quote_currency: str
    settlement_currency: str
    multiplier: Decimal = amount(default=Decimal(1), sa_column_kwargs={"server_default": "1"})
    is_inverse: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    source: str = Field(default="ASSUMED", sa_column_kwargs={"server_default": "ASSUMED"})
    kind: str | None = None
