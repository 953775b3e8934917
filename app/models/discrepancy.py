"""Discrepancies: what the engine reports of a position and the ledger has otherwise."""

from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.columns import instant, one_of
from app.rules.enums import DiscrepancyKind


class Discrepancy(SQLModel, table=True):
    """One figure of a position event that differs from the ledger's (`rules.reconciliation`).

    The row goes when a later fill, or a recorded instrument, makes both agree. `position_n` is null where no fill
    explains the event. Values are text: decimals, or a currency.
    """

    __tablename__ = "discrepancies"
    __table_args__ = (
        one_of("discrepancies", "kind", DiscrepancyKind),
        Index("discrepancies_position", "strategy_id", "position_id", "ts_event"),
        Index("discrepancies_ts", "ts_event", "event_id", "kind"),
    )

    strategy_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    position_id: str
    position_n: int | None = None
    instrument_id: str
    ts_event: int = instant()
    ledger_value: str | None = None
    engine_value: str
