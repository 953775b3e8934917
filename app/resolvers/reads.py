"""Reads of one entity: lists, sums, single rows, and lookups by key. Most take (context, principal, query, values).

Their answers raise BadInputError, DatabaseUnavailable, QueryTimeout.
"""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

from app.principal import Principal
from app.reads import Answer, Key, ReadQuery, answer, fetch_objects
from app.reads import catalogue as entities
from app.reads.entity import Entity
from app.resolvers.context import Context


async def read(
    entity: Entity, context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any] = ()
) -> Answer:
    """The rows of the entity, as the query's format has them."""
    return await answer(context.database, principal, entity, query, values)


async def find(
    entity: Entity, context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any]
) -> Answer:
    """The row that satisfies the query, which names a key; null if there is none."""
    found = await fetch_objects(context.database, principal, entity, query, values)
    return Answer(found[0].body if found else b"null", None)


def look_up(
    context: Context, principal: Principal, entity: Entity, query: ReadQuery, values: Sequence[Any], keys: Sequence[Key]
) -> Awaitable[list[bytes | None]]:
    """The objects that have these keys, in their order; None where there is none that the principal may see.

    Lookups of one turn of the event loop are one statement: the keys are taken when this is called. `values` are those
    of the slots after the keys' own.
    """
    return context.lookups.find(context.database, principal, entity, query, values, keys)


list_strategies = partial(read, entities.STRATEGY)
list_orders = partial(read, entities.ORDER)
list_fills = partial(read, entities.FILL)
list_positions = partial(read, entities.POSITION)
list_signals = partial(read, entities.SIGNAL)
list_budgets = partial(read, entities.BUDGET)
list_audit_entries = partial(read, entities.AUDIT_ENTRY)
list_quarantined_events = partial(read, entities.QUARANTINED_EVENT)
list_instruments = partial(read, entities.INSTRUMENT)
list_discrepancies = partial(read, entities.DISCREPANCY)
find_budget = partial(find, entities.BUDGET)
compute_performance = partial(read, entities.PERFORMANCE)
sum_up_fills = partial(read, entities.FILL_SUMMARY)
get_summary = partial(read, entities.SUMMARY)
get_global_trading_state = partial(read, entities.GLOBAL_TRADING_STATE)
"""It applies to every strategy, so principals bound to some read it too."""
