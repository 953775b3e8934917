"""Reads of one entity: lists, sums, single rows, and lookups by key.

They raise BadInputError, DatabaseUnavailable, QueryTimeout.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any
from uuid import UUID

from app.errors import OrderAmbiguous, OrderNotFound, StrategyAmbiguous
from app.principal import Principal
from app.reads.catalogue.administration import STRATEGY
from app.reads.catalogue.trading import ORDER
from app.reads.compiled import Answer, OwnedObject, answer, fetch_objects
from app.reads.entity import Entity
from app.reads.lookups import Key
from app.reads.query import And, Compare, ListArgs, Op, Page, ReadQuery, ResultFormat, Selection
from app.resolvers.context import Context

_AMBIGUOUS: Mapping[str, type[OrderAmbiguous] | type[StrategyAmbiguous]] = {
    ORDER.name: OrderAmbiguous,
    STRATEGY.name: StrategyAmbiguous,
}
_WITH_ID = Compare("client_order_id", Op.EQ, 0)
_OF_STRATEGY = Compare("strategy_id", Op.EQ, 1)
_PAGE = Page(limit=10)
"""As many orders as `OrderAmbiguous` names."""


async def read(
    context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any], entity: Entity
) -> Answer:
    """The rows of the entity, in the query's format."""
    return await answer(context.database, principal, entity, query, values)


async def find(
    context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any], entity: Entity
) -> Answer:
    """The row that satisfies the query, or null. The first value is the id or name that the row is known by.

    Raises OrderAmbiguous, StrategyAmbiguous.
    """
    found = await fetch_objects(context.database, principal, entity, query, values)
    return Answer(_only(entity, values[0], found).body if found else b"null", None)


async def get_order(
    context: Context, principal: Principal, client_order_id: str, strategy_id: UUID | None, selection: Selection
) -> OwnedObject:
    """One order. Raises OrderNotFound; OrderAmbiguous if several strategies have it and none is given."""
    where = _WITH_ID if strategy_id is None else And((_WITH_ID, _OF_STRATEGY))
    values = [client_order_id] if strategy_id is None else [client_order_id, strategy_id]
    query = ReadQuery(selection, ResultFormat.EACH, ListArgs(where, page=_PAGE))
    found = await fetch_objects(context.database, principal, ORDER, query, values)
    if not found:
        raise OrderNotFound(client_order_id)
    return _only(ORDER, client_order_id, found)


def _only(entity: Entity, known_by: Any, found: list[OwnedObject]) -> OwnedObject:
    if len(found) > 1:
        raise _AMBIGUOUS[entity.name](known_by, [one.strategy_id for one in found])
    return found[0]


def look_up(
    context: Context, principal: Principal, entity: Entity, query: ReadQuery, values: Sequence[Any], keys: Sequence[Key]
) -> Awaitable[list[bytes | None]]:
    """The objects that have these keys, in their order; None if the principal may not see one (`Lookups.find`)."""
    return context.lookups.find(context.database, principal, entity, query, values, keys)
