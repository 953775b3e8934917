"""Fills."""

from collections.abc import Sequence
from typing import Any

from app.reads import Answer, Condition, Want, answer
from app.reads.catalogue import FILL
from app.reads.fill_statistics import summarize_fills as _summarize
from app.resolvers.context import Context


async def list_fills(context: Context, want: Want, values: Sequence[Any] = ()) -> Answer:
    """Fills, newest first unless asked otherwise."""
    return await answer(context.database, FILL, want, values)


async def summarize_fills(context: Context, where: Condition | None, values: Sequence[Any] = ()) -> bytes:
    """Counts and sums over all fills that satisfy the condition, from kept totals."""
    return await _summarize(context.database, where, values)
