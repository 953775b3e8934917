"""Registering strategies and setting trading states: once, repeatedly, refused, concurrently."""

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
from app.reads.entity import ENTITIES
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
from tests.ledger.authorizing import STRATEGY, TRADER, authorize, command
from tests.ledger.state import broken_invariants, digest_of
from tests.ledger.test_record import rows
from tests.resolvers.scenarios import (
    ADMIN,
    BOUND,
    ENGINE,
    STRATEGY_ID,
    audit_entries,
    record_events,
    refused,
    register_sample_strategy,
)

pytestmark = pytest.mark.anyio


async def test_a_strategy_is_registered_once(context: Context) -> None:
    assert await register_sample_strategy(context) == STRATEGY_ID
    before = await digest_of(context.database)
    assert await register_sample_strategy(context) == STRATEGY_ID
    assert await digest_of(context.database) == before
    after = {"strategyId": str(STRATEGY_ID), "name": STRATEGY, "traderId": TRADER, "state": "ACTIVE"}
    assert await audit_entries(context) == [("key:ops", "strategy.register", str(STRATEGY_ID), None, after)]
    [entry] = await rows(context.database, "SELECT * FROM audit_entries")
    assert (entry["entity_type"], entry["strategy_id"], entry["request_id"]) == ("strategy", STRATEGY_ID, "r-1")


async def test_concurrent_registrations_register_a_strategy_once(context: Context) -> None:
    assert set(await asyncio.gather(*(register_sample_strategy(context) for _ in range(8)))) == {STRATEGY_ID}
    assert len(await audit_entries(context)) == 1


@pytest.mark.parametrize("name", ["", "a\nb", "a\x00b", "\ud800", "x" * 257])
async def test_an_invalid_strategy_or_trader_name_is_refused(context: Context, name: str) -> None:
    wrong = await refused(context, InputInvalid, register_strategy(context, ADMIN, name, TRADER))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("name",)
    wrong = await refused(context, InputInvalid, register_strategy(context, BOUND, STRATEGY, name))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("trader_id",)


async def test_the_global_state_overrides_and_keeps_the_state_of_each_strategy(context: Context) -> None:
    ids = sorted([await register_strategy(context, ADMIN, f"S-{number}", TRADER) for number in range(3)])
    await set_trading_state(context, ADMIN, "S-1", TradingState.REDUCING)
    assert await states_by_name(context) == {"S-0": "ACTIVE", "S-1": "REDUCING", "S-2": "ACTIVE"}
    own = await rows(context.database, "SELECT * FROM strategies ORDER BY name")

    done = await set_global_trading_state(context, ADMIN, TradingState.HALTED)
    assert (done.strategy_ids, done.everywhere.state, done.everywhere.actor) == (ids, TradingState.HALTED, "key:ops")
    assert await states_by_name(context) == dict.fromkeys(("S-0", "S-1", "S-2"), "HALTED")
    assert await rows(context.database, "SELECT * FROM strategies ORDER BY name") == own
    await register_strategy(context, ADMIN, "S-3", TRADER)
    assert (await states_by_name(context))["S-3"] == "HALTED"

    await set_global_trading_state(context, ADMIN, TradingState.REDUCING)
    assert await states_by_name(context) == dict.fromkeys(("S-0", "S-1", "S-2", "S-3"), "REDUCING")
    await set_trading_state(context, ADMIN, "S-2", TradingState.HALTED)
    assert (await states_by_name(context))["S-2"] == "HALTED"
    await set_global_trading_state(context, ADMIN, TradingState.ACTIVE)
    assert await states_by_name(context) == {"S-0": "ACTIVE", "S-1": "REDUCING", "S-2": "HALTED", "S-3": "ACTIVE"}
    assert await broken_invariants(context.database) == []


