"""Budgets: so far only what fills have realized."""

from uuid import UUID

from app.errors import StrategyNotFound
from app.principal import Principal
from app.reads.fill_statistics import find_realized_pnl
from app.resolvers.context import Context


async def get_realized_pnl(context: Context, principal: Principal, strategy_id: UUID) -> bytes:
    """Realized profit and fees by currency. Raises StrategyNotFound."""
    body = await find_realized_pnl(context.database, principal, strategy_id)
    if body is None:
        raise StrategyNotFound(strategy_id)
    return body
