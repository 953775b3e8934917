"""Registers strategies, and sets trading states.

The state of all trading is one row. The transaction that sets it locks all strategies first
(`locks.lock_all_strategies`), so each transaction that used the old state has ended, and each later one waits and then
reads the new state. It reads in a statement after the lock: a statement may take its snapshot before it waits, and
would then read the old state.
"""

import time
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.json import Decoder
from sqlalchemy import select, update

from app.database import WriteConnection
from app.errors import StrategyNotFound
from app.ledger.commands import check_name
from app.ledger.storage.audit_log import Action, AuditedState, AuditRecord, record
from app.ledger.storage.locks import lock_all_strategies, lock_strategies
from app.ledger.storage.queries import BatchQuery, parameter, sql
from app.ledger.storage.row_mapping import table_of
from app.ledger.storage.row_writes import feed_write
from app.ledger.storage.writing import Merge, write
from app.models.administration import ALL, Strategy, TradingControl
from app.principal import Principal
from app.rules.enums import TradingState, stricter
from app.rules.identity import strategy_id_of

_LOAD = sql(select(table_of(TradingControl)))


class GlobalState(Struct, frozen=True):
    """The state of all trading, when it was set (nanoseconds since the epoch) and by whom; None: never set."""

    state: TradingState
    since: int | None = None
    actor: str | None = None


_ROWS = Decoder(list[GlobalState])
_MISSING = GlobalState(TradingState.HALTED)
"""Used if the row was deleted by hand: no order is granted until the state is set."""


GLOBAL_STATE: BatchQuery[GlobalState] = BatchQuery(_LOAD, (), _ROWS, lambda rows: rows[0] if rows else _MISSING)
"""The state of all trading. It stays true while strategies are locked."""

# SQLAlchemy's INSERT would name every column that has a default.
_ADD = """
INSERT INTO strategies (strategy_id, name, trader_id, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING state
"""
_STRATEGIES = table_of(Strategy)
_SET_STATE = sql(update(_STRATEGIES).values(state=parameter(2)).where(_STRATEGIES.c.strategy_id == parameter(1)))


class StateSet(NamedTuple):
    """The strategies concerned, sorted by id, and the state of all trading."""

    strategy_ids: list[UUID]
    everywhere: GlobalState


async def register_strategy(work: WriteConnection, principal: Principal, name: str, trader_id: str) -> UUID:
    """Register a strategy, if it is new, before its first event. Returns its id. Raises InputInvalid, Forbidden."""
    check_name(name, "name")
    check_name(trader_id, "trader_id")
    strategy_id = strategy_id_of(trader_id, name)
    principal.require_strategy(strategy_id)
    state = await work.fetchval(_ADD, strategy_id, name, trader_id, time.time_ns())
    if state is not None:
        key = str(strategy_id)
        await write(work, [feed_write(strategies=[key])])
        after = _described(key, name, trader_id, state)
        await record(work, principal, AuditRecord(Action.STRATEGY_REGISTER, "strategy", key, key, None, after))
    return strategy_id


async def set_trading_state(
    work: WriteConnection, principal: Principal, strategy_id: UUID, state: TradingState
) -> StateSet:
    """Set the state of one strategy. The state of all trading is unchanged. Raises StrategyNotFound."""
    key = str(strategy_id)
    strategy = (await lock_strategies(work, [key])).get(key)
    if strategy is None:
        raise StrategyNotFound(strategy_id)
    everywhere = await GLOBAL_STATE.fetch(work)
    if strategy.state is not state:
        await work.execute(_SET_STATE, key, state.value)
        await write(work, [feed_write(strategies=[key])])
        before, after = (_described(key, strategy.name, strategy.trader_id, one) for one in (strategy.state, state))
        await record(work, principal, AuditRecord(Action.STRATEGY_STATE, "strategy", key, key, before, after))
    return StateSet([strategy_id], everywhere)


async def set_global_trading_state(work: WriteConnection, principal: Principal, state: TradingState) -> StateSet:
    """Set the state of all trading, also for strategies added later (kill switch). Returns all strategies.

    Each strategy keeps its own state, which decides alone while all trading is ACTIVE.
    """
    # Every transaction that used the old state has ended: see the docstring of this module.
    strategies = await lock_all_strategies(work)
    before = await GLOBAL_STATE.fetch(work)
    after = before
    if before.state is not state:
        after = GlobalState(state, time.time_ns(), principal.actor)
        changed = (
            key
            for key, one in strategies.items()
            if stricter(one.state, before.state) is not stricter(one.state, after.state)
        )
        row = (ALL, after.state, after.since, after.actor)
        stored = Merge(TradingControl, ("scope", "state", "since", "actor"), [row])
        await write(work, [stored, feed_write(strategies=changed, is_global_state=True)])
        entities = (_globally(before), _globally(after))
        await record(work, principal, AuditRecord(Action.TRADING_STATE, "trading_state", ALL, None, *entities))
    return StateSet([UUID(key) for key in strategies], after)


def _globally(state: GlobalState) -> AuditedState:
    return {"scope": ALL, "state": state.state.value, "since": None if state.since is None else str(state.since)}


def _described(strategy_id: str, name: str, trader_id: str, state: str) -> AuditedState:
    return {"strategyId": strategy_id, "name": name, "traderId": trader_id, "state": str(state)}
