"""Objects in the payload of a mutation, as they stand after its transaction."""

from collections.abc import Awaitable, Sequence
from typing import Any

from app.principal import Principal
from app.reads import Key, ReadQuery
from app.reads.compiled import compiled_query
from app.reads.entity import Entity
from app.resolvers.context import Context


def check_query(entity: Entity, query: ReadQuery) -> None:
    """Raises BadInputError where no statement can answer it."""
    compiled_query(entity, query)


def look_up(
    context: Context, principal: Principal, entity: Entity, query: ReadQuery, values: Sequence[Any], keys: Sequence[Key]
) -> Awaitable[list[bytes | None]]:
    """The objects that have these keys, in their order; None where there is none that the principal may see.

    Many at once, and those of many requests, are one statement: the keys are taken when this is called. `values` are
    those of the slots after the keys' own. The awaitable raises BadInputError, DatabaseUnavailable, QueryTimeout.
    """
    return context.lookups.find(context.database, principal, entity, query, values, keys)
