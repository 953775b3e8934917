"""The object types. Nothing here is executed: a field's Python name is its name in the catalogue.

A connection's arguments are declared by a function that is never called below the root; `execution` reads the whole
selection and has it answered by one statement.
"""

from uuid import UUID

import strawberry
from strawberry import UNSET

from app.rules.enums import (
    LiquiditySide,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    PositionStatus,
    TimeInForce,
    TradingState,
)
from graphql_schema.connections import Connection
from graphql_schema.inputs import FillFilter, FillSort, OrderFilter, OrderSort, PositionFilter
from graphql_schema.scalars import Amount, Instant

WITHIN = "answered by the statement of the root field"


def _orders(
    filter: OrderFilter | None = UNSET,
    order_by: list[OrderSort] | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Connection["Order"]:
    """The arguments of a list of orders."""
    raise NotImplementedError(WITHIN)


def _fills(
    filter: FillFilter | None = UNSET,
    order_by: list[FillSort] | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Connection["Fill"]:
    """The arguments of a list of fills."""
    raise NotImplementedError(WITHIN)


def _all_fills(
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Connection["Fill"]:
    """The arguments of a list of fills that are few."""
    raise NotImplementedError(WITHIN)


def _positions(
    filter: PositionFilter | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Connection["Position"]:
    """The arguments of a list of positions."""
    raise NotImplementedError(WITHIN)


@strawberry.interface(description="Anything with an id.")
class Node:
    """Anything with an id."""

    id: strawberry.ID = strawberry.field(description="Opaque, and unique among all nodes.")


@strawberry.type(description="One strategy of one trader.")
class Strategy(Node):
    """One strategy of one trader."""

    strategy_id: UUID
    name: str
    trader_id: str
    state: TradingState
    created_at: Instant

    orders: Connection["Order"] = strawberry.field(
        resolver=_orders, description="Its orders, newest first unless `orderBy` says otherwise."
    )

    fills: Connection["Fill"] = strawberry.field(
        resolver=_fills, description="Its fills, newest first unless `orderBy` says otherwise."
    )

    positions: Connection["Position"] = strawberry.field(
        resolver=_positions, description="Its positions, the one opened last first."
    )


@strawberry.type(description="One order as it stands.")
class Order(Node):
    """One order as it stands."""

    client_order_id: str
    venue_order_id: str | None
    strategy: Strategy
    strategy_id: UUID
    trader_id: str
    account_id: str | None
    instrument_id: str
    position_id: str | None
    side: OrderSide
    order_type: OrderType = strawberry.field(name="type")
    time_in_force: TimeInForce
    status: OrderStatus
    quantity: Amount
    filled_qty: Amount
    leaves_qty: Amount
    price: Amount | None
    trigger_price: Amount | None
    avg_px: Amount | None
    reduce_only: bool
    post_only: bool
    deny_reason: str | None = strawberry.field(description="Why it was denied or rejected.")
    tags: list[str]
    ts_init: Instant
    ts_last: Instant

    fills: Connection["Fill"] = strawberry.field(resolver=_all_fills, description="Its fills, newest first.")


@strawberry.type(description="One fill of one order.")
class Fill(Node):
    """One fill of one order."""

    trade_id: str
    order: Order
    client_order_id: str
    venue_order_id: str | None
    strategy: Strategy
    strategy_id: UUID
    account_id: str | None
    instrument_id: str
    position_id: str | None
    side: OrderSide
    last_qty: Amount
    last_px: Amount
    currency: str
    commission: Amount
    commission_currency: str
    liquidity_side: LiquiditySide
    realized_pnl: Amount = strawberry.field(description="Gross of commission, in `currency`.")
    event_id: UUID
    ts_event: Instant


@strawberry.type(description="One position, computed from its fills.")
class Position(Node):
    """One position, computed from its fills."""

    position_id: str
    strategy: Strategy
    strategy_id: UUID
    account_id: str | None
    instrument_id: str
    status: PositionStatus
    entry: OrderSide
    side: PositionSide
    signed_qty: Amount
    quantity: Amount
    peak_qty: Amount
    avg_px_open: Amount
    avg_px_close: Amount | None
    currency: str
    realized_pnl: Amount = strawberry.field(description="Gross of commissions, which are `totalFees`.")
    total_fees: Amount
    ts_opened: Instant
    ts_closed: Instant | None

    fills: Connection[Fill] = strawberry.field(
        resolver=_all_fills, description="Its fills, newest first; one that flips it is also the next one's."
    )


@strawberry.type(description="How much of everything there is.")
class Summary:
    """How much of everything there is."""

    signals: int
    orders: int
    fills: int
