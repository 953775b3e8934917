"""Engine events: the facts, stored once and never changed; and what is said about those not applied."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.append_only import append_only
from app.models.columns import instant, one_of
from app.rules.enums import QuarantineAction


class OrderEvent(SQLModel, table=True):
    """One event as the engine published it. Append-only.

    `variant` is 0 for the first content seen under an `event_id`; other contents under the same id are kept
    as 1, 2, ... and always quarantined. `seq` is the arrival order within the strategy. Position events have a
    `position_id` and no `client_order_id` of their own, order events the reverse.
    """

    __tablename__ = "order_events"
    __table_args__ = (
        Index("order_events_order", "strategy_id", "client_order_id"),
        Index(
            "order_events_position",
            "strategy_id",
            "position_id",
            "ts_event",
            postgresql_where=text("position_id IS NOT NULL"),
        ),
    )

    strategy_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    variant: int = Field(sa_type=SmallInteger, primary_key=True, sa_column_kwargs={"server_default": "0"})
    seq: int = Field(sa_type=BigInteger)
    type: str
    client_order_id: str | None = None
    ts_event: int = instant()
    ts_init: int = instant()
    payload: Any = Field(sa_type=JSONB, nullable=False)
    position_id: str | None = None


append_only(OrderEvent)


class QuarantinedEvent(SQLModel, table=True):
    """Why a stored event is not applied; the row goes when it is applied after all.

    A dismissed event keeps its row, with the code DISMISSED.
    """

    __tablename__ = "quarantined_events"
    __table_args__ = (
        Index("quarantined_events_order", "strategy_id", "client_order_id"),
        Index("quarantined_events_ts", "ts_event", "event_id", "variant"),
    )

    strategy_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    variant: int = Field(sa_type=SmallInteger, primary_key=True, sa_column_kwargs={"server_default": text("0")})
    client_order_id: str
    ts_event: int = instant()
    code: str
    reason: str


class QuarantineResolution(SQLModel, table=True):
    """What an admin decided about an event in quarantine, as the events of type QuarantineResolved have it."""

    __tablename__ = "quarantine_resolutions"
    __table_args__ = (one_of("quarantine_resolutions", "action", QuarantineAction),)

    strategy_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    variant: int = Field(sa_type=SmallInteger, primary_key=True)
    action: str
    reason: str
    actor: str
    ts: int = instant()


class OutdatedOrder(SQLModel, table=True):
    """An order that an earlier release folded by other rules: it is folded again before the service starts."""

    __tablename__ = "outdated_orders"

    strategy_id: UUID = Field(primary_key=True)
    client_order_id: str = Field(primary_key=True)
