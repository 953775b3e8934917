"""Signals: what made a strategy act."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.columns import instant


class Signal(SQLModel, table=True):
    """A published signal. `strategy_id` is the nil UUID where the engine named no strategy."""

    __tablename__ = "signals"
    __table_args__ = (Index("signals_ts_event", "ts_event", "signal_id"),)

    strategy_id: UUID = Field(primary_key=True)
    signal_id: UUID = Field(primary_key=True)
    instrument_id: str | None = None
    name: str
    value: Any = Field(sa_type=JSONB, nullable=False)
    ts_event: int = instant()
    ts_init: int = instant()
