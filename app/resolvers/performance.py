"""Performance of any set of strategies and instruments."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads import Answer, ReadQuery, answer
from app.reads.catalogue import PERFORMANCE
from app.resolvers.context import Context


async def compute_performance(
    context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any] = ()
) -> Answer:
    """What fills and trades made, for each group and currency."""
    return await answer(context.database, principal, PERFORMANCE, query, values)
