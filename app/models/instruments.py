"""Instruments, discrepancies between the ledger and the engine's reports, and signals."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.columns import amount, instant, one_of
from app.rules.enums import DiscrepancyKind, InstrumentSource


class Instrument(SQLModel, table=True):
    """The terms that value a quantity: currencies, the contract multiplier, whether the instrument is inverse.

    The first fill in an instrument that is not recorded creates a row with `source` ASSUMED: linear, multiplier 1,
    settled in the fill's currency. Recording the instrument later revalues everything in it. `kind` is the engine's
    name of the instrument's class (`CryptoPerpetual`), if it was given.
    """

    __tablename__ = "instruments"
    __table_args__ = (CheckConstraint("multiplier > 0", name="instruments_multiplier_positive"),)

    instrument_id: str = Field(primary_key=True)
    base_currency: str | None = None
    quote_currency: str
    settlement_currency: str
    multiplier: Decimal = amount(default=Decimal(1), sa_column_kwargs={"server_default": "1"})
    is_inverse: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    source: str = one_of(InstrumentSource, default="ASSUMED")
    kind: str | None = None


class Discrepancy(SQLModel, table=True):
    """One figure of a position event that differs from the ledger's (`rules.reconciliation`).

    The row is deleted when a later fill or a recorded instrument makes both agree. `position_n` is null if no fill
    explains the event. Values are text: decimals, or a currency.
    """

    __tablename__ = "discrepancies"
    __table_args__ = (
        Index("discrepancies_position", "strategy_id", "position_id", "ts_event"),
        Index("discrepancies_ts", "ts_event", "event_id", "kind"),
    )

    strategy_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    kind: str = one_of(DiscrepancyKind, primary_key=True)
    position_id: str
    position_n: int | None = None
    instrument_id: str
    ts_event: int = instant()
    ledger_value: str | None = None
    engine_value: str


class PendingRevaluation(SQLModel, table=True):
    """One instrument to revalue, listed by a migration. The first start after the migration empties the table."""

    __tablename__ = "pending_revaluations"

    instrument_id: str = Field(primary_key=True)


class Signal(SQLModel, table=True):
    """A published signal. `strategy_id` is the nil UUID if the engine named no strategy."""

    __tablename__ = "signals"
    __table_args__ = (Index("signals_ts_event", "ts_event", "signal_id"),)

    strategy_id: UUID = Field(primary_key=True)
    signal_id: UUID = Field(primary_key=True)
    instrument_id: str | None = None
    name: str
    value: Any = Field(sa_type=JSONB, nullable=False)
    ts_event: int = instant()
    ts_init: int = instant()
