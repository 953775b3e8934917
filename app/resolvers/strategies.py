"""Strategies."""

from collections.abc import Sequence
from typing import Any

from app.errors import StrategyAmbiguous
from app.principal import Principal
from app.reads import Answer, Want, answer, entities
from app.reads.catalogue import STRATEGY
from app.resolvers.context import Context


async def list_strategies(context: Context, principal: Principal, want: Want, values: Sequence[Any] = ()) -> Answer:
    """Strategies, the newest first."""
    return await answer(context.database, principal, STRATEGY, want, values)


async def find_strategy(context: Context, principal: Principal, want: Want, values: Sequence[Any]) -> Answer:
    """The one strategy that satisfies the question, or null; its value is an id or a name. Raises StrategyAmbiguous."""
    found = await entities(context.database, principal, STRATEGY, want, values)
    if len(found) > 1:
        raise StrategyAmbiguous(values[0], [strategy.strategy_id for strategy in found])
    return Answer(found[0].body if found else b"null", None)
