"""Filters and orders. The fields of a filter must all hold; one that is null or absent asks for nothing.

Their Python names are the names of the catalogue's filters: `listing` turns them into conditions without knowing them.
"""

from typing import Optional
from uuid import UUID

import strawberry
from strawberry import UNSET

from app.rules.enums import OrderSide, OrderStatus, OrderType, PositionStatus, TradingState
from graphql_schema.enums import FillSortField, OrderSortField, SortDirection
from graphql_schema.scalars import Amount, Instant


@strawberry.input(description="Compares a text.")
class StringFilter:
    """Compares a text."""

    eq: str | None = UNSET
    in_: list[str] | None = strawberry.field(name="in", default=UNSET)
    contains: str | None = strawberry.field(default=UNSET, description="In any case; `%` and `_` mean themselves.")
    starts_with: str | None = UNSET


@strawberry.input(description="Compares a decimal.")
class DecimalFilter:
    """Compares a decimal."""

    eq: Amount | None = UNSET
    gt: Amount | None = UNSET
    gte: Amount | None = UNSET
    lt: Amount | None = UNSET
    lte: Amount | None = UNSET


@strawberry.input(description="Compares an instant.")
class DateTimeFilter:
    """Compares an instant."""

    gte: Instant | None = UNSET
    gt: Instant | None = UNSET
    lt: Instant | None = UNSET
    lte: Instant | None = UNSET


@strawberry.input(name="UUIDFilter", description="Compares a UUID.")
class UUIDFilter:
    """Compares a UUID."""

    eq: UUID | None = UNSET
    in_: list[UUID] | None = strawberry.field(name="in", default=UNSET)


@strawberry.input(description="Compares an order's status.")
class OrderStatusFilter:
    """Compares an order's status."""

    eq: OrderStatus | None = UNSET
    in_: list[OrderStatus] | None = strawberry.field(name="in", default=UNSET)


@strawberry.input(description="Which orders.")
class OrderFilter:
    """Which orders."""

    strategy_id: UUIDFilter | None = UNSET
    strategy_name: StringFilter | None = UNSET
    instrument_id: StringFilter | None = UNSET
    client_order_id: StringFilter | None = UNSET
    status: OrderStatusFilter | None = UNSET
    side: OrderSide | None = UNSET
    order_type: OrderType | None = strawberry.field(name="type", default=UNSET)
    quantity: DecimalFilter | None = UNSET
    ts_init: DateTimeFilter | None = UNSET
    ts_last: DateTimeFilter | None = UNSET
    and_: list["OrderFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["OrderFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: Optional["OrderFilter"] = strawberry.field(name="not", default=UNSET)


@strawberry.input(description="Which fills.")
class FillFilter:
    """Which fills."""

    strategy_id: UUIDFilter | None = UNSET
    strategy_name: StringFilter | None = UNSET
    instrument_id: StringFilter | None = UNSET
    client_order_id: StringFilter | None = UNSET
    side: OrderSide | None = UNSET
    currency: StringFilter | None = UNSET
    last_qty: DecimalFilter | None = UNSET
    ts_event: DateTimeFilter | None = UNSET
    and_: list["FillFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["FillFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: Optional["FillFilter"] = strawberry.field(name="not", default=UNSET)


@strawberry.input(description="Which positions.")
class PositionFilter:
    """Which positions."""

    strategy_id: UUIDFilter | None = UNSET
    strategy_name: StringFilter | None = UNSET
    instrument_id: StringFilter | None = UNSET
    status: PositionStatus | None = UNSET
    ts_opened: DateTimeFilter | None = UNSET


@strawberry.input(description="Which strategies.")
class StrategyFilter:
    """Which strategies."""

    name: StringFilter | None = UNSET
    trader_id: StringFilter | None = UNSET
    state: TradingState | None = UNSET


@strawberry.input(description="One key of the order of orders.")
class OrderSort:
    """One key of the order of orders."""

    field: OrderSortField
    direction: SortDirection = SortDirection.DESC


@strawberry.input(description="One key of the order of fills.")
class FillSort:
    """One key of the order of fills."""

    field: FillSortField
    direction: SortDirection = SortDirection.DESC
