"""Orders with their events and holds, fills and positions."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from app.models.columns import ZERO, amount, append_only, instant, one_of, partial_index, planned_as_rare
from app.models.columns import amount as exact
from app.rules.enums import (
    TRADED_SIDES,
    AuthorizationStatus,
    LiquiditySide,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    PositionStatus,
    QuantitySource,
    QuarantineAction,
    Reconciliation,
    TimeInForce,
)
from app.rules.order_state import TERMINAL

_TERMINAL = ", ".join(f"'{status}'" for status in sorted(TERMINAL))
OPEN = f"status NOT IN ({_TERMINAL})"
"""The SQL condition that an order is open, as in the index `orders_open`."""


class Order(SQLModel, table=True):
    """One order: the fold of its applied events (`rules.order_fold`).

    `authorization_status` is null if no authorization was requested. `last_ts_init` and `last_rank` are the sort key
    of the last applied event, which decides whether the next one is in order. `waiting` counts the order's quarantined
    events that are not dismissed. `quantity` is an amount of the quote currency while `is_quote_quantity`.
    `exec_spawn_id` is the primary order that spawned this one, and `spawned_qty` the quantity that the primary lost to
    it. `mismatched`: a fill names another side or instrument than the order.
    """

    __tablename__ = "orders"
    __table_args__ = (
        Index("orders_ts_init", "ts_init", "client_order_id", "strategy_id"),
        Index("orders_strategy_ts_init", "strategy_id", "ts_init", "client_order_id"),
        Index("orders_status_ts_init", "status", "ts_init", "client_order_id", "strategy_id"),
        Index("orders_instrument_ts_init", "instrument_id", "ts_init", "client_order_id", "strategy_id"),
        Index("orders_client_order_id", "client_order_id"),
        partial_index("orders_open", OPEN, "instrument_id", "strategy_id", "ts_init", "client_order_id"),
        partial_index(
            "orders_signal", "signal_id IS NOT NULL", "signal_id", "ts_init", "client_order_id", "strategy_id"
        ),
        partial_index("orders_spawned", "exec_spawn_id IS NOT NULL", "strategy_id", "exec_spawn_id", "client_order_id"),
    )

    strategy_id: UUID = Field(primary_key=True)
    client_order_id: str = Field(primary_key=True)
    trader_id: str
    account_id: str | None = None
    venue_order_id: str | None = None
    instrument_id: str
    position_id: str | None = None
    side: str = one_of(OrderSide)
    order_type: str = one_of(OrderType)
    time_in_force: str = one_of(TimeInForce)
    status: str = one_of(OrderStatus)
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
    authorization_status: str | None = one_of(AuthorizationStatus, default=None)
    is_quote_quantity: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    quantity_source: str = one_of(QuantitySource, default="REPORTED")
    exec_spawn_id: str | None = None
    spawned_qty: Decimal | None = amount(default=None, nullable=True)
    mismatched: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


planned_as_rare(Order, "instrument_id")


class OrderEvent(SQLModel, table=True):
    """One event as the engine published it. Append-only.

    `variant` is 0 for the first content of an `event_id`; other contents with the same id are kept as 1, 2, ... and
    always quarantined. `seq` is the arrival order within the strategy. Position events have a `position_id` and no
    `client_order_id`, order events the reverse.
    """

    __tablename__ = "order_events"
    __table_args__ = (
        Index("order_events_order", "strategy_id", "client_order_id"),
        partial_index("order_events_position", "position_id IS NOT NULL", "strategy_id", "position_id", "ts_event"),
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
    """An event that is not applied, and the reason; deleted when it is applied. A dismissed event keeps its row."""

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
    """An admin's decision about a quarantined event, also stored as an event of type QuarantineResolved."""

    __tablename__ = "quarantine_resolutions"

    strategy_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    variant: int = Field(sa_type=SmallInteger, primary_key=True)
    action: str = one_of(QuarantineAction)
    reason: str
    actor: str
    ts: int = instant()


class OutdatedOrder(SQLModel, table=True):
    """An order that an earlier release folded by other rules. It is folded again before the service starts."""

    __tablename__ = "outdated_orders"

    strategy_id: UUID = Field(primary_key=True)
    client_order_id: str = Field(primary_key=True)


_AMOUNTS = ("amount", "remaining", "captured", "voided")


