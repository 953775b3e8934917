"""The table of root fields: of which entity a field of `Query` reads, by which resolver, and which rows.

Ordinary execution and the compiler of operation plans both go by this table. Arguments may be placeholders, so whether
a field is given may be looked at, but not its value.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from app.errors import BadInputError
from app.reads.catalogue.administration import AUDIT_ENTRY, GLOBAL_TRADING_STATE, STRATEGY, SUMMARY
from app.reads.catalogue.budget import BUDGET
from app.reads.catalogue.fill import FILL, FILL_SUMMARY
from app.reads.catalogue.instrument import DISCREPANCY, INSTRUMENT
from app.reads.catalogue.performance import PERFORMANCE
from app.reads.catalogue.trading import ORDER, POSITION, QUARANTINED_EVENT, SIGNAL
from app.reads.compiled import Answer
from app.reads.entity import ENTITIES, Entity
from app.reads.ordering import read_node_id
from app.reads.query import And, Compare, Condition, Op
from app.resolvers import changes, reads
from graphql_schema.execution.placeholders import derive, entity_of

Given: TypeAlias = Mapping[str, Any]
"""Coerced arguments, by their GraphQL names."""


class RootRead(NamedTuple):
    """The rows of a root field.

    `resolver` takes (context, principal, query, values, entity). With `where` the field is the one object that meets
    the condition with these values, or null; if its type is a plain list, all that do. Without an entity no row is
    read.
    """

    entity: Entity | None
    resolver: Callable[..., Awaitable[Answer]]
    where: Condition | None = None
    values: Sequence[Any] = ()


def root_read(name: str, given: Given) -> RootRead:
    """The read of the field with these arguments. Raises KeyError, BadInputError."""
    found = ROOT_FIELDS[name]
    return RootRead(found, reads.read) if isinstance(found, Entity) else found(given)


def _where(given: Given, **fields: str) -> tuple[Condition, list[Any]]:
    """The condition that each given argument equals its field, and the arguments' values."""
    pairs = [(field, given[name]) for name, field in fields.items() if given.get(name) is not None]
    compared = [Compare(field, Op.EQ, slot) for slot, (field, _) in enumerate(pairs)]
    return compared[0] if len(compared) == 1 else And(tuple(compared)), [value for _, value in pairs]


def _node(given: Given) -> RootRead:
    entity = ENTITIES[entity_of(given["id"])]
    key = derive(lambda node_id: read_node_id(node_id)[1], given["id"], count=len(entity.key))
    where = And(tuple(Compare(name, Op.EQ, slot) for slot, name in enumerate(entity.key)))
    return RootRead(entity, reads.find, where, key)


def _strategy(given: Given) -> RootRead:
    where, values = _where(given, id="strategy_id", name="name")
    if len(values) != 1:
        raise BadInputError("Give either `id` or `name`.")
    return RootRead(STRATEGY, reads.find, where, values)


def _order(given: Given) -> RootRead:
    return RootRead(ORDER, reads.find, *_where(given, clientOrderId="client_order_id", strategyId="strategy_id"))


def _budgets(given: Given) -> RootRead:
    return RootRead(BUDGET, reads.read, *_where(given, strategyId="strategy_id", currency="currency"))


def _budget(given: Given) -> RootRead:
    return RootRead(BUDGET, reads.find, *_where(given, strategyId="strategy_id", currency="currency"))


ROOT_FIELDS: dict[str, Entity | Callable[[Given], RootRead]] = {
    "node": _node,
    "strategies": STRATEGY,
    "strategy": _strategy,
    "tradingState": GLOBAL_TRADING_STATE,
    "orders": ORDER,
    "order": _order,
    "fills": FILL,
    "fillsSummary": FILL_SUMMARY,
    "performance": PERFORMANCE,
    "positions": POSITION,
    "signals": SIGNAL,
    "budgets": _budgets,
    "budget": _budget,
    "registry": BUDGET,
    "auditLog": AUDIT_ENTRY,
    "quarantinedEvents": QUARANTINED_EVENT,
    "instruments": INSTRUMENT,
    "discrepancies": DISCREPANCY,
    "feedCursor": lambda _: RootRead(None, changes.get_feed_cursor),
    "summary": SUMMARY,
}
"""All fields of `Query`, by their GraphQL names; an entity if the arguments select among all its rows."""
