"""Positions."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads import Answer, ReadQuery, answer
from app.reads.catalogue import POSITION
from app.resolvers.context import Context


async def list_positions(
    context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any] = ()
) -> Answer:
    """Positions, the one opened last first."""
    return await answer(context.database, principal, POSITION, query, values)
