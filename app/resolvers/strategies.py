"""Strategies."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.errors import StrategyAmbiguous, StrategyNotFound
from app.ledger.commands import StrategyRef
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


async def resolve(context: Context, principal: Principal, strategy: StrategyRef) -> UUID:
    """The id of the strategy that a principal speaks of; one given by its id need not exist.

    Of a name that several traders use, the principal's own decide. Raises StrategyNotFound, StrategyAmbiguous.
    """
    found = [strategy] if isinstance(strategy, UUID) else await context.names.find(context.database, strategy)
    allowed = [one for one in found if principal.strategy_ids is None or one in principal.strategy_ids]
    if not allowed:
        raise StrategyNotFound(strategy)
    if len(allowed) > 1:
        raise StrategyAmbiguous(str(strategy), allowed)
    return allowed[0]
