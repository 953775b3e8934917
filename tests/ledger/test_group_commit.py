"""Group commit: batches, timeouts, errors, cancellation, and other writers between two batches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count
from time import time_ns
from typing import Any
from uuid import UUID

import pytest

from app.database import Database, PoolLimits
from app.errors import Busy, InputInvalid, PurserError
from app.ledger.administration.instruments import InstrumentDefinition, record_instruments
from app.ledger.administration.strategies import set_global_trading_state, set_trading_state
from app.ledger.authorization import group_commit
from app.ledger.authorization.authorize import decide
from app.ledger.authorization.group_commit import QUEUES, GroupCommit
from app.ledger.commands import AuthorizeOrder, Verdict
from app.ledger.storage.locks import lock_strategies
from app.principal import LOCAL
from app.rules.enums import TradingState
from app.rules.identity import strategy_id_of
from tests.events import published
from tests.ledger.authorizing import (
    INSTRUMENT,
    STRATEGY,
    STRATEGY_ID,
    TRADER,
    allocate,
    authorize,
    command,
    decide_in,
    prepare,
    register,
    release,
    requests_of,
    without_repeat_marks,
)
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import rows, send

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 30
BATCH = 40


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_so():  # noqa: ASYNC110  (a queue sends no event when it is taken)
            await asyncio.sleep(0.005)


@asynccontextmanager
async def _locked(database: Database, strategy_id: str) -> AsyncIterator[None]:
    """Another transaction holds the lock of the strategy."""
    async with database.unit_of_work() as work:
        await lock_strategies(work, [strategy_id])
        yield


def _authorizing(batcher: GroupCommit, *commands: AuthorizeOrder) -> "asyncio.Task[list[Verdict | PurserError]]":
    return asyncio.create_task(batcher.authorize(requests_of(*commands)))


def _of(strategy_id: str, n: int) -> AuthorizeOrder:
    return command(n, strategy=UUID(strategy_id))


def _name(*, is_in_the_same_queue: bool) -> str:
    """The name of a strategy in the same queue as the sample strategy, or in another queue."""
    return next(
        name
        for name in map("Other-{:03}".format, count())
        if (hash(strategy_id_of(TRADER, name)) % QUEUES == hash(UUID(STRATEGY_ID)) % QUEUES) == is_in_the_same_queue
    )


async def test_a_request_queued_too_long_is_busy_and_the_next_is_decided(database: Database) -> None:
    await prepare(database)
    batcher = GroupCommit(database, waiting_seconds_max=0.05)
    async with _locked(database, STRATEGY_ID):
        first = _authorizing(batcher, command(1))
        await asyncio.sleep(0)
        await _until(lambda: batcher.waiting == 0)
        second = _authorizing(batcher, command(2))
        await _until(lambda: batcher.waiting == 1)
        await asyncio.sleep(0.06)  # longer than a request may be queued
    assert [type(answer) for answer in await first] == [Verdict]
    with pytest.raises(Busy):
        await second
    assert batcher.waiting == 0
    assert [type(answer) for answer in await _authorizing(batcher, command(3))] == [Verdict]


async def test_a_full_queue_refuses_requests_and_loses_none(database: Database) -> None:
    await prepare(database)
    batcher = GroupCommit(database, waiting_max=2)
    async with _locked(database, STRATEGY_ID):
        first = _authorizing(batcher, command(1))
        await asyncio.sleep(0)
        await _until(lambda: batcher.waiting == 0)
        larger = _authorizing(batcher, command(2), command(3), command(4))
        await _until(lambda: batcher.waiting == 3)
        with pytest.raises(Busy):
            await _authorizing(batcher, command(5))
    assert len(await first + await larger) == 4
    assert [row["count"] for row in await rows(database, "SELECT count(*) FROM orders")] == [4]


async def test_a_locked_strategy_delays_no_other_queue(database: Database) -> None:
    await prepare(database)
    other_id = await register(database, TRADER, _name(is_in_the_same_queue=False))
    await allocate(database, Decimal(1000), strategy_id=other_id)
    batcher = GroupCommit(database)
    async with _locked(database, STRATEGY_ID):
        delayed = _authorizing(batcher, command(1))
        await _until(lambda: batcher.waiting == 0)
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert [type(answer) for answer in await _authorizing(batcher, _of(other_id, 1))] == [Verdict]
        assert not delayed.done()
    assert [type(answer) for answer in await delayed] == [Verdict]


async def test_a_committed_batch_is_answered_although_the_next_is_delayed(database: Database) -> None:
    await prepare(database, "100000")
    other_id = await register(database, TRADER, _name(is_in_the_same_queue=True))
    await allocate(database, Decimal(1000), strategy_id=other_id)
    batcher = GroupCommit(database)
    async with _locked(database, other_id):
        first = _authorizing(batcher, *(command(f"many-{n}") for n in range(20)))
        await asyncio.sleep(0)
        delayed = _authorizing(batcher, _of(other_id, 1))
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert [type(answer) for answer in await first] == [Verdict] * 20
        assert not delayed.done()
    assert [type(answer) for answer in await delayed] == [Verdict]


async def test_a_lock_timeout_raises_busy_and_no_order_is_decided(database: Database, database_url: str) -> None:
    await prepare(database)
    impatient = await Database.open(database_url, PoolLimits(lock_timeout_seconds=0.05))
    batcher = GroupCommit(impatient)
    async with _locked(database, STRATEGY_ID):
        with pytest.raises(Busy):
            await _authorizing(batcher, command(1))
    assert await rows(database, "SELECT FROM orders") == []
    [answer] = await _authorizing(batcher, command(1))
    await impatient.close()
    assert isinstance(answer, Verdict)
    assert not answer.is_repeated


async def test_a_stalled_transaction_is_cancelled_and_the_queue_continues(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await prepare(database)
    batcher = GroupCommit(database)
    monkeypatch.setattr(group_commit, "TRANSACTION_SECONDS_MAX", 0.05)
    async with _locked(database, STRATEGY_ID):
        with pytest.raises(Busy):
            await _authorizing(batcher, command(1))
    monkeypatch.undo()
    assert "a transaction was cancelled after 0.05 s in state deciding" in caplog.text
    [answer] = await _authorizing(batcher, command(1))
    assert isinstance(answer, Verdict)
    assert not answer.is_repeated
    assert await broken_invariants(database) == []


async def test_a_cancelled_request_does_not_affect_other_answers(database: Database) -> None:
    await prepare(database)
    batcher = GroupCommit(database)
    async with _locked(database, STRATEGY_ID):
        running = _authorizing(batcher, command(1))
        await asyncio.sleep(0)
        await _until(lambda: batcher.waiting == 0)
        gone, queued = _authorizing(batcher, command(2)), _authorizing(batcher, command(3))
        await _until(lambda: batcher.waiting == 2)
        running.cancel()
        gone.cancel()
    [answer] = await queued
    assert isinstance(answer, Verdict)
    assert answer.client_order_id == "O-3"
    assert running.cancelled()
    assert gone.cancelled()
    repeated = await _authorizing(batcher, command(1), command(2))
    assert [isinstance(one, Verdict) and one.is_repeated for one in repeated] == [True, True], "both were committed"


async def test_only_the_order_that_cannot_be_stored_fails(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    await prepare(database, "100000")
    batcher = GroupCommit(database)
    wrong = command("wrong", tags=["half of a pair: \0"])
    async with _locked(database, STRATEGY_ID):
        batches = [_authorizing(batcher, command(0))]
        await asyncio.sleep(0)
        await _until(lambda: batcher.waiting == 0)
        batches += [_authorizing(batcher, command(n)) for n in (1, 2)]
        batches += [_authorizing(batcher, wrong, command(3)), _authorizing(batcher, command(4))]
        await _until(lambda: batcher.waiting == 5)
    answers = [answer for of in await asyncio.gather(*batches) for answer in of]
    assert [type(answer) for answer in answers] == [Verdict, Verdict, Verdict, InputInvalid, Verdict, Verdict]
    assert "PostgreSQL cannot store an order" in caplog.text
    assert await broken_invariants(database) == []


def _fail(*_: object) -> None:
    raise AssertionError


async def _cancelled(*_: object, **__: object) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(("part", "broken"), [("_Queue._take", _fail), ("decide", _cancelled)])
async def test_after_an_internal_error_requests_are_busy_and_the_queue_continues(
    database: Database, monkeypatch: pytest.MonkeyPatch, part: str, broken: Callable[..., object]
) -> None:
    await prepare(database)
    batcher = GroupCommit(database)
    with monkeypatch.context() as patched:
        patched.setattr(f"app.ledger.authorization.group_commit.{part}", broken)
        requests = [_authorizing(batcher, command(n)) for n in range(3)]
        done = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(answer) for answer in done] == [Busy] * 3
    assert batcher.waiting == 0
    assert [type(answer) for answer in await _authorizing(batcher, command(1))] == [Verdict]


async def test_an_error_while_deciding_reaches_every_client_of_the_batch_and_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepare(database, "1000000")
    batcher = GroupCommit(database)

    async def broken(*arguments: Any) -> Any:
        await decide(*arguments)
        raise ZeroDivisionError

    batches = [[command(f"{batch}-{n}") for n in range(BATCH)] for batch in range(4)]
    with monkeypatch.context() as patched:
        patched.setattr(group_commit, "decide", broken)
        done = await asyncio.gather(*(_authorizing(batcher, *batch) for batch in batches), return_exceptions=True)
    assert [type(answer) for answer in done] == [ZeroDivisionError] * 4
    assert await rows(database, "SELECT FROM orders") == []
    answers = await asyncio.gather(*(_authorizing(batcher, *batch) for batch in batches))
    assert sum(isinstance(answer, Verdict) for of in answers for answer in of) == 4 * BATCH
    assert await broken_invariants(database) == []


async def test_batches_of_many_clients_are_granted_up_to_the_cap(database: Database) -> None:
    await prepare(database, "10050")
    batcher = GroupCommit(database)
    batches = [[command(f"{batch}-{n}") for n in range(BATCH)] for batch in range(30)]
    answers = await asyncio.gather(*(_authorize_in_sequence(batcher, batches[first::6]) for first in range(6)))
    granted = [answer for of in answers for answer in of if isinstance(answer, Verdict) and answer.deny_code is None]
    assert len(granted) == 100, "as many as the budget allows, in any order"
    assert sum(map(len, answers)) == 30 * BATCH
    assert await broken_invariants(database) == []


async def _authorize_in_sequence(
    batcher: GroupCommit, batches: list[list[AuthorizeOrder]]
) -> list[Verdict | PurserError]:
    answers = []
    for batch in batches:
        answers += await batcher.authorize(requests_of(*batch))
    return answers


async def test_of_many_orders_only_the_one_that_cannot_be_stored_fails(database: Database) -> None:
    await prepare(database, "1000000")
    orders = [command(n) for n in range(99)] + [command("wrong", tags=["half of a pair: \0"])]
    answers = await GroupCommit(database).authorize(requests_of(*orders))
    assert [type(answer) for answer in answers] == [Verdict] * 99 + [InputInvalid]
    assert await broken_invariants(database) == []


async def test_a_request_larger_than_a_batch_is_decided_completely_and_in_order(database: Database) -> None:
    await prepare(database, "50050")
    commands = [command(n) for n in range(700)]
    commands[650] = commands[3]
    commands[660] = command(4, price="99")
    answers = await GroupCommit(database).authorize(requests_of(*commands))
    codes = [str(answer) if isinstance(answer, PurserError) else answer.deny_code for answer in answers]
    assert codes[:500] == [None] * 500
    assert codes[650] is None
    assert codes[660] == "Order 'O-4' was requested before with a different price. Use a new id."
    assert {*codes[500:650], *codes[651:660], *codes[661:]} == {"BUDGET_EXCEEDED"}
    numbers = [row["seq"] for row in await rows(database, "SELECT seq FROM order_events ORDER BY seq")]
    assert numbers == list(range(1, 699))
    assert without_repeat_marks(await authorize(database, *commands)) == without_repeat_marks(answers)
    assert await broken_invariants(database) == []


async def _change_budget(database: Database) -> None:
    await allocate(database, Decimal(150))


async def _delete_budget(database: Database) -> None:
    await release(database, 1)
    await allocate(database, None)


async def _halt_strategy(database: Database) -> None:
    async with database.unit_of_work() as work:
        await set_trading_state(work, LOCAL, UUID(STRATEGY_ID), TradingState.HALTED)
        await work.commit()


async def _halt_trading(database: Database) -> None:
    async with database.unit_of_work() as work:
        await set_global_trading_state(work, LOCAL, TradingState.HALTED)
        await work.commit()


async def _grant_in_another_instance(database: Database) -> None:
    await authorize(database, *(command(f"other-{n}") for n in range(9)))


async def _decide_order_in_another_instance(database: Database) -> None:
    await authorize(database, command(2, price="50"))


async def _release_order(database: Database) -> None:
    await release(database, 1)


async def _fill_order(database: Database) -> None:
    order = {"client_order_id": "O-1", "strategy_id": STRATEGY, "instrument_id": INSTRUMENT}
    trade = {"last_qty": "1", "last_px": "990", "order_side": "BUY", "trade_id": "T-1", "currency": "USDT"}
    submitted, filled = published("OrderSubmitted", 1, **order), published("OrderFilled", 2, **order, **trade)
    assert (await send(database, submitted, filled)).accepted == 2


async def _change_multiplier(database: Database) -> None:
    definition = InstrumentDefinition(
        instrument_id=INSTRUMENT, quote_currency="USDT", settlement_currency="USDT", multiplier=Decimal(20)
    )
    async with database.unit_of_work() as work:
        await record_instruments(work, LOCAL, [definition])
        await work.commit()


CONFLICT = "Order 'O-2' was requested before with a different price. Use a new id."


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (_change_budget, ["BUDGET_EXCEEDED", "BUDGET_EXCEEDED"]),
        (_delete_budget, ["NO_BUDGET", "NO_BUDGET"]),
        (_halt_strategy, ["TRADING_HALTED", "TRADING_HALTED"]),
        (_halt_trading, ["TRADING_HALTED", "TRADING_HALTED"]),
        (_grant_in_another_instance, ["BUDGET_EXCEEDED", "BUDGET_EXCEEDED"]),
        (_decide_order_in_another_instance, [CONFLICT, None]),
        (_release_order, [None, None]),
        (_fill_order, ["BUDGET_EXCEEDED", "BUDGET_EXCEEDED"]),
        (_change_multiplier, ["BUDGET_OVER", "BUDGET_OVER"]),
    ],
)
async def test_a_change_between_two_batches_is_seen(
    database: Database, between: Callable[[Database], Awaitable[None]], expected: list[str | None]
) -> None:
    await prepare(database, "1000")
    batcher = GroupCommit(database)
    await batcher.authorize(requests_of(command(1)))
    await between(database)
    answers = await batcher.authorize(requests_of(command(2), command(3)))
    codes = [str(answer) if isinstance(answer, PurserError) else answer.deny_code for answer in answers]
    assert codes == expected
    assert without_repeat_marks(await authorize(database, command(2), command(3))) == without_repeat_marks(answers)
    assert await broken_invariants(database) == []


async def test_a_batch_that_was_rolled_back_reserves_nothing(database: Database) -> None:
    await prepare(database, "150")
    async with database.unit_of_work() as work:
        [answer] = await decide_in(work, requests_of(command(1)), time_ns())
        assert isinstance(answer, Verdict)
    [answer] = await GroupCommit(database).authorize(requests_of(command(2)))
    assert isinstance(answer, Verdict)
    assert answer.deny_code is None
    assert await broken_invariants(database) == []
