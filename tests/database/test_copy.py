"""COPY over a connection that is lost."""

import asyncio
from collections.abc import AsyncIterator

import psutil
import pytest

from app.database import Database
from app.errors import DatabaseUnavailable
from tests.conftest import execute

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 30
LINES = b"".join(b'"%08d"\n' % n for n in range(20_000))


async def test_a_copy_fails_when_its_stalled_connection_is_terminated(database: Database, database_url: str) -> None:
    """PostgreSQL stops reading, so the client stops writing; then the connection is terminated."""

    async def produce_lines() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield LINES

    async def fill(pid: "asyncio.Future[int]") -> None:
        async with database.unit_of_work() as work:
            await work.execute("CREATE TEMPORARY TABLE sink (line text)")
            pid.set_result(await work.fetchval("SELECT pg_backend_pid()"))
            await work.copy("sink", ["line"], produce_lines())

    known: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    filling = asyncio.create_task(fill(known))
    backend = psutil.Process(await known)
    backend.suspend()
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.shield(filling)
        await execute(database_url, f"SELECT pg_terminate_backend({backend.pid})")
    finally:
        backend.resume()
    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(DatabaseUnavailable):
            await filling
    async with database.unit_of_work() as work:
        assert await work.fetchval("SELECT 1") == 1
