"""A global halt during authorizations: no order is granted after it is committed."""

import asyncio
from collections.abc import AsyncIterator
from time import time_ns

import pytest

from app.database import Database, WriteConnection
from app.ledger.administration.strategies import set_global_trading_state
from app.ledger.authorization.group_commit import GroupCommit
from app.ledger.commands import Verdict
from app.principal import LOCAL
from app.rules.enums import DenyCode, TradingState
from tests.ledger.authorizing import authorize, command, decide_in, prepare, requests_of
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import rows

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 30
GRANTED = "SELECT count(*) FROM order_events WHERE type = 'AuthorizationGranted'"
WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database() AND NOT granted
"""


@pytest.fixture
async def other_instance(database_url: str) -> AsyncIterator[Database]:
    """Another instance over the same database."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


async def _set(work: WriteConnection, state: TradingState) -> None:
    await set_global_trading_state(work, LOCAL, state)


async def _wait_until_blocked(database: Database) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), database.read() as connection:
        while not await connection.fetchval(WAITING):  # noqa: ASYNC110  (PostgreSQL sends no event)
            await asyncio.sleep(0.005)


async def test_an_order_that_waits_for_a_halt_is_denied(database: Database, other_instance: Database) -> None:
    await prepare(database)
    async with database.unit_of_work() as halting:
        await _set(halting, TradingState.HALTED)
        waiting = asyncio.create_task(authorize(other_instance, command(1)))
        # Its statement has begun, and would read the rows as they were before it waited.
        await _wait_until_blocked(database)
        await halting.commit()
    [answer] = await waiting
    assert isinstance(answer, Verdict)
    assert (answer.deny_code, answer.strategy_state) == (DenyCode.TRADING_HALTED, TradingState.HALTED)
    assert answer.reason == "TRADING_HALTED: all trading is HALTED, quantity=1"


async def test_a_halt_waits_for_transactions_that_have_decided(database: Database, other_instance: Database) -> None:
    await prepare(database)
    async with other_instance.unit_of_work() as deciding:
        [granted] = await decide_in(deciding, requests_of(command(1)), time_ns())

        async def halt() -> int:
            async with database.unit_of_work() as work:
                await _set(work, TradingState.HALTED)
                seen: int = await work.fetchval(GRANTED)
                await work.commit()
                return seen

        halting = asyncio.create_task(halt())
        await _wait_until_blocked(database)
        assert not halting.done()
        await deciding.commit()
    assert isinstance(granted, Verdict)
    assert granted.deny_code is None
    assert await halting == 1, "the halt sees what was decided before it"


async def test_no_order_is_granted_once_all_trading_is_halted(database: Database, other_instance: Database) -> None:
    await prepare(database, "100000000")
    instances = [GroupCommit(database), GroupCommit(other_instance)]
    halted = asyncio.Event()

    async def authorize_until_denied(number: int) -> None:
        """Authorizes batches until some orders are denied."""
        batch = 0
        while True:
            batch += 1
            orders = [command(f"{number}-{batch}-{n}") for n in range(40)]
            answers = await instances[number % 2].authorize(requests_of(*orders))
            if any(isinstance(answer, Verdict) and answer.deny_code for answer in answers):
                return
            if batch == 3:
                halted.set()

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(authorize_until_denied(number))
        await halted.wait()
        async with other_instance.unit_of_work() as work:
            await _set(work, TradingState.HALTED)
            granted = await work.fetchval(GRANTED)
            await work.commit()
    assert granted > 0
    assert [row["count"] for row in await rows(database, GRANTED)] == [granted]
    assert await broken_invariants(database) == []


async def test_a_repeated_verdict_has_its_instant_and_the_current_state(database: Database) -> None:
    await prepare(database, "150")
    before = time_ns()
    [granted, denied] = await authorize(database, command(1), command(2))
    async with database.unit_of_work() as work:
        await _set(work, TradingState.HALTED)
        await work.commit()
    [again, still, new] = await authorize(database, command(1), command(2), command(3))
    async with database.unit_of_work() as work:
        await _set(work, TradingState.ACTIVE)
        await work.commit()
    [same] = await authorize(database, command(3))
    answers = [granted, denied, again, still, new, same]
    verdicts = [answer for answer in answers if isinstance(answer, Verdict)]
    assert [(one.client_order_id, one.is_repeated, one.deny_code, one.strategy_state.value) for one in verdicts] == [
        ("O-1", False, None, "ACTIVE"),
        ("O-2", False, "BUDGET_EXCEEDED", "ACTIVE"),
        ("O-1", True, None, "HALTED"),
        ("O-2", True, "BUDGET_EXCEEDED", "HALTED"),
        ("O-3", False, "TRADING_HALTED", "HALTED"),
        ("O-3", True, "TRADING_HALTED", "ACTIVE"),
    ]
    decided = [one.decided_at for one in verdicts]
    assert (decided[2], decided[3], decided[5]) == (decided[0], decided[1], decided[4])
    assert before <= decided[0] < decided[1] < decided[4] <= time_ns()
