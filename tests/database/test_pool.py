"""The pool hands on a healthy connection at once, and replaces an unhealthy one."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.database import Database
from app.database import pool as pool_module
from app.database.pool import Pool
from app.errors import DatabaseUnavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    made = Pool(await asyncpg.create_pool(database_url, min_size=0, max_size=1), acquire_timeout_seconds=0.5)
    yield made
    await made.close()


async def pid(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT pg_backend_pid()"))


async def test_a_healthy_connection_is_reused(pool: Pool) -> None:
    first = await pool.acquire()
    await pool.release(first, is_healthy=True)
    assert await pool.acquire() is first
    await pool.release(first, is_healthy=True)


async def test_a_waiting_request_gets_the_next_connection_or_times_out(pool: Pool) -> None:
    first = await pool.acquire()
    waiting = asyncio.ensure_future(pool.acquire())
    await asyncio.sleep(0.05)
    await pool.release(first, is_healthy=True)
    second = await waiting
    with pytest.raises(TimeoutError):
        await pool.acquire()
    await pool.release(second, is_healthy=False)
    await pool.release(await pool.acquire(), is_healthy=True)


async def test_a_closed_or_long_idle_connection_is_replaced(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await pool.acquire()
    before = await pid(first)
    await pool.release(first, is_healthy=True)
    first.terminate()
    second = await pool.acquire()
    between = await pid(second)
    await pool.release(second, is_healthy=True)
    monkeypatch.setattr(pool_module, "IDLE_SECONDS_MAX", -1)
    third = await pool.acquire()
    assert len({before, between, await pid(third)}) == 3
    await pool.release(third, is_healthy=True)


async def test_a_connection_lost_in_the_middle_of_a_statement_makes_the_database_unavailable(
    database: Database,
) -> None:
    """asyncpg may still be in the statement when it raises, and then refuses to roll back."""
    statements: list[asyncio.Task[object]] = []

    async def lose_connection() -> None:
        async with database.unit_of_work() as work:
            statements.append(asyncio.create_task(work.fetchval("SELECT pg_sleep(60)")))
            await asyncio.sleep(0)
            raise asyncpg.InternalClientError("cannot switch to state 21; another operation (2) is in progress")

    with pytest.raises(DatabaseUnavailable):
        await lose_connection()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await statements[0]
    async with database.unit_of_work() as work:
        assert await work.fetchval("SELECT 1") == 1
