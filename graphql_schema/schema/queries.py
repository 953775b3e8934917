"""The root of all queries. The arguments are declared here; what a field reads is in `execution.root_fields`."""
# mypy: disable-error-code="no-any-return"
# Strawberry reads the declared type; the executor completes the JSON that `read` returns.

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from app.resolvers import changes
from graphql_schema.caller import Info
from graphql_schema.execution.executor import read
from graphql_schema.schema.inputs import AuditFilter, FillFilter, QuarantineFilter
from graphql_schema.schema.performance_arguments import list_performance
from graphql_schema.types.administration import AuditEntry, GlobalTradingState
from graphql_schema.types.enums import FillGroup
from graphql_schema.types.fields import After, Before, First, Last, argument
from graphql_schema.types.instruments import Discrepancy, Instrument, list_discrepancies, list_instruments
from graphql_schema.types.relay import Connection, Node
from graphql_schema.types.statistics import FillSummary, Performance, Summary
from graphql_schema.types.trading import (
    Budget,
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


async def _node(info: Info, id: Annotated[strawberry.ID, argument("The id, from any answer.")]) -> Node | None:
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
    id: Annotated[UUID | None, argument("Its id.")] = UNSET,
    name: Annotated[str | None, argument("Its name; refused where several traders have one of that name.")] = UNSET,
) -> Strategy | None:
    return await read(info)


async def _order(
    info: Info,
    client_order_id: Annotated[str, argument("The engine's id.")],
    strategy_id: Annotated[
        UUID | None, argument("Whose; needed where several strategies have one of that id.")
    ] = UNSET,
) -> Order | None:
    return await read(info)


async def _fills_summary(
    info: Info,
    filter: Annotated[FillFilter | None, argument("Only these.")] = UNSET,
    group_by: Annotated[list[FillGroup] | None, argument("What makes the groups.")] = UNSET,
) -> FillSummary:
    return await read(info)


async def _budgets(
    info: Info,
    strategy_id: Annotated[UUID | None, argument("Only this strategy's.")] = UNSET,
    currency: Annotated[str | None, argument("Only in this currency.")] = UNSET,
) -> list[Budget]:
    return await read(info)


async def _budget(
    info: Info,
    strategy_id: Annotated[UUID, argument("Whose.")],
    currency: Annotated[str, argument("In which currency.")],
) -> Budget | None:
    return await read(info)


async def _audit_log(
    info: Info,
    filter: Annotated[AuditFilter | None, argument("Only these.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[AuditEntry]:
    return await read(info)


async def _quarantined_events(
    info: Info,
    filter: Annotated[QuarantineFilter | None, argument("Only these.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
) -> Connection[OrderEvent]:
    return await read(info)


def _feed_cursor(info: Info) -> str:
    return changes.get_feed_cursor(info.context.context, info.context.principal)


@strawberry.type(description="Everything that can be asked.")
class Query:
    """Everything that can be asked."""

    node: Node | None = strawberry.field(resolver=_node, description="Anything by its id; null where it is gone.")
    strategies: Connection[Strategy] = strawberry.field(
        resolver=_strategies, description="Strategies, the newest first."
    )
    strategy: Strategy | None = strawberry.field(
        resolver=_strategy, description="One strategy, by its id or by its name; null where there is none."
    )
    trading_state: GlobalTradingState = strawberry.field(
        resolver=read, description="What all trading may do, beside what each strategy may by itself."
    )
    orders: Connection[Order] = strawberry.field(
        resolver=list_orders, description="Orders, newest first unless `orderBy` says otherwise."
    )
    order: Order | None = strawberry.field(
        resolver=_order, description="One order, by the engine's id; null where there is none."
    )
    fills: Connection[Fill] = strawberry.field(
        resolver=list_fills, description="Fills, newest first unless `orderBy` says otherwise."
    )
    fills_summary: FillSummary = strawberry.field(
        resolver=_fills_summary,
        description="What fills add up to; from kept totals where the filter speaks of strategy, instrument, side, "
        "currency and of `tsEvent` from (`gte`) and before (`lt`) a midnight in UTC.",
    )
    performance: list[Performance] = strawberry.field(
        resolver=list_performance,
        description="What fills and trades of any strategies and instruments made together, or by group; always by "
        "currency. Sums of whole days in UTC are read from kept totals; drawdowns and points of single fills are "
        "computed over all fills of the span, in the order in which they count.",
    )
    positions: Connection[Position] = strawberry.field(
        resolver=list_positions, description="Positions, the one opened last first."
    )
    signals: Connection[Signal] = strawberry.field(resolver=list_signals, description="Signals, newest first.")
    budgets: list[Budget] = strawberry.field(resolver=_budgets, description="Budgets, the oldest first.")
    budget: Budget | None = strawberry.field(
        resolver=_budget, description="One budget; null where the strategy has none in the currency."
    )
    registry: list[Budget] = strawberry.field(resolver=read, description="All budgets, the oldest first.")
    audit_log: Connection[AuditEntry] = strawberry.field(
        resolver=_audit_log, description="What people and keys changed, newest first."
    )
    quarantined_events: Connection[OrderEvent] = strawberry.field(
        resolver=_quarantined_events,
        description="Events that are stored but not applied, newest first: those that wait, and dismissed ones.",
    )
    instruments: Connection[Instrument] = strawberry.field(
        resolver=list_instruments, description="Instruments that are recorded or were traded, by id."
    )
    discrepancies: Connection[Discrepancy] = strawberry.field(
        resolver=list_discrepancies,
        description="Figures in which the engine's reports of positions differ from the ledger, newest first.",
    )
    feed_cursor: str = strawberry.field(
        resolver=_feed_cursor,
        description="Where the change feed stands. A subscription `after` it misses nothing that came after what the "
        "same query answers.",
    )
    summary: Summary = strawberry.field(resolver=read, description="How much of everything there is.")
