"""The root of all queries. The arguments are declared here; what a field reads is in `execution.root_fields`."""
# mypy: disable-error-code="no-any-return"
# Strawberry reads the declared type; the executor completes the JSON that `read` returns.

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from graphql_schema.caller import Info
from graphql_schema.execution.executor import read
from graphql_schema.schema.inputs import AuditFilter, FillFilter, QuarantineFilter
from graphql_schema.schema.performance_arguments import list_performance
from graphql_schema.types.administration import AuditEntry, Budget, GlobalTradingState
from graphql_schema.types.enums import FillGroup
from graphql_schema.types.fields import After, Before, First, Last, argument, object_type
from graphql_schema.types.instruments import Discrepancy, Instrument, list_discrepancies, list_instruments
from graphql_schema.types.relay import Connection, Node
from graphql_schema.types.statistics import FillSummary, Performance, Summary
from graphql_schema.types.trading import (
    Fill,
    Order,
    OrderEvent,
    Position,
    Signal,
    StrategiesWanted,
    Strategy,
    list_fills,
    list_orders,
    list_positions,
    list_signals,
)


async def _node(info: Info, id: Annotated[strawberry.ID, argument("An id from any earlier answer.")]) -> Node | None:
    return await read(info)


async def _strategies(
    info: Info,
    filter: StrategiesWanted = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Strategy]:
    return await read(info)


async def _strategy(
    info: Info,
    id: Annotated[UUID | None, argument("The strategy's id.")] = UNSET,
    name: Annotated[
        str | None, argument("The strategy's name; refused if several traders have a strategy of that name.")
    ] = UNSET,
) -> Strategy | None:
    return await read(info)


async def _order(
    info: Info,
    client_order_id: Annotated[str, argument("The engine's order id.")],
    strategy_id: Annotated[
        UUID | None, argument("The strategy's id; required if several strategies have an order with that id.")
    ] = UNSET,
) -> Order | None:
    return await read(info)


async def _fills_summary(
    info: Info,
    filter: Annotated[FillFilter | None, argument("Only objects that match.")] = UNSET,
    group_by: Annotated[list[FillGroup] | None, argument("The dimensions to group by.")] = UNSET,
) -> FillSummary:
    return await read(info)


async def _budgets(
    info: Info,
    strategy_id: Annotated[UUID | None, argument("Only budgets of this strategy.")] = UNSET,
    currency: Annotated[str | None, argument("Only budgets in this currency.")] = UNSET,
) -> list[Budget]:
    return await read(info)


async def _budget(
    info: Info,
    strategy_id: Annotated[UUID, argument("The strategy.")],
    currency: Annotated[str, argument("The budget's currency.")],
) -> Budget | None:
    return await read(info)


async def _audit_log(
    info: Info,
    filter: Annotated[AuditFilter | None, argument("Only objects that match.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[AuditEntry]:
    return await read(info)


async def _quarantined_events(
    info: Info,
    filter: Annotated[QuarantineFilter | None, argument("Only objects that match.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
) -> Connection[OrderEvent]:
    return await read(info)


@object_type
class Query:
    """The queries."""

    node: Node | None = strawberry.field(resolver=_node, description="Any object by its id; null if it does not exist.")
    strategies: Connection[Strategy] = strawberry.field(resolver=_strategies, description="Strategies, newest first.")
    strategy: Strategy | None = strawberry.field(
        resolver=_strategy, description="One strategy, by id or by name; null if it does not exist."
    )
    trading_state: GlobalTradingState = strawberry.field(
        resolver=read, description="The trading state that applies to all strategies."
    )
    orders: Connection[Order] = strawberry.field(resolver=list_orders, description="Orders; by default newest first.")
    order: Order | None = strawberry.field(
        resolver=_order, description="One order by the engine's order id; null if it does not exist."
    )
    fills: Connection[Fill] = strawberry.field(resolver=list_fills, description="Fills; by default newest first.")
    fills_summary: FillSummary = strawberry.field(
        resolver=_fills_summary,
        description="Totals over fills. Read from kept totals if the filter uses only strategy, instrument, side, "
        "currency, and `tsEvent` with `gte` and `lt` at midnight UTC.",
    )
    performance: list[Performance] = strawberry.field(
        resolver=list_performance,
        description="Performance over strategies and instruments, together or by group, always by currency. Sums "
        "over whole days in UTC are read from kept totals; drawdowns and single points are computed over "
        "all fills of the span.",
    )
    positions: Connection[Position] = strawberry.field(
        resolver=list_positions, description="Positions, most recently opened first."
    )
    signals: Connection[Signal] = strawberry.field(resolver=list_signals, description="Signals, newest first.")
    budgets: list[Budget] = strawberry.field(resolver=_budgets, description="Budgets, oldest first.")
    budget: Budget | None = strawberry.field(
        resolver=_budget, description="One budget; null if the strategy has none in the currency."
    )
    registry: list[Budget] = strawberry.field(resolver=read, description="All budgets, oldest first.")
    audit_log: Connection[AuditEntry] = strawberry.field(
        resolver=_audit_log, description="The audit log, newest first."
    )
    quarantined_events: Connection[OrderEvent] = strawberry.field(
        resolver=_quarantined_events,
        description="Events that are stored but not applied, newest first, including dismissed ones.",
    )
    instruments: Connection[Instrument] = strawberry.field(
        resolver=list_instruments, description="Instruments that were recorded or traded, by id."
    )
    discrepancies: Connection[Discrepancy] = strawberry.field(
        resolver=list_discrepancies,
        description="Figures that differ between the engine's reports of positions and the ledger, newest first.",
    )
    feed_cursor: str = strawberry.field(
        resolver=read,
        description="The current position in the change feed. A subscription `after` it misses no change that the "
        "same query's answer does not include.",
    )
    summary: Summary = strawberry.field(resolver=read, description="Counts over the whole ledger.")