async def test_a_global_state_change_is_audited_once_and_published_in_the_feed(context: Context) -> None:
    await register_strategy(context, ADMIN, "S-0", TRADER)
    await register_strategy(context, ADMIN, "S-1", TRADER)
    await set_trading_state(context, ADMIN, "S-1", TradingState.HALTED)
    last = (await rows(context.database, "SELECT max(id) AS id FROM changes"))[0]["id"]
    done = await set_global_trading_state(context, ADMIN, TradingState.HALTED)
    since = str(done.everywhere.since)
    assert (await audit_entries(context))[-1] == (
        *("key:ops", "trading.state", "ALL"),
        {"scope": "ALL", "state": "ACTIVE", "since": None},
        {"scope": "ALL", "state": "HALTED", "since": since},
    )
    changes = await rows(context.database, f"SELECT entity, key FROM changes WHERE id > {last} ORDER BY id")
    # S-1 was halted before, so its effective state has not changed.
    assert [tuple(row) for row in changes[:2]] == [
        ("strategy", str(strategy_id_of(TRADER, "S-0"))),
        ("trading_state", "ALL"),
    ]
    assert [row["entity"] for row in changes[2:]] == ["audit"]
    before = await digest_of(context.database)
    assert await set_global_trading_state(context, ADMIN, TradingState.HALTED) == done
    assert (await set_trading_state(context, ADMIN, "S-1", TradingState.HALTED)).everywhere == done.everywhere
    assert await digest_of(context.database) == before


async def test_a_missing_global_state_halts_trading_and_can_be_set_again(context: Context) -> None:
    await register_sample_strategy(context)
    async with context.database.unit_of_work() as work:
        await work.execute("DELETE FROM trading_control")
        await work.commit()
    assert await states_by_name(context) == {STRATEGY: "HALTED"}
    [verdict] = await authorize(context.database, command(1))
    assert isinstance(verdict, Verdict)
    assert verdict.deny_code is DenyCode.TRADING_HALTED
    await set_global_trading_state(context, ADMIN, TradingState.ACTIVE)
    assert await states_by_name(context) == {STRATEGY: "ACTIVE"}
    assert await broken_invariants(context.database) == []


async def test_the_global_state_changes_during_concurrent_writes(context: Context) -> None:
    async def record(number: int) -> None:
        recorded = await record_events(
            context, ENGINE, [published("OrderInitialized", number, client_order_id=f"O-{number}", strategy_id="S-0")]
        )
        assert recorded.accepted == 1

    async def set_state(number: int) -> None:
        await set_global_trading_state(context, ADMIN, TradingState.HALTED if number % 2 else TradingState.ACTIVE)

    await asyncio.gather(*(operation(number) for number in range(1, 25) for operation in (record, set_state)))
    done = await set_global_trading_state(context, ADMIN, TradingState.HALTED)
    assert done.strategy_ids == [strategy_id_of(TRADER, "S-0")]
    assert await broken_invariants(context.database) == []


async def states_by_name(context: Context) -> dict[str, str]:
    """The effective state of each strategy by its name, as a reader sees it."""
    query = ReadQuery(Selection.of(("name", "state")), ResultFormat.ARRAY)
    found = orjson.loads((await reads.read(context, ADMIN, query, (), ENTITIES["Strategy"])).body)
    return {one["name"]: one["state"] for one in found}


async def test_operations_on_an_unknown_strategy_are_refused(context: Context) -> None:
    for strategy in ("unknown", uuid4()):
        await refused(context, StrategyNotFound, set_trading_state(context, ADMIN, strategy, TradingState.HALTED))
        await refused(context, StrategyNotFound, set_budget(context, ADMIN, strategy, "USDT", Decimal(1)))
        await refused(context, StrategyNotFound, delete_budget(context, ADMIN, strategy, "USDT"))


async def test_a_strategy_name_of_two_traders_is_ambiguous_unless_the_key_is_bound(context: Context) -> None:
    await register_sample_strategy(context)
    await register_strategy(context, ADMIN, STRATEGY, "TRADER-002")
    await refused(context, StrategyAmbiguous, set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(1)))
    assert await set_budget(context, BOUND, STRATEGY, "USDT", Decimal(1)) == STRATEGY_ID


async def test_a_strategy_name_becomes_ambiguous_for_writes_at_once(context: Context) -> None:
    await register_sample_strategy(context)
    await set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(1))
    await register_strategy(context, ADMIN, STRATEGY, "TRADER-002")
    for operation in (
        set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(2)),
        set_trading_state(context, ADMIN, STRATEGY, TradingState.HALTED),
        release_order(context, ADMIN, STRATEGY, "O-1"),
    ):
        await refused(context, StrategyAmbiguous, operation)


async def test_a_cached_strategy_name_is_looked_up_again_after_a_change(context: Context) -> None:
    await register_sample_strategy(context)
    assert await context.names.find(context.database, STRATEGY, anew=False) == [STRATEGY_ID]
    other = await register_strategy(context, ADMIN, STRATEGY, "TRADER-002")
    async with context.database.read() as connection:
        await context.names.apply(connection, [])
    assert await context.names.find(context.database, STRATEGY, anew=False) == sorted([STRATEGY_ID, other])
