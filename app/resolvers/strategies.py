"""Strategies."""

from collections.abc import Sequence
from typing import Any

from app.reads import Answer, Want, answer
from app.reads.catalogue import STRATEGY
from app.resolvers.context import Context


async def list_strategies(context: Context, want: Want, values: Sequence[Any] = ()) -> Answer:
    """Strategies, the newest first."""
    return await answer(context.database, STRATEGY, want, values)
