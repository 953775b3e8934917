"""The gate's queue: lanes, and how long anybody waits in one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count
from uuid import UUID

import pytest

from app.database import Database
from app.errors import Busy, PurserError
from app.ledger.authorization import Request
from app.ledger.authorization.gate import LANES, Gate
from app.ledger.authorization.lane import GROUPS_AFTER_A_MISS, Lane, Waiting
from app.ledger.commands import Verdict
from app.ledger.storage.locks import lock_strategies
from app.rules.identity import strategy_id_of
from tests.ledger.gatekeeping import STRATEGY_ID, TRADER, allocate, command, desk_after, prepare, register, requests_of

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 30


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_so():  # noqa: ASYNC110  (the gate tells nobody who waits)
            await asyncio.sleep(0.005)


@asynccontextmanager
async def _locked(database: Database, strategy_id: str) -> AsyncIterator[None]:
    """Somebody else writes to the strategy."""
    async with database.unit_of_work() as work:
        await lock_strategies(work, [strategy_id])
        yield


def _asked(gate: Gate, strategy_id: str, n: int) -> "asyncio.Task[list[Verdict | PurserError]]":
    return asyncio.create_task(gate.authorize([Request(UUID(strategy_id), command(n), "local")]))


def _name(*, is_in_the_same_lane: bool) -> str:
    """A name whose strategy queues with ours, or does not."""
    return next(
        name
        for name in map("Other-{:03}".format, count())
        if (hash(strategy_id_of(TRADER, name)) % LANES == hash(UUID(STRATEGY_ID)) % LANES) == is_in_the_same_lane
    )


async def test_who_has_waited_too_long_hears_so_and_the_next_is_served(database: Database) -> None:
    await prepare(database)
    gate = Gate(database, waiting_seconds_max=0.05)
    async with _locked(database, STRATEGY_ID):
        first = _asked(gate, STRATEGY_ID, 1)
        await asyncio.sleep(0)
        await _until(lambda: gate.waiting == 0)
        second = _asked(gate, STRATEGY_ID, 2)
        await _until(lambda: gate.waiting == 1)
        await asyncio.sleep(0.06)  # longer than anybody may wait
    assert [type(answer) for answer in await first] == [Verdict]
    with pytest.raises(Busy):
        await second
    assert gate.waiting == 0
    assert [type(answer) for answer in await _asked(gate, STRATEGY_ID, 3)] == [Verdict]


async def test_a_strategy_that_is_locked_holds_up_no_other_lane(database: Database) -> None:
    await prepare(database)
    other_id = await register(database, TRADER, _name(is_in_the_same_lane=False))
    await allocate(database, Decimal(1000), strategy_id=other_id)
    gate = Gate(database)
    async with _locked(database, STRATEGY_ID):
        held_up = _asked(gate, STRATEGY_ID, 1)
        await _until(lambda: gate.waiting == 0)
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert [type(answer) for answer in await _asked(gate, other_id, 1)] == [Verdict]
        assert not held_up.done()
    assert [type(answer) for answer in await held_up] == [Verdict]


async def test_who_foresaw_wrongly_does_not_look_ahead_for_a_while(database: Database) -> None:
    await prepare(database)
    desk = await desk_after(database, command(1))
    lane = Lane()
    lane.add(Waiting(requests_of(command(2)), asyncio.get_running_loop().create_future(), 0))
    lane.miss()
    for _ in range(GROUPS_AFTER_A_MISS):
        lane.follow(desk)
        assert lane.foresee(orders_min=1) is None
    lane.follow(desk)
    assert lane.foresee(orders_min=1) is not None


async def test_who_is_stored_is_told_though_the_next_are_held_up(database: Database) -> None:
    await prepare(database, "100000")
    other_id = await register(database, TRADER, _name(is_in_the_same_lane=True))
    await allocate(database, Decimal(1000), strategy_id=other_id)
    gate = Gate(database)
    async with _locked(database, other_id):
        first = asyncio.create_task(gate.authorize(requests_of(*(command(f"many-{n}") for n in range(20)))))
        await asyncio.sleep(0)
        held_up = _asked(gate, other_id, 1)
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert [type(answer) for answer in await first] == [Verdict] * 20
        assert not held_up.done()
    assert [type(answer) for answer in await held_up] == [Verdict]


def _fail(*_: object) -> None:
    raise AssertionError


async def _cancelled(*_: object, **__: object) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(("part", "broken"), [("lane.Lane.take", _fail), ("gate.authorize", _cancelled)])
async def test_whatever_breaks_everybody_is_answered_and_the_lane_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, part: str, broken: Callable[..., object]
) -> None:
    await prepare(database)
    gate = Gate(database)
    with monkeypatch.context() as patched:
        patched.setattr(f"app.ledger.authorization.{part}", broken)
        asked = [_asked(gate, STRATEGY_ID, n) for n in range(3)]
        done = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in done] == [Busy] * 3
    assert gate.waiting == 0
    assert [type(answer) for answer in await _asked(gate, STRATEGY_ID, 1)] == [Verdict]
