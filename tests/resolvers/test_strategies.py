"""Registering strategies, and the kill switch: done, repeated, refused, at once."""

import asyncio
from decimal import Decimal
from uuid import uuid4

import orjson
import pytest

from app.errors import (
    InputInvalid,
    StrategyAmbiguous,
    StrategyNotFound,
)
from app.ledger.commands import Verdict
from app.reads.query import ReadQuery, ResultFormat, Selection
from app.resolvers import Context, reads
from app.resolvers.authorizations import release_order
from app.resolvers.budgets import delete_budget, set_budget
from app.resolvers.strategies import (
    register_strategy,
    set_global_trading_state,
    set_trading_state,
)
from app.rules.enums import DenyCode, TradingState
from app.rules.identity import strategy_id_of
from tests.events import published
from tests.ledger.authorizing import STRATEGY, TRADER, ask, command
from tests.ledger.state import broken_invariants, digest_of
from tests.ledger.test_record import rows
from tests.resolvers.acting import ADMIN, BOUND, ENGINE, STRATEGY_ID, audited, record_events, refused, registered

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


async def test_the_kill_switch_halts_all_trading_and_leaves_each_strategy_its_own_state(context: Context) -> None:
    ids = sorted([await register_strategy(context, ADMIN, f"S-{number}", TRADER) for number in range(3)])
    await set_trading_state(context, ADMIN, "S-1", TradingState.REDUCING)
    assert await shown(context) == {"S-0": "ACTIVE", "S-1": "REDUCING", "S-2": "ACTIVE"}
    own = await rows(context.database, "SELECT * FROM strategies ORDER BY name")

    done = await set_global_trading_state(context, ADMIN, TradingState.HALTED)
    assert (done.strategy_ids, done.everywhere.state, done.everywhere.actor) == (ids, TradingState.HALTED, "key:ops")
    assert await shown(context) == dict.fromkeys(("S-0", "S-1", "S-2"), "HALTED")
    assert await rows(context.database, "SELECT * FROM strategies ORDER BY name") == own
    await register_strategy(context, ADMIN, "S-3", TRADER)
    assert (await shown(context))["S-3"] == "HALTED"

    await set_global_trading_state(context, ADMIN, TradingState.REDUCING)
    assert await shown(context) == dict.fromkeys(("S-0", "S-1", "S-2", "S-3"), "REDUCING")
    await set_trading_state(context, ADMIN, "S-2", TradingState.HALTED)
    assert (await shown(context))["S-2"] == "HALTED"
    await set_global_trading_state(context, ADMIN, TradingState.ACTIVE)
    assert await shown(context) == {"S-0": "ACTIVE", "S-1": "REDUCING", "S-2": "HALTED", "S-3": "ACTIVE"}
    assert await broken_invariants(context.database) == []


async def test_the_state_of_all_trading_is_audited_once_and_told_to_the_feed(context: Context) -> None:
    await register_strategy(context, ADMIN, "S-0", TRADER)
    await register_strategy(context, ADMIN, "S-1", TRADER)
    await set_trading_state(context, ADMIN, "S-1", TradingState.HALTED)
    last = (await rows(context.database, "SELECT max(id) AS id FROM changes"))[0]["id"]
    done = await set_global_trading_state(context, ADMIN, TradingState.HALTED)
    since = str(done.everywhere.since)
    assert (await audited(context))[-1] == (
        *("key:ops", "trading.state", "ALL"),
        {"scope": "ALL", "state": "ACTIVE", "since": None},
        {"scope": "ALL", "state": "HALTED", "since": since},
    )
    told = await rows(context.database, f"SELECT entity, key FROM changes WHERE id > {last} ORDER BY id")
    # S-1 was halted before: nothing else is shown of it now.
    assert [tuple(row) for row in told[:2]] == [
        ("strategy", str(strategy_id_of(TRADER, "S-0"))),
        ("trading_state", "ALL"),
    ]
    assert [row["entity"] for row in told[2:]] == ["audit"]
    before = await digest_of(context.database)
    assert await set_global_trading_state(context, ADMIN, TradingState.HALTED) == done
    assert (await set_trading_state(context, ADMIN, "S-1", TradingState.HALTED)).everywhere == done.everywhere
    assert await digest_of(context.database) == before


async def test_a_missing_state_of_all_trading_halts_and_can_be_set_anew(context: Context) -> None:
    await registered(context)
    async with context.database.unit_of_work() as work:
        await work.execute("DELETE FROM trading_control")
        await work.commit()
    assert await shown(context) == {STRATEGY: "HALTED"}
    [verdict] = await ask(context.database, command(1))
    assert isinstance(verdict, Verdict)
    assert verdict.deny_code is DenyCode.TRADING_HALTED
    await set_global_trading_state(context, ADMIN, TradingState.ACTIVE)
    assert await shown(context) == {STRATEGY: "ACTIVE"}
    assert await broken_invariants(context.database) == []


async def test_the_kill_switch_works_while_everybody_writes(context: Context) -> None:
    async def record(number: int) -> None:
        recorded = await record_events(
            context, ENGINE, [published("OrderInitialized", number, client_order_id=f"O-{number}", strategy_id="S-0")]
        )
        assert recorded.accepted == 1

    async def switch(number: int) -> None:
        await set_global_trading_state(context, ADMIN, TradingState.HALTED if number % 2 else TradingState.ACTIVE)

    await asyncio.gather(*(act(number) for number in range(1, 25) for act in (record, switch)))
    done = await set_global_trading_state(context, ADMIN, TradingState.HALTED)
    assert done.strategy_ids == [strategy_id_of(TRADER, "S-0")]
    assert await broken_invariants(context.database) == []


async def shown(context: Context) -> dict[str, str]:
    """The state of each strategy by its name, as a reader sees it."""
    want = ReadQuery(Selection.of(("name", "state")), ResultFormat.ARRAY)
    found = orjson.loads((await reads.list_strategies(context, ADMIN, want)).body)
    return {one["name"]: one["state"] for one in found}


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
        await context.names.apply(connection, [])
    assert await context.names.find(context.database, STRATEGY, anew=False) == sorted([STRATEGY_ID, other])
