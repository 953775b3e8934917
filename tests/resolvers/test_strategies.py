"""Registering strategies, and the kill switch: done, repeated, refused, at once."""

import asyncio
from decimal import Decimal
from uuid import uuid4

import pytest

from app.errors import (
    InputInvalid,
    StrategyAmbiguous,
    StrategyNotFound,
)
from app.resolvers import Context
from app.resolvers.authorizations import release_order
from app.resolvers.budgets import delete_budget, set_budget
from app.resolvers.events import record_events
from app.resolvers.strategies import register_strategy, set_trading_state
from app.rules.enums import TradingState
from app.rules.identity import strategy_id_of
from tests.events import published
from tests.ledger.gatekeeping import STRATEGY, TRADER
from tests.ledger.state import digest_of
from tests.ledger.test_record import rows
from tests.resolvers.acting import ADMIN, BOUND, ENGINE, STRATEGY_ID, audited, refused, registered

pytestmark = pytest.mark.anyio


async def test_registers_a_strategy_once(context: Context) -> None:
    assert await registered(context) == STRATEGY_ID
    before = await digest_of(context.database)
    assert await registered(context) == STRATEGY_ID
    assert await digest_of(context.database) == before
    after = {"strategyId": str(STRATEGY_ID), "name": STRATEGY, "traderId": TRADER, "state": "ACTIVE"}
    assert await audited(context) == [("key:ops", "strategy.register", str(STRATEGY_ID), None, after)]
    [entry] = await rows(context.database, "SELECT * FROM audit_entries")
    assert (entry["entity_type"], entry["strategy_id"], entry["request_id"]) == ("strategy", STRATEGY_ID, "r-1")


async def test_registering_one_strategy_at_once_registers_it_once(context: Context) -> None:
    assert set(await asyncio.gather(*(registered(context) for _ in range(8)))) == {STRATEGY_ID}
    assert len(await audited(context)) == 1


@pytest.mark.parametrize("name", ["", "a\nb", "a\x00b", "\ud800", "x" * 257])
async def test_a_strategy_has_names_that_an_engine_could_give_it(context: Context, name: str) -> None:
    wrong = await refused(context, InputInvalid, register_strategy(context, ADMIN, name, TRADER))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("name",)
    wrong = await refused(context, InputInvalid, register_strategy(context, BOUND, STRATEGY, name))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("trader_id",)


async def test_the_kill_switch_halts_every_strategy_and_audits_each(context: Context) -> None:
    ids = sorted([await register_strategy(context, ADMIN, f"S-{number}", TRADER) for number in range(3)])
    assert await set_trading_state(context, ADMIN, "S-1", TradingState.REDUCING) == [strategy_id_of(TRADER, "S-1")]
    assert await set_trading_state(context, ADMIN, None, TradingState.HALTED) == ids
    states = await rows(context.database, "SELECT DISTINCT state FROM strategies")
    assert [row["state"] for row in states] == ["HALTED"]
    acts = [entry for entry in await audited(context) if entry[1] == "strategy.state"]
    assert [entry[2] for entry in acts[1:]] == [str(one) for one in ids]
    moved = {entry[3]["name"]: (entry[3]["state"], entry[4]["state"]) for entry in acts[1:]}
    assert moved == {"S-0": ("ACTIVE", "HALTED"), "S-1": ("REDUCING", "HALTED"), "S-2": ("ACTIVE", "HALTED")}
    before = await digest_of(context.database)
    assert await set_trading_state(context, ADMIN, None, TradingState.HALTED) == ids
    assert await set_trading_state(context, ADMIN, ids[0], TradingState.HALTED) == ids[:1]
    assert await digest_of(context.database) == before


async def test_the_kill_switch_works_while_everybody_writes(context: Context) -> None:
    async def record(number: int) -> None:
        recorded = await record_events(
            context, ENGINE, [published("OrderInitialized", number, client_order_id=f"O-{number}", strategy_id="S-0")]
        )
        assert recorded.accepted == 1

    async def switch(number: int) -> None:
        await set_trading_state(context, ADMIN, None, TradingState.HALTED if number % 2 else TradingState.ACTIVE)

    await asyncio.gather(*(act(number) for number in range(1, 25) for act in (record, switch)))
    assert await set_trading_state(context, ADMIN, None, TradingState.HALTED) == [strategy_id_of(TRADER, "S-0")]


async def test_a_strategy_that_nobody_knows_has_no_state_and_no_budget(context: Context) -> None:
    for strategy in ("nobody", uuid4()):
        await refused(context, StrategyNotFound, set_trading_state(context, ADMIN, strategy, TradingState.HALTED))
        await refused(context, StrategyNotFound, set_budget(context, ADMIN, strategy, "USDT", Decimal(1)))
        await refused(context, StrategyNotFound, delete_budget(context, ADMIN, strategy, "USDT"))


async def test_a_name_that_two_traders_use_says_too_little(context: Context) -> None:
    await registered(context)
    await register_strategy(context, ADMIN, STRATEGY, "TRADER-002")
    await refused(context, StrategyAmbiguous, set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(1)))
    assert await set_budget(context, BOUND, STRATEGY, "USDT", Decimal(1)) == STRATEGY_ID


async def test_a_name_that_two_traders_use_is_ambiguous_at_once_for_who_sets_anything(context: Context) -> None:
    await registered(context)
    await set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(1))
    await register_strategy(context, ADMIN, STRATEGY, "TRADER-002")
    for act in (
        set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(2)),
        set_trading_state(context, ADMIN, STRATEGY, TradingState.HALTED),
        release_order(context, ADMIN, STRATEGY, "O-1"),
    ):
        await refused(context, StrategyAmbiguous, act)


async def test_a_remembered_name_is_looked_up_again_once_the_feed_tells_of_a_strategy(context: Context) -> None:
    await registered(context)
    assert await context.names.find(context.database, STRATEGY, anew=False) == [STRATEGY_ID]
    other = await register_strategy(context, ADMIN, STRATEGY, "TRADER-002")
    async with context.database.read() as connection:
        await context.names.renew(connection, [])
    assert await context.names.find(context.database, STRATEGY, anew=False) == sorted([STRATEGY_ID, other])
