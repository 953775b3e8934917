"""Anything that has an id."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads import Answer, Want, entities
from app.reads.shape import Shape
from app.resolvers.context import Context


async def find_node(shape: Shape, context: Context, principal: Principal, want: Want, values: Sequence[Any]) -> Answer:
    """The node that satisfies the question, which asks for a key; null where there is none."""
    found = await entities(context.database, principal, shape, want, values)
    return Answer(found[0].body if found else b"null", None)
