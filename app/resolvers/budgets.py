"""Budgets: what strategies may tie up, what they do, and what their fills have realized."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.errors import StrategyNotFound
from app.principal import Principal
from app.reads import Answer, Want, answer, entities
from app.reads.catalogue import BUDGET
from app.reads.fill_statistics import find_realized_pnl
from app.resolvers.context import Context


async def list_budgets(context: Context, principal: Principal, want: Want, values: Sequence[Any] = ()) -> Answer:
    """Budgets, the oldest first."""
    return await answer(context.database, principal, BUDGET, want, values)


async def find_budget(context: Context, principal: Principal, want: Want, values: Sequence[Any]) -> Answer:
    """The one budget that satisfies the question, which asks for a key; null where there is none."""
    found = await entities(context.database, principal, BUDGET, want, values)
    return Answer(found[0].body if found else b"null", None)


async def list_registry(context: Context, principal: Principal, want: Want, values: Sequence[Any] = ()) -> Answer:
    """All budgets, the oldest first."""
    return await answer(context.database, principal, BUDGET, want, values)


async def get_realized_pnl(context: Context, principal: Principal, strategy_id: UUID) -> bytes:
    """Realized profit and fees by currency. Raises StrategyNotFound."""
    body = await find_realized_pnl(context.database, principal, strategy_id)
    if body is None:
        raise StrategyNotFound(strategy_id)
    return body
