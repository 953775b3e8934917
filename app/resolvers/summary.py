"""How much of everything there is."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads import Answer, ReadQuery, answer
from app.reads.catalogue import SUMMARY
from app.resolvers.context import Context


async def get_summary(context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any] = ()) -> Answer:
    """Counts of signals, orders and fills, from kept totals."""
    return await answer(context.database, principal, SUMMARY, query, values)
