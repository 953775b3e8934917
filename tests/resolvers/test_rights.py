"""Which role each operation requires, and which strategies a bound key may change."""

from decimal import Decimal

import asyncpg
import pytest

from app.database import Database, PoolLimits
from app.errors import (
    Busy,
    Forbidden,
    StrategyNotFound,
)
from app.principal import Principal, Role
from app.resolvers import Context
from app.resolvers.budgets import delete_budget, set_budget
from app.resolvers.events import record_instruments, record_signal
from app.resolvers.strategies import register_strategy, set_global_trading_state, set_trading_state
from app.rules.enums import TradingState
from tests.events import published
from tests.ledger.authorizing import STRATEGY, TRADER
from tests.resolvers.scenarios import (
    ADMIN,
    BOUND,
    BTC,
    ENGINE,
    SIGNAL,
    STRATEGY_ID,
    record_events,
    refused,
    register_sample_strategy,
)

pytestmark = pytest.mark.anyio


async def test_each_operation_requires_its_role(context: Context) -> None:
    await register_sample_strategy(context)
    for principal in (ENGINE, Principal(Role.VIEWER, "key:screen")):
        await refused(context, Forbidden, register_strategy(context, principal, "S", TRADER))
        await refused(context, Forbidden, set_trading_state(context, principal, STRATEGY, TradingState.HALTED))
        await refused(context, Forbidden, set_global_trading_state(context, principal, TradingState.HALTED))
        await refused(context, Forbidden, set_budget(context, principal, STRATEGY, "USDT", Decimal(1)))
        await refused(context, Forbidden, delete_budget(context, principal, STRATEGY, "USDT"))
    await refused(context, Forbidden, record_instruments(context, principal, [BTC]))
    await refused(context, Forbidden, record_signal(context, principal, SIGNAL))
    await refused(context, Forbidden, record_events(context, principal, []))


async def test_a_bound_admin_changes_only_its_strategies(context: Context) -> None:
    other = await register_strategy(context, ADMIN, "Other-000", TRADER)
    await refused(context, Forbidden, register_strategy(context, BOUND, "New-000", TRADER))
    await refused(context, Forbidden, set_global_trading_state(context, BOUND, TradingState.HALTED))
    await refused(context, StrategyNotFound, set_trading_state(context, BOUND, other, TradingState.HALTED))
    await refused(context, StrategyNotFound, set_budget(context, BOUND, "Other-000", "USDT", Decimal(1)))
    await refused(context, Forbidden, record_signal(context, BOUND, SIGNAL))
    assert await register_strategy(context, BOUND, STRATEGY, TRADER) == STRATEGY_ID
    assert (await set_trading_state(context, BOUND, STRATEGY, TradingState.HALTED)).strategy_ids == [STRATEGY_ID]


async def test_a_lock_timeout_raises_busy(database_url: str) -> None:
    database = await Database.open(database_url, PoolLimits(lock_timeout_seconds=0.1))
    holder = await asyncpg.connect(database_url)
    try:
        context = Context(database)
        await register_sample_strategy(context)
        async with holder.transaction():
            await holder.execute("SELECT FROM strategies FOR UPDATE")
            await refused(context, Busy, set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(1)))
            await refused(context, Busy, set_global_trading_state(context, ADMIN, TradingState.HALTED))
            await refused(context, Busy, record_instruments(context, ADMIN, [BTC]))
            await refused(context, Busy, record_events(context, ADMIN, [published("OrderInitialized", 1)]))
    finally:
        await holder.close()
        await database.close()
