"""The table of root fields: of which entity a field of `Query` reads, by which resolver, and which rows.

Ordinary execution and the compiler of operation plans both go by this table. Arguments may be placeholders, so whether
a field is given may be looked at, but not its value.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from app.errors import BadInputError
from app.reads import And, Answer, Compare, Condition, Op, has_key, read_node_id
from app.reads.catalogue import (
    AUDIT_ENTRY,
    BUDGET,
    DISCREPANCY,
    FILL,
    FILL_SUMMARY,
    GLOBAL_TRADING_STATE,
    INSTRUMENT,
    ORDER,
    PERFORMANCE,
    POSITION,
    QUARANTINED_EVENT,
    SIGNAL,
    STRATEGY,
    SUMMARY,
)
from app.reads.catalogue.registry import entity_named
from app.reads.entity import Entity
from app.resolvers import changes, orders, reads, strategies
from graphql_schema.execution.placeholders import derive
from graphql_schema.execution.plan_constraints import entity_of

Given: TypeAlias = Mapping[str, Any]
"""Coerced arguments, by their GraphQL names."""


class RootRead(NamedTuple):
    """What a root field reads.

    `resolver` takes (context, principal, query, values). With `where` the field is the one object that satisfies the
    condition with these values, or null; if its type is a plain list, all that do. Without an entity it reads no row.
    """

    entity: Entity | None
    resolver: Callable[..., Awaitable[Answer]]
    where: Condition | None = None
    values: Sequence[Any] = ()


def root_read(name: str, given: Given) -> RootRead:
    """What the field reads with these arguments. Raises KeyError, BadInputError."""
    found = ROOT_FIELDS[name]
    return found if isinstance(found, RootRead) else found(given)


def _where(given: Given, **fields: str) -> tuple[Condition, list[Any]]:
    """The condition that each given argument equals its field, and the arguments' values."""
    pairs = [(field, given[name]) for name, field in fields.items() if given.get(name) is not None]
    compared = [Compare(field, Op.EQ, slot) for slot, (field, _) in enumerate(pairs)]
    return compared[0] if len(compared) == 1 else And(tuple(compared)), [value for _, value in pairs]


def _node(given: Given) -> RootRead:
    entity = entity_named(entity_of(given["id"]))
    key = derive(lambda node_id: read_node_id(node_id).values, given["id"], count=len(entity.key))
    return RootRead(entity, partial(reads.find, entity), has_key(entity), key)


def _strategy(given: Given) -> RootRead:
    where, values = _where(given, id="strategy_id", name="name")
    if len(values) != 1:
        raise BadInputError("Give either `id` or `name`.")
    return RootRead(STRATEGY, strategies.find_strategy, where, values)


def _order(given: Given) -> RootRead:
    return RootRead(ORDER, orders.find_order, *_where(given, clientOrderId="client_order_id", strategyId="strategy_id"))


def _budgets(given: Given) -> RootRead:
    return RootRead(BUDGET, reads.list_budgets, *_where(given, strategyId="strategy_id", currency="currency"))


def _budget(given: Given) -> RootRead:
    return RootRead(BUDGET, reads.find_budget, *_where(given, strategyId="strategy_id", currency="currency"))


ROOT_FIELDS: dict[str, RootRead | Callable[[Given], RootRead]] = {
    "node": _node,
    "strategies": RootRead(STRATEGY, reads.list_strategies),
    "strategy": _strategy,
    "tradingState": RootRead(GLOBAL_TRADING_STATE, reads.get_global_trading_state),
    "orders": RootRead(ORDER, reads.list_orders),
    "order": _order,
    "fills": RootRead(FILL, reads.list_fills),
    "fillsSummary": RootRead(FILL_SUMMARY, reads.sum_up_fills),
    "performance": RootRead(PERFORMANCE, reads.compute_performance),
    "positions": RootRead(POSITION, reads.list_positions),
    "signals": RootRead(SIGNAL, reads.list_signals),
    "budgets": _budgets,
    "budget": _budget,
    "registry": RootRead(BUDGET, reads.list_budgets),
    "auditLog": RootRead(AUDIT_ENTRY, reads.list_audit_entries),
    "quarantinedEvents": RootRead(QUARANTINED_EVENT, reads.list_quarantined_events),
    "instruments": RootRead(INSTRUMENT, reads.list_instruments),
    "discrepancies": RootRead(DISCREPANCY, reads.list_discrepancies),
    "feedCursor": RootRead(None, changes.get_feed_cursor),
    "summary": RootRead(SUMMARY, reads.get_summary),
}
"""All fields of `Query`, by their GraphQL names."""
