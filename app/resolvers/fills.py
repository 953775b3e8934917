"""Fills."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads import Answer, Condition, ReadQuery, answer
from app.reads.catalogue import FILL, FILL_SUMMARY
from app.reads.fill_statistics import Sums
from app.reads.fill_statistics import summarize_fills as _summarize
from app.resolvers.context import Context


async def list_fills(context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any] = ()) -> Answer:
    """Fills, newest first unless asked otherwise."""
    return await answer(context.database, principal, FILL, query, values)


async def summarize_fills(
    context: Context, principal: Principal, where: Condition | None, values: Sequence[Any] = ()
) -> Sums:
    """Counts and sums over all fills that satisfy the condition, from kept totals."""
    return await _summarize(context.database, principal, where, values)


async def sum_up_fills(context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any] = ()) -> Answer:
    """Counts and sums, in all and by groups, over the fills that the question is about."""
    return await answer(context.database, principal, FILL_SUMMARY, query, values)
