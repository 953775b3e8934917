"""Registering strategies, and saying what they may do."""

import time
from uuid import UUID

from app.database import WriteConnection
from app.errors import StrategyNotFound
from app.ledger.audit import Act, Action, Entity, record, record_all
from app.ledger.effects import feed_part
from app.ledger.input_checks import check_name
from app.ledger.locks import lock_all_strategies, lock_strategies
from app.ledger.writing import write
from app.principal import Principal
from app.rules.enums import TradingState
from app.rules.identity import strategy_id_of

_ADD = """
INSERT INTO strategies (strategy_id, name, trader_id, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING state
"""
_SET_STATE = "UPDATE strategies SET state = $2 WHERE strategy_id = ANY($1)"


async def register_strategy(work: WriteConnection, principal: Principal, name: str, trader_id: str) -> UUID:
    """Make a strategy known before its first event; answers its id, also where it is known.

    Raises InputInvalid, Forbidden.
    """
    check_name(name, "name")
    check_name(trader_id, "trader_id")
    strategy_id = strategy_id_of(trader_id, name)
    principal.require_strategy(strategy_id)
    state = await work.fetchval(_ADD, strategy_id, name, trader_id, time.time_ns())
    if state is not None:
        key = str(strategy_id)
        await write(work, [feed_part(strategies=[key])])
        after = _described(key, name, trader_id, state)
        await record(work, principal, Action.STRATEGY_REGISTER, "strategy", key, key, None, after)
    return strategy_id


async def set_trading_state(
    work: WriteConnection, principal: Principal, strategy_id: UUID | None, state: TradingState
) -> list[UUID]:
    """Say what a strategy may do, or, with None, all there are: the kill switch. Answers which, sorted by id.

    A strategy that comes later is ACTIVE, and has no budget. Raises StrategyNotFound.
    """
    if strategy_id is None:
        strategies = await lock_all_strategies(work)
    else:
        strategies = await lock_strategies(work, [str(strategy_id)])
        if not strategies:
            raise StrategyNotFound(strategy_id)
    changed = {key: strategy for key, strategy in strategies.items() if strategy.state is not state}
    await work.execute(_SET_STATE, list(changed), state.value)
    await write(work, [feed_part(strategies=changed)])
    acts = [
        Act(
            action=Action.STRATEGY_STATE,
            entity_type="strategy",
            entity_id=key,
            strategy_id=key,
            before=_described(key, strategy.name, strategy.trader_id, strategy.state),
            after=_described(key, strategy.name, strategy.trader_id, state),
        )
        for key, strategy in changed.items()
    ]
    await record_all(work, principal, acts)
    return [UUID(key) for key in strategies]


def _described(strategy_id: str, name: str, trader_id: str, state: str) -> Entity:
    return {"strategyId": strategy_id, "name": name, "traderId": trader_id, "state": str(state)}
