"""Filters and orders. The fields of a filter must all hold; one that is null or absent asks for nothing.

Their Python names are the names of the catalogue's filters: `listing` turns them into conditions without knowing them.
"""

from typing import Optional
from uuid import UUID

import strawberry

from app.rules.enums import (
    AuthorizationStatus,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionStatus,
    QuantitySource,
    QuarantineCode,
    TradingState,
)
from graphql_schema.types.enums import FillSortField, OrderSortField, SortDirection
from graphql_schema.types.fields import described, input_type, optional
from graphql_schema.types.scalars import Amount, Instant

_AND = "All of these must match too."
_OR = "At least one of these must match; an empty list matches nothing."
_NOT = "This must not match."


@input_type
class StringFilter:
    """Compares a string. An empty string is compared like any other; null or absent means no condition."""

    eq: str | None = optional("Equals this value.")
    in_: list[str] | None = optional("Equals one of these values.", "in")
    contains: str | None = optional("Contains this, ignoring case; `%` and `_` are literal.")
    starts_with: str | None = optional("Starts with this, matching case.")


@input_type
class DecimalFilter:
    """Compares a decimal."""

    eq: Amount | None = optional("Equals this number; trailing zeros are ignored.")
    gt: Amount | None = optional("Greater than this number.")
    gte: Amount | None = optional("Greater than or equal to this number.")
    lt: Amount | None = optional("Less than this number.")
    lte: Amount | None = optional("Less than or equal to this number.")


@input_type
class DateTimeFilter:
    """Compares an instant."""

    gte: Instant | None = optional("At or after this instant.")
    gt: Instant | None = optional("After this instant.")
    lt: Instant | None = optional("Before this instant.")
    lte: Instant | None = optional("At or before this instant.")


@strawberry.input(name="UUIDFilter", description="Compares a UUID.")
class UUIDFilter:
    """Compares a UUID."""

    eq: UUID | None = optional("Equals this value.")
    in_: list[UUID] | None = optional("Equals one of these values.", "in")


@input_type
class OrderStatusFilter:
    """Compares an order status."""

    eq: OrderStatus | None = optional("Equals this value.")
    in_: list[OrderStatus] | None = optional("Equals one of these values.", "in")


@input_type
class AuthorizationStatusFilter:
    """Compares an authorization status."""

    eq: AuthorizationStatus | None = optional("Equals this value.")
    in_: list[AuthorizationStatus] | None = optional("Equals one of these values.", "in")


@strawberry.input
class _TradingFilter:
    strategy_id: UUIDFilter | None = optional("By the strategy's id.")
    strategy_name: StringFilter | None = optional("By the strategy's name.")
    instrument_id: StringFilter | None = optional("By instrument id.")


@input_type
class OrderFilter(_TradingFilter):
    """Selects orders."""

    client_order_id: StringFilter | None = optional("The engine's order id.")
    status: OrderStatusFilter | None = optional("By order status.")
    authorization_status: AuthorizationStatusFilter | None = optional(
        "By the outcome of the authorization; orders without one never match."
    )
    side: OrderSide | None = optional("The order side.")
    order_type: OrderType | None = optional("By order type.", "type")
    quantity: DecimalFilter | None = optional("By ordered quantity.")
    quantity_source: QuantitySource | None = optional("By the source of the quantity.")
    ts_init: DateTimeFilter | None = optional("By the instant of initialization.")
    ts_last: DateTimeFilter | None = optional("By the instant of the last change.")
    and_: list["OrderFilter"] | None = optional(_AND, "and")
    or_: list["OrderFilter"] | None = optional(_OR, "or")
    not_: Optional["OrderFilter"] = optional(_NOT, "not")


@input_type
class FillFilter(_TradingFilter):
    """Selects fills."""

    client_order_id: StringFilter | None = optional("The engine's order id.")
    side: OrderSide | None = optional("The order side.")
    currency: StringFilter | None = optional("By settlement currency: `Fill.settlementCurrency`, not `Fill.currency`.")
    last_qty: DecimalFilter | None = optional("The filled quantity.")
    ts_event: DateTimeFilter | None = optional("By the instant of the event.")
    and_: list["FillFilter"] | None = optional(_AND, "and")
    or_: list["FillFilter"] | None = optional(_OR, "or")
    not_: Optional["FillFilter"] = optional(_NOT, "not")


@input_type
class PositionFilter:
    """Selects positions."""

    strategy_id: UUIDFilter | None = optional("By the strategy's id.")
    strategy_name: StringFilter | None = optional("By the strategy's name.")
    instrument_id: StringFilter | None = optional("The instrument's id.")
    status: PositionStatus | None = optional("By status.")
    ts_opened: DateTimeFilter | None = optional("By the instant of opening.")


@input_type
class PerformanceFilter(_TradingFilter):
    """Selects the fills and trades that performance is computed over."""

    currency: StringFilter | None = optional("By currency of the amounts.")
    from_: Instant | None = optional("At or after this instant; by default from the beginning.", "from")
    to: Instant | None = optional("Before this instant; by default until now.")


@input_type
class StrategyFilter:
    """Selects strategies."""

    name: StringFilter | None = optional("The engine's id of the strategy.")
    trader_id: StringFilter | None = optional("By trader id.")
    state: TradingState | None = optional("By effective trading state.")
    own_state: TradingState | None = optional("By own trading state.")


@input_type
class AuditFilter:
    """Selects audit entries."""

    actor: StringFilter | None = optional("By actor.")
    action: StringFilter | None = optional("The kind of change.")
    strategy_id: UUIDFilter | None = optional("By strategy id.")
    ts: DateTimeFilter | None = optional("By the instant of the change.")


@input_type
class QuarantineCodeFilter:
    """Compares a quarantine code."""

    eq: QuarantineCode | None = optional("Equals this value.")
    in_: list[QuarantineCode] | None = optional("Equals one of these values.", "in")


@input_type
class QuarantineFilter:
    """Selects events in quarantine."""

    strategy_id: UUIDFilter | None = optional("By the strategy's id.")
    client_order_id: StringFilter | None = optional("By the engine's order id.")
    code: QuarantineCodeFilter | None = optional("By quarantine code.")
    ts_event: DateTimeFilter | None = optional("By the instant of the event.")


@input_type
class OrderSort:
    """One sort key for orders."""

    field: OrderSortField = described("The field to compare.")
    direction: SortDirection = described("The sort direction.", default=SortDirection.DESC)


@input_type
class FillSort:
    """One sort key for fills."""

    field: FillSortField = described("The field to compare.")
    direction: SortDirection = described("The sort direction.", default=SortDirection.DESC)
