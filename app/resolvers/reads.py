"""Reads of one entity: lists, sums, single rows, and lookups by key. Most take (context, principal, query, values).

Their answers raise BadInputError, DatabaseUnavailable, QueryTimeout.
"""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

from app.principal import Principal
from app.reads import fill_statistics
from app.reads.catalogue.administration import AUDIT_ENTRY, STRATEGY, SUMMARY
from app.reads.catalogue.fill import FILL
from app.reads.catalogue.order import ORDER
from app.reads.catalogue.position import POSITION
from app.reads.compiled import Answer, answer, fetch_objects
from app.reads.entity import Entity
from app.reads.fill_statistics import Sums
from app.reads.lookups import Key
from app.reads.query import Condition, ReadQuery
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


async def summarize_fills(
    context: Context, principal: Principal, where: Condition | None, values: Sequence[Any] = ()
) -> Sums:
    """Counts and sums over all fills that satisfy the condition, from kept totals."""
    return await fill_statistics.summarize_fills(context.database, principal, where, values)


list_strategies = partial(read, STRATEGY)
list_orders = partial(read, ORDER)
list_fills = partial(read, FILL)
list_positions = partial(read, POSITION)
list_audit_entries = partial(read, AUDIT_ENTRY)
get_summary = partial(read, SUMMARY)
