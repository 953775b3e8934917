"""Positions."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads import Answer, Want, answer
from app.reads.catalogue import POSITION
from app.resolvers.context import Context


async def list_positions(context: Context, principal: Principal, want: Want, values: Sequence[Any] = ()) -> Answer:
    """Positions, the one opened last first."""
    return await answer(context.database, principal, POSITION, want, values)