class Hold(SQLModel, table=True):
    """The capital that one order reserves (`rules.holds`): `amount` = `captured` by fills + `voided` at its end +
    `remaining`.

    `currency` is null while the instrument's settlement currency is unknown, `unit_price` while no price values the
    order. `is_unvalued`: the order is open and its capital need is unknown. `reference_price` values an order without
    a price of its own.
    """

    __tablename__ = "holds"
    __table_args__ = (
        *(CheckConstraint(f"{column} >= 0", name=f"holds_{column}_not_negative") for column in _AMOUNTS),
        CheckConstraint("amount = remaining + captured + voided", name="holds_balanced"),
        CheckConstraint("currency IS NOT NULL OR amount = 0", name="holds_currency"),
        partial_index("holds_unvalued", "is_unvalued", "strategy_id", "client_order_id"),
        partial_index("holds_without_currency", "currency IS NULL", "strategy_id", "client_order_id"),
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


NO_REPEAT = UUID(int=0)


class Fill(SQLModel, table=True):
    """One fill of one order. `realized_pnl` is gross of commission.

    `position_n` is the position (strategy, position_id, n) that the fill was applied to. A fill larger than the
    position closed it and opened n + 1 with the rest, `flip_qty`; otherwise `flip_qty` is 0. `trade_seq` and `seq`
    order fills of one instant (`rules.positions`). `notional` is the value of the quantity, in `settlement_currency`
    like `realized_pnl`; `currency` is that of the price. A trade counts once in its order, unless an admin accepted
    another report of it as a separate trade: then `repeat_id` is that report's event, otherwise the nil UUID.
    """

    __tablename__ = "fills"
    __table_args__ = (
        CheckConstraint("last_qty > 0", name="fills_last_qty_positive"),
        UniqueConstraint(
            "strategy_id",
            "client_order_id",
            "trade_id",
            "instrument_id",
            "account_id",
            "repeat_id",
            name="fills_trade",
        ),
        Index("fills_ts_event", "ts_event", "event_id", "strategy_id"),
        Index("fills_strategy_ts_event", "strategy_id", "ts_event", "event_id"),
        Index("fills_instrument_ts_event", "instrument_id", "ts_event", "event_id", "strategy_id"),
        # All columns by which an order's fills are sorted: with fewer, PostgreSQL scanned a strategy's.
        Index("fills_order", "strategy_id", "client_order_id", "ts_event", "event_id"),
        Index("fills_position", "strategy_id", "position_id", "ts_event", "ts_init", "trade_seq", "seq"),
    )

    strategy_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    trade_id: str
    client_order_id: str
    venue_order_id: str | None = None
    account_id: str
    instrument_id: str
    position_id: str
    position_n: int
    flip_qty: Decimal = amount()
    side: str = one_of(TRADED_SIDES)
    last_qty: Decimal = amount()
    last_px: Decimal = amount()
    currency: str
    commission: Decimal = amount()
    commission_currency: str
    liquidity_side: str = one_of(LiquiditySide)
    realized_pnl: Decimal = amount()
    ts_event: int = instant()
    ts_init: int = instant()
    trade_seq: int = Field(sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)
    settlement_currency: str
    notional: Decimal = amount()
    repeat_id: UUID = Field(default=NO_REPEAT, sa_column_kwargs={"server_default": str(NO_REPEAT)})


planned_as_rare(Fill, "instrument_id")


class Position(SQLModel, table=True):
    """One position. NETTING reuses a `position_id`, so `n` counts its generations from 1.

    `cost` is the cost of the open quantity in `currency`, the instrument's settlement currency; `close_qty` and
    `close_value` are sums of the closing fills. `first_*` and `last_*` are the sort keys of its opening and latest
    fill (`rules.positions.FillPlace`). `fills` counts its fills; `reconciliation` says whether the engine's own
    reports of it agree.
    """

    __tablename__ = "positions"
    __table_args__ = (
        Index("positions_ts_opened", "ts_opened", "position_id", "n", "strategy_id"),
        Index("positions_strategy_ts_opened", "strategy_id", "ts_opened", "position_id", "n"),
        partial_index("positions_open", "status = 'OPEN'", "strategy_id", "instrument_id"),
        Index("positions_status_ts_opened", "status", "ts_opened", "position_id", "n", "strategy_id"),
    )

    strategy_id: UUID = Field(primary_key=True)
    position_id: str = Field(primary_key=True)
    n: int = Field(primary_key=True)
    account_id: str
    instrument_id: str
    status: str = one_of(PositionStatus)
    entry: str = one_of(TRADED_SIDES)
    side: str = one_of(PositionSide)
    signed_qty: Decimal = amount()
    peak_qty: Decimal = amount()
    cost: Decimal = amount()
    close_qty: Decimal = amount()
    close_value: Decimal = amount()
    avg_px_open: Decimal = amount()
    avg_px_close: Decimal | None = amount(default=None, nullable=True)
    currency: str
    realized_pnl: Decimal = amount()
    total_fees: Decimal = amount()
    ts_opened: int = instant()
    ts_closed: int | None = instant(default=None, nullable=True)
    first_ts_init: int = instant()
    first_trade_seq: int = Field(sa_type=BigInteger)
    first_seq: int = Field(sa_type=BigInteger)
    last_ts_event: int = instant()
    last_ts_init: int = instant()
    last_trade_seq: int = Field(sa_type=BigInteger)
    last_seq: int = Field(sa_type=BigInteger)
    fills: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    reconciliation: str = one_of(Reconciliation, default="NOT_REPORTED")
