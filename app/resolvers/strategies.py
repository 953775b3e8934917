"""Strategies."""

from uuid import UUID

from app.errors import StrategyAmbiguous, StrategyNotFound
from app.ledger.administration import strategies
from app.ledger.administration.strategies import StateSet
from app.ledger.commands import StrategyRef
from app.principal import Principal, Role
from app.resolvers.context import Context, transaction
from app.rules.enums import TradingState


async def resolve(
    context: Context, principal: Principal, strategy: StrategyRef, *, is_remembered: bool = False
) -> UUID:
    """The id of a strategy that the principal may use. Whether a given id exists is not checked.

    If several traders use a name, it means the one that the principal may use. `is_remembered`: the name may be read
    from the cache. Raises StrategyNotFound, StrategyAmbiguous.
    """
    if isinstance(strategy, UUID):
        found = [strategy]
    else:
        found = await context.names.find(context.database, strategy, anew=not is_remembered)
    allowed = [one for one in found if principal.strategy_ids is None or one in principal.strategy_ids]
    if not allowed:
        raise StrategyNotFound(strategy)
    if len(allowed) > 1:
        raise StrategyAmbiguous(str(strategy), allowed)
    return allowed[0]


async def register_strategy(context: Context, principal: Principal, name: str, trader_id: str) -> UUID:
    """Make a strategy known before its first event; answers its id. Known already: the same answer.

    Raises Forbidden, InputInvalid, Busy.
    """
    principal.require(Role.ADMIN)
    async with transaction(context) as work:
        return await strategies.register_strategy(work, principal, name, trader_id)


async def set_trading_state(
    context: Context, principal: Principal, strategy: StrategyRef, state: TradingState
) -> StateSet:
    """Set the own state of one strategy; answers its id and the state of all trading.

    Raises Forbidden, StrategyNotFound, StrategyAmbiguous, Busy.
    """
    principal.require(Role.ADMIN)
    strategy_id = await resolve(context, principal, strategy)
    async with transaction(context) as work:
        return await strategies.set_trading_state(work, principal, strategy_id, state)


async def set_global_trading_state(context: Context, principal: Principal, state: TradingState) -> StateSet:
    """Set the state of all trading, beside the own state of each strategy; answers all strategies, sorted by id.

    Raises Forbidden, Busy.
    """
    principal.require(Role.ADMIN)
    principal.require_all_strategies()
    async with transaction(context) as work:
        return await strategies.set_global_trading_state(work, principal, state)
