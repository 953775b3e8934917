"""Orders."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.errors import OrderAmbiguous, OrderNotFound
from app.principal import Principal
from app.reads.catalogue.order import ORDER
from app.reads.compiled import Answer, OwnedObject, fetch_objects
from app.reads.query import Amounts, And, Compare, ListArgs, Op, Page, ReadQuery, ResultFormat, Selection
from app.resolvers.context import Context

_AMBIGUOUS_NAMED_MAX = 10
_WITH_ID = Compare("client_order_id", Op.EQ, 0)
_OF_STRATEGY = Compare("strategy_id", Op.EQ, 1)
_PAGE = Page(limit=_AMBIGUOUS_NAMED_MAX)


async def get_order(
    context: Context,
    principal: Principal,
    client_order_id: str,
    strategy_id: UUID | None,
    selection: Selection,
    amounts: Amounts = Amounts.NUMBER,
) -> OwnedObject:
    """One order. Raises OrderNotFound; OrderAmbiguous where several strategies have it and none was said."""
    where = _WITH_ID if strategy_id is None else And((_WITH_ID, _OF_STRATEGY))
    values = [client_order_id] if strategy_id is None else [client_order_id, strategy_id]
    query = ReadQuery(selection, ResultFormat.EACH, ListArgs(where, page=_PAGE), amounts)
    found = await fetch_objects(context.database, principal, ORDER, query, values)
    if not found:
        raise OrderNotFound(client_order_id)
    return _only(client_order_id, found)


async def find_order(context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any]) -> Answer:
    """The one order that satisfies the query, or null; the first value is its client_order_id.

    Raises OrderAmbiguous.
    """
    found = await fetch_objects(context.database, principal, ORDER, query, values)
    return Answer(_only(values[0], found).body if found else b"null", None)


def _only(client_order_id: str, found: list[OwnedObject]) -> OwnedObject:
    if len(found) > 1:
        raise OrderAmbiguous(client_order_id, [order.strategy_id for order in found])
    return found[0]
