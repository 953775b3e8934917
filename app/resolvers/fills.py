"""Fills."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads.fill_statistics import Sums
from app.reads.fill_statistics import summarize_fills as _summarize
from app.reads.query import Condition
from app.resolvers.context import Context


async def summarize_fills(
    context: Context, principal: Principal, where: Condition | None, values: Sequence[Any] = ()
) -> Sums:
    """Counts and sums over all fills that satisfy the condition, from kept totals."""
    return await _summarize(context.database, principal, where, values)
