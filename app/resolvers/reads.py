"""Reads of one entity: lists, sums, and single rows. Each takes (context, principal, query, values).

Their answers raise BadInputError, DatabaseUnavailable, QueryTimeout.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from app.principal import Principal
from app.reads import Answer, ReadQuery, answer, fetch_objects
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


list_strategies = partial(read, STRATEGY)
list_orders = partial(read, ORDER)
list_fills = partial(read, FILL)
list_positions = partial(read, POSITION)
list_signals = partial(read, SIGNAL)
list_budgets = partial(read, BUDGET)
list_audit_entries = partial(read, AUDIT_ENTRY)
list_quarantined_events = partial(read, QUARANTINED_EVENT)
list_instruments = partial(read, INSTRUMENT)
list_discrepancies = partial(read, DISCREPANCY)
find_budget = partial(find, BUDGET)
compute_performance = partial(read, PERFORMANCE)
sum_up_fills = partial(read, FILL_SUMMARY)
get_summary = partial(read, SUMMARY)
get_global_trading_state = partial(read, GLOBAL_TRADING_STATE)
"""It applies to every strategy, so principals bound to some read it too."""
