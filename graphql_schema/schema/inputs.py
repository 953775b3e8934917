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
from graphql_schema.types.fields import described, optional
from graphql_schema.types.scalars import Amount, Instant

_AND = "All of these, besides."
_OR = "At least one of these; none of an empty list."
_NOT = "Not this."


@strawberry.input(
    description="Compares a text. An empty text is compared like any other; null, or left out, asks for nothing."
)
class StringFilter:
    """Compares a text. An empty text is compared like any other; null, or left out, asks for nothing."""

    eq: str | None = optional("Is this.")
    in_: list[str] | None = optional("Is one of these.", "in")
    contains: str | None = optional("Has this inside, in any case; `%` and `_` mean themselves.")
    starts_with: str | None = optional("Begins with this, in the same case.")


@strawberry.input(description="Compares a decimal.")
class DecimalFilter:
    """Compares a decimal."""

    eq: Amount | None = optional("Is this number, however many zeros it ends with.")
    gt: Amount | None = optional("Is greater.")
    gte: Amount | None = optional("Is greater, or equal.")
    lt: Amount | None = optional("Is less.")
    lte: Amount | None = optional("Is less, or equal.")


@strawberry.input(description="Compares an instant.")
class DateTimeFilter:
    """Compares an instant."""

    gte: Instant | None = optional("Then or later.")
    gt: Instant | None = optional("Later.")
    lt: Instant | None = optional("Earlier.")
    lte: Instant | None = optional("Then or earlier.")


@strawberry.input(name="UUIDFilter", description="Compares a UUID.")
class UUIDFilter:
    """Compares a UUID."""

    eq: UUID | None = optional("Is this.")
    in_: list[UUID] | None = optional("Is one of these.", "in")


@strawberry.input(description="Compares an order's status.")
class OrderStatusFilter:
    """Compares an order's status."""

    eq: OrderStatus | None = optional("Is this.")
    in_: list[OrderStatus] | None = optional("Is one of these.", "in")


@strawberry.input(description="Compares what became of an order's authorization.")
class AuthorizationStatusFilter:
    """Compares what became of an order's authorization."""

    eq: AuthorizationStatus | None = optional("Is this.")
    in_: list[AuthorizationStatus] | None = optional("Is one of these.", "in")


@strawberry.input(description="Which orders.")
class OrderFilter:
    """Which orders."""

    strategy_id: UUIDFilter | None = optional("Their strategy, by its id.")
    strategy_name: StringFilter | None = optional("Their strategy, by its name.")
    instrument_id: StringFilter | None = optional("What is traded.")
    client_order_id: StringFilter | None = optional("The engine's id.")
    status: OrderStatusFilter | None = optional("Where they stand.")
    authorization_status: AuthorizationStatusFilter | None = optional(
        "What became of the question whether they may leave; an order that nobody asked about has no status to compare."
    )
    side: OrderSide | None = optional("Bought or sold.")
    order_type: OrderType | None = optional("How they are priced and triggered.", "type")
    quantity: DecimalFilter | None = optional("The ordered quantity.")
    quantity_source: QuantitySource | None = optional("How their quantity is known.")
    ts_init: DateTimeFilter | None = optional("When they were made.")
    ts_last: DateTimeFilter | None = optional("When they changed last.")
    and_: list["OrderFilter"] | None = optional(_AND, "and")
    or_: list["OrderFilter"] | None = optional(_OR, "or")
    not_: Optional["OrderFilter"] = optional(_NOT, "not")


@strawberry.input(description="Which fills.")
class FillFilter:
    """Which fills."""

    strategy_id: UUIDFilter | None = optional("Their strategy, by its id.")
    strategy_name: StringFilter | None = optional("Their strategy, by its name.")
    instrument_id: StringFilter | None = optional("What is traded.")
    client_order_id: StringFilter | None = optional("The order's id of the engine.")
    side: OrderSide | None = optional("Bought or sold.")
    currency: StringFilter | None = optional(
        "The settlement currency, which they realize in: `Fill.settlementCurrency`, not `Fill.currency`."
    )
    last_qty: DecimalFilter | None = optional("The filled quantity.")
    ts_event: DateTimeFilter | None = optional("When they happened.")
    and_: list["FillFilter"] | None = optional(_AND, "and")
    or_: list["FillFilter"] | None = optional(_OR, "or")
    not_: Optional["FillFilter"] = optional(_NOT, "not")


@strawberry.input(description="Which positions.")
class PositionFilter:
    """Which positions."""

    strategy_id: UUIDFilter | None = optional("Their strategy, by its id.")
    strategy_name: StringFilter | None = optional("Their strategy, by its name.")
    instrument_id: StringFilter | None = optional("What is held.")
    status: PositionStatus | None = optional("Whether they still hold a quantity.")
    ts_opened: DateTimeFilter | None = optional("When they were opened.")


@strawberry.input(description="Which fills and trades performance is computed over.")
class PerformanceFilter:
    """Which fills and trades."""

    strategy_id: UUIDFilter | None = optional("Their strategy, by its id.")
    strategy_name: StringFilter | None = optional("Their strategy, by its name.")
    instrument_id: StringFilter | None = optional("What is traded.")
    currency: StringFilter | None = optional("The currency of the amounts.")
    from_: Instant | None = optional("At or after this instant; by default from the beginning.", "from")
    to: Instant | None = optional("Before this instant; by default until now.")


@strawberry.input(description="Which strategies.")
class StrategyFilter:
    """Which strategies."""

    name: StringFilter | None = optional("The engine's id of the strategy.")
    trader_id: StringFilter | None = optional("Whose they are.")
    state: TradingState | None = optional("What they may do now.")
    own_state: TradingState | None = optional("Their `ownState`.")


@strawberry.input(description="Which entries of the audit log.")
class AuditFilter:
    """Which entries of the audit log."""

    actor: StringFilter | None = optional("Who did it.")
    action: StringFilter | None = optional("What was done.")
    strategy_id: UUIDFilter | None = optional("The strategy it was done to.")
    ts: DateTimeFilter | None = optional("When it was done.")


@strawberry.input(description="Compares why an event is in quarantine.")
class QuarantineCodeFilter:
    """Compares why an event is in quarantine."""

    eq: QuarantineCode | None = optional("Is this.")
    in_: list[QuarantineCode] | None = optional("Is one of these.", "in")


@strawberry.input(description="Which events in quarantine.")
class QuarantineFilter:
    """Which events in quarantine."""

    strategy_id: UUIDFilter | None = optional("Their strategy, by its id.")
    client_order_id: StringFilter | None = optional("The order that they are about, by the engine's id.")
    code: QuarantineCodeFilter | None = optional("Why they are not applied.")
    ts_event: DateTimeFilter | None = optional("When they happened.")


@strawberry.input(description="One key of the order of orders.")
class OrderSort:
    """One key of the order of orders."""

    field: OrderSortField = described("What to compare.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.DESC, description="Which end first; the largest or latest unless said."
    )


@strawberry.input(description="One key of the order of fills.")
class FillSort:
    """One key of the order of fills."""

    field: FillSortField = described("What to compare.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.DESC, description="Which end first; the largest or latest unless said."
    )
