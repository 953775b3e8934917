"""Orders: as they stand after every event applied so far."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.models.columns import ZERO, amount, finite, instant, one_of, planned_as_rare
from app.rules.enums import AuthorizationStatus, OrderSide, OrderStatus, OrderType, QuantitySource, TimeInForce
from app.rules.order_transitions import TERMINAL

_TERMINAL = ", ".join(f"'{status}'" for status in sorted(TERMINAL))
OPEN = f"status NOT IN ({_TERMINAL})"
"""The condition, in SQL, that an order has not ended; the index of open orders answers it."""


class Order(SQLModel, table=True):
    """One order: the fold of its applied events (`rules.order_fold`).

    `authorization_status` is null for an order whose authorization was never requested. `last_ts_init` and `last_rank`
    are the place of the last applied event in the fold, so that the next one can tell whether it comes in order;
    `waiting` counts the order's quarantined events, less the dismissed ones. `quantity` is an amount of the quote
    currency while `is_quote_quantity`. `exec_spawn_id` is the primary order that it was spawned from, and `spawned_qty`
    what it took off that one's quantity. `mismatched`: a fill names another side or instrument than the order.
    """

    __tablename__ = "orders"
    __table_args__ = (
        *finite("orders", "quantity", "filled_qty", "filled_notional", "price", "trigger_price", "avg_px"),
        *finite("orders", "spawned_qty"),
        one_of("orders", "side", OrderSide),
        one_of("orders", "order_type", OrderType),
        one_of("orders", "time_in_force", TimeInForce),
        one_of("orders", "status", OrderStatus),
        one_of("orders", "authorization_status", AuthorizationStatus),
        one_of("orders", "quantity_source", QuantitySource),
        Index("orders_ts_init", "ts_init", "client_order_id", "strategy_id"),
        Index("orders_strategy_ts_init", "strategy_id", "ts_init", "client_order_id"),
        Index("orders_status_ts_init", "status", "ts_init", "client_order_id", "strategy_id"),
        Index("orders_instrument_ts_init", "instrument_id", "ts_init", "client_order_id", "strategy_id"),
        Index("orders_client_order_id", "client_order_id"),
        Index(
            "orders_open",
            "instrument_id",
            "strategy_id",
            "ts_init",
            "client_order_id",
            postgresql_where=text(OPEN),
        ),
        Index(
            "orders_signal",
            "signal_id",
            "ts_init",
            "client_order_id",
            "strategy_id",
            postgresql_where=text("signal_id IS NOT NULL"),
        ),
        Index(
            "orders_spawned",
            "strategy_id",
            "exec_spawn_id",
            "client_order_id",
            postgresql_where=text("exec_spawn_id IS NOT NULL"),
        ),
    )

    strategy_id: UUID = Field(primary_key=True)
    client_order_id: str = Field(primary_key=True)
    trader_id: str
    account_id: str | None = None
    venue_order_id: str | None = None
    instrument_id: str
    position_id: str | None = None
    side: str
    order_type: str
    time_in_force: str
    status: str
    status_before_pending: str | None = None
    quantity: Decimal = amount()
    filled_qty: Decimal = amount(default=ZERO)
    filled_notional: Decimal = amount(default=ZERO)
    price: Decimal | None = amount(default=None, nullable=True)
    trigger_price: Decimal | None = amount(default=None, nullable=True)
    avg_px: Decimal | None = amount(default=None, nullable=True)
    reduce_only: bool
    post_only: bool
    overfilled: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    deny_reason: str | None = None
    tags: list[str] = Field(sa_type=ARRAY(Text), sa_column_kwargs={"server_default": "{}"})
    signal_id: UUID | None = None
    ts_init: int = instant()
    ts_last: int = instant()
    last_ts_init: int = instant()
    last_rank: int = Field(sa_type=SmallInteger)
    waiting: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    authorization_status: str | None = None
    is_quote_quantity: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    quantity_source: str = Field(default="REPORTED", sa_column_kwargs={"server_default": "REPORTED"})
    exec_spawn_id: str | None = None
    spawned_qty: Decimal | None = amount(default=None, nullable=True)
    mismatched: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


planned_as_rare(Order, "instrument_id")
