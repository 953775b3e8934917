"""Anything that has an id."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads import Answer, ReadQuery, fetch_objects
from app.reads.entity import Entity
from app.resolvers.context import Context


async def find_node(
    entity: Entity, context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any]
) -> Answer:
    """The node that satisfies the question, which asks for a key; null where there is none."""
    found = await fetch_objects(context.database, principal, entity, query, values)
    return Answer(found[0].body if found else b"null", None)
