"""The root of all questions. A field says which entity it asks about, and which resolver answers.

Values are handed on as they are and never looked at: what is asked for must not depend on them.
"""
# mypy: disable-error-code="no-any-return"
# Strawberry is told the type of the answer; what comes is a question, which the executor answers.

from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from app.errors import BadInputError
from app.reads import And, Compare, Op, has_key, read_node_id
from app.reads.catalogue import (
    AUDIT_ENTRY,
    BUDGET,
    FILL_SUMMARY,
    GLOBAL_TRADING_STATE,
    ORDER,
    QUARANTINED_EVENT,
    STRATEGY,
    SUMMARY,
)
from app.reads.catalogue.registry import entity_named
from app.resolvers import audit, budgets, changes, events, fills, nodes, orders, strategies, summary
from graphql_schema.ask import asked
from graphql_schema.caller import Caller
from graphql_schema.holes import worked_out
from graphql_schema.node import Node
from graphql_schema.schema.inputs import AuditFilter, FillFilter, QuarantineFilter
from graphql_schema.schema.performance_arguments import list_performance
from graphql_schema.told import entity_of
from graphql_schema.types.administration import AuditEntry, Budget, GlobalTradingState
from graphql_schema.types.connections import Connection
from graphql_schema.types.enums import FillGroup
from graphql_schema.types.fields import After, Before, First, Last, argument, object_type
from graphql_schema.types.instruments import Discrepancy, Instrument, list_discrepancies, list_instruments
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


def _node(id: Annotated[strawberry.ID, argument("An id from any earlier answer.")]) -> Node | None:
    entity = entity_named(entity_of(id))
    key = worked_out(lambda given: read_node_id(given).values, id, count=len(entity.key))
    return asked(entity, partial(nodes.find_node, entity), has_key(entity), key)


def _strategies(
    filter: StrategiesWanted = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Strategy]:
    return asked(STRATEGY, strategies.list_strategies)


def _strategy(
    id: Annotated[UUID | None, argument("The strategy's id.")] = UNSET,
    name: Annotated[
        str | None, argument("The strategy's name; refused if several traders have a strategy of that name.")
    ] = UNSET,
) -> Strategy | None:
    given = [
        (field, value)
        for field, value in (("strategy_id", id), ("name", name))
        if value is not None and value is not UNSET
    ]
    if len(given) != 1:
        raise BadInputError("Give either `id` or `name`.")
    field, value = given[0]
    return asked(STRATEGY, strategies.find_strategy, Compare(field, Op.EQ, 0), (value,))


def _trading_state() -> GlobalTradingState:
    return asked(GLOBAL_TRADING_STATE, strategies.get_global_trading_state)


def _order(
    client_order_id: Annotated[str, argument("The engine's order id.")],
    strategy_id: Annotated[
        UUID | None, argument("The strategy's id; required if several strategies have an order with that id.")
    ] = UNSET,
) -> Order | None:
    where, values = Compare("client_order_id", Op.EQ, 0), [client_order_id]
    if strategy_id is None or strategy_id is UNSET:
        return asked(ORDER, orders.find_order, where, values)
    both = And((where, Compare("strategy_id", Op.EQ, 1)))
    return asked(ORDER, orders.find_order, both, [*values, strategy_id])


def _fills_summary(
    filter: Annotated[FillFilter | None, argument("Only objects that match.")] = UNSET,
    group_by: Annotated[list[FillGroup] | None, argument("The dimensions to group by.")] = UNSET,
) -> FillSummary:
    return asked(FILL_SUMMARY, fills.sum_up_fills)


def _budgets(
    strategy_id: Annotated[UUID | None, argument("Only budgets of this strategy.")] = UNSET,
    currency: Annotated[str | None, argument("Only budgets in this currency.")] = UNSET,
) -> list[Budget]:
    given = [
        (field, value)
        for field, value in (("strategy_id", strategy_id), ("currency", currency))
        if value is not None and value is not UNSET
    ]
    where = And(tuple(Compare(field, Op.EQ, slot) for slot, (field, _) in enumerate(given)))
    return asked(BUDGET, budgets.list_budgets, where, [value for _, value in given])


def _budget(
    strategy_id: Annotated[UUID, argument("The strategy.")],
    currency: Annotated[str, argument("The budget's currency.")],
) -> Budget | None:
    where = And((Compare("strategy_id", Op.EQ, 0), Compare("currency", Op.EQ, 1)))
    return asked(BUDGET, budgets.find_budget, where, [strategy_id, currency])


def _registry() -> list[Budget]:
    return asked(BUDGET, budgets.list_registry)


def _audit_log(
    filter: Annotated[AuditFilter | None, argument("Only objects that match.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[AuditEntry]:
    return asked(AUDIT_ENTRY, audit.list_audit_entries)


def _quarantined_events(
    filter: Annotated[QuarantineFilter | None, argument("Only objects that match.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
) -> Connection[OrderEvent]:
    return asked(QUARANTINED_EVENT, events.list_quarantined_events)


def _feed_cursor(info: strawberry.Info) -> str:
    caller: Caller = info.context
    return changes.get_feed_cursor(caller.context, caller.principal)


def _summary() -> Summary:
    return asked(SUMMARY, summary.get_summary)


@object_type
class Query:
    """The queries."""

    node: Node | None = strawberry.field(resolver=_node, description="Any object by its id; null if it does not exist.")
    strategies: Connection[Strategy] = strawberry.field(resolver=_strategies, description="Strategies, newest first.")
    strategy: Strategy | None = strawberry.field(
        resolver=_strategy, description="One strategy, by id or by name; null if it does not exist."
    )
    trading_state: GlobalTradingState = strawberry.field(
        resolver=_trading_state, description="The trading state that applies to all strategies."
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
    registry: list[Budget] = strawberry.field(resolver=_registry, description="All budgets, oldest first.")
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
        resolver=_feed_cursor,
        description="The current position in the change feed. A subscription `after` it misses no change that the "
        "same query's answer does not include.",
    )
    summary: Summary = strawberry.field(resolver=_summary, description="Counts over the whole ledger.")
