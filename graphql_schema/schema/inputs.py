"""The arguments of queries: filters, orders and the arguments of performance.

All fields of a filter must hold; one that is null or absent sets no condition. Their Python names are the names of the
catalogue's filters: `execution.arguments` turns them into conditions.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Optional, TypeVar
from uuid import UUID

import strawberry

from app.reads.query import Granularity
from app.rules.enums import (
    AuthorizationStatus,
    DiscrepancyKind,
    InstrumentSource,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionStatus,
    QuantitySource,
    QuarantineCode,
    TradingState,
)
from graphql_schema.types.enums import (
    FillSortField,
    OrderSortField,
    PerformanceGroup,
    SortDirection,
    TimeBucket,
)
from graphql_schema.types.fields import PAGE, argument, described, input_type, matching, optional
from graphql_schema.types.scalars import Amount, Instant, TimeZone

Value = TypeVar("Value")

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


@input_type
class Filter(Generic[Value]):
    """Compares an id or a value of an enumeration."""

    eq: Value | None = optional("Equals this value.")
    in_: list[Value] | None = optional("Equals one of these values.", "in")


@strawberry.input
class _TradingFilter:
    strategy_id: Filter[UUID] | None = optional("By the strategy's id.")
    strategy_name: StringFilter | None = optional("By the strategy's name.")
    instrument_id: StringFilter | None = optional("By instrument id.")


@input_type
class OrderFilter(_TradingFilter):
    """Selects orders."""

    client_order_id: StringFilter | None = optional("The engine's order id.")
    status: Filter[OrderStatus] | None = optional("By order status.")
    authorization_status: Filter[AuthorizationStatus] | None = optional(
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
class PositionFilter(_TradingFilter):
    """Selects positions."""

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
    strategy_id: Filter[UUID] | None = optional("By strategy id.")
    ts: DateTimeFilter | None = optional("By the instant of the change.")


@input_type
class QuarantineFilter:
    """Selects events in quarantine."""

    strategy_id: Filter[UUID] | None = optional("By the strategy's id.")
    client_order_id: StringFilter | None = optional("By the engine's order id.")
    code: Filter[QuarantineCode] | None = optional("By quarantine code.")
    ts_event: DateTimeFilter | None = optional("By the instant of the event.")


@input_type
class InstrumentFilter:
    """Selects instruments."""

    instrument_id: StringFilter | None = optional("By instrument id.")
    source: InstrumentSource | None = optional("By the source of the terms.")


@input_type
class DiscrepancyFilter:
    """Selects discrepancies."""

    strategy_id: Filter[UUID] | None = optional("By strategy id.")
    instrument_id: StringFilter | None = optional("By instrument.")
    position_id: StringFilter | None = optional("By position id.")
    kind: DiscrepancyKind | None = optional("By the figure that differs.")
    ts_event: DateTimeFilter | None = optional("By the instant of the fill.")


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


_GROUP_BY = Annotated[list[PerformanceGroup] | None, argument("The dimensions to group by, besides the currency.")]
_GRANULARITY = argument("What one point of the equity curve represents.")
_CURVE: Mapping[str, Any] = {
    "time_zone": Annotated[TimeZone | None, argument("The time zone of bars and daily values; by default UTC.")],
    "points": Annotated[
        int | None,
        argument(
            "The maximum number of points of one equity curve, from 2 to 5000. By default, 1000 for a curve "
            "of fills and unlimited for bars."
        ),
    ],
    "annualization_days": (
        Annotated[int, argument("The number of days in a year, for `sharpeRatio` and `sortinoRatio`; from 1 to 366.")],
        365,
    ),
}

STRATEGY_PERFORMANCE: Mapping[str, Any] = {
    "currency": Annotated[str | None, argument("Only this currency.")],
    "from_": Annotated[Instant | None, argument("At or after this instant; by default from the beginning.", "from")],
    "to": Annotated[Instant | None, argument("Before this instant; by default until now.")],
    "bucket": (
        Annotated[TimeBucket, argument("The granularity of the equity curve if `granularity` is not given.")],
        TimeBucket.DAY,
    ),
    "instrument_id": Annotated[StringFilter | None, argument("Only these instruments.")],
    "group_by": _GROUP_BY,
    "granularity": Annotated[Granularity | None, _GRANULARITY],
    **_CURVE,
}
PERFORMANCE: Mapping[str, Any] = {
    "filter": matching(PerformanceFilter),
    "group_by": _GROUP_BY,
    "granularity": (Annotated[Granularity, _GRANULARITY], Granularity.DAY),
    **_CURVE,
}

_SORT_KEYS = argument("At most 8 sort keys; ties are broken by id.")
ORDERS: Mapping[str, Any] = {
    "filter": matching(OrderFilter),
    "order_by": Annotated[list[OrderSort] | None, _SORT_KEYS],
    **PAGE,
}
"""The arguments of a list of orders."""
FILLS: Mapping[str, Any] = {
    "filter": matching(FillFilter),
    "order_by": Annotated[list[FillSort] | None, _SORT_KEYS],
    **PAGE,
}
"""The arguments of a list of fills."""
POSITIONS: Mapping[str, Any] = {"filter": matching(PositionFilter), **PAGE}
"""The arguments of a list of positions."""
