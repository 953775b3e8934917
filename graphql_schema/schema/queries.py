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
from graphql_schema.types.administration import AuditEntry, GlobalTradingState
from graphql_schema.types.connections import Connection
from graphql_schema.types.enums import FillGroup
from graphql_schema.types.fields import After, Before, First, Last, argument
from graphql_schema.types.instruments import Discrepancy, Instrument, list_discrepancies, list_instruments
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


def _node(id: Annotated[strawberry.ID, argument("The id, from any answer.")]) -> Node | None:
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
    id: Annotated[UUID | None, argument("Its id.")] = UNSET,
    name: Annotated[str | None, argument("Its name; refused where several traders have one of that name.")] = UNSET,
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
    client_order_id: Annotated[str, argument("The engine's id.")],
    strategy_id: Annotated[
        UUID | None, argument("Whose; needed where several strategies have one of that id.")
    ] = UNSET,
) -> Order | None:
    where, values = Compare("client_order_id", Op.EQ, 0), [client_order_id]
    if strategy_id is None or strategy_id is UNSET:
        return asked(ORDER, orders.find_order, where, values)
    both = And((where, Compare("strategy_id", Op.EQ, 1)))
    return asked(ORDER, orders.find_order, both, [*values, strategy_id])


def _fills_summary(
    filter: Annotated[FillFilter | None, argument("Only these.")] = UNSET,
    group_by: Annotated[list[FillGroup] | None, argument("What makes the groups.")] = UNSET,
) -> FillSummary:
    return asked(FILL_SUMMARY, fills.sum_up_fills)


def _budgets(
    strategy_id: Annotated[UUID | None, argument("Only this strategy's.")] = UNSET,
    currency: Annotated[str | None, argument("Only in this currency.")] = UNSET,
) -> list[Budget]:
    given = [
        (field, value)
        for field, value in (("strategy_id", strategy_id), ("currency", currency))
        if value is not None and value is not UNSET
    ]
    where = And(tuple(Compare(field, Op.EQ, slot) for slot, (field, _) in enumerate(given)))
    return asked(BUDGET, budgets.list_budgets, where, [value for _, value in given])


def _budget(
    strategy_id: Annotated[UUID, argument("Whose.")], currency: Annotated[str, argument("In which currency.")]
) -> Budget | None:
    where = And((Compare("strategy_id", Op.EQ, 0), Compare("currency", Op.EQ, 1)))
    return asked(BUDGET, budgets.find_budget, where, [strategy_id, currency])


def _registry() -> list[Budget]:
    return asked(BUDGET, budgets.list_registry)


def _audit_log(
    filter: Annotated[AuditFilter | None, argument("Only these.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[AuditEntry]:
    return asked(AUDIT_ENTRY, audit.list_audit_entries)


def _quarantined_events(
    filter: Annotated[QuarantineFilter | None, argument("Only these.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
) -> Connection[OrderEvent]:
    return asked(QUARANTINED_EVENT, events.list_quarantined_events)


def _feed_cursor(info: strawberry.Info) -> str:
    caller: Caller = info.context
    return changes.get_feed_cursor(caller.context, caller.principal)


def _summary() -> Summary:
    return asked(SUMMARY, summary.get_summary)


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
        resolver=_trading_state, description="What all trading may do, beside what each strategy may by itself."
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
    registry: list[Budget] = strawberry.field(resolver=_registry, description="All budgets, the oldest first.")
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
    summary: Summary = strawberry.field(resolver=_summary, description="How much of everything there is.")
