"""`purser verify` over the ledger of a million events: `python -m bench verify`.

It takes minutes and some gigabytes, so it runs only when it is named.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from app.cli.importing import run_import
from app.database import PoolLimits
from app.database.embedded import EmbeddedServer
from app.database.upgrade import upgrade
from app.models import metadata
from bench.import_speed import lengthened
from bench.results import Comparison

COPIES = 14
ROWS_A_MINUTE_MIN = 1_000_000


async def run() -> list[Comparison]:
    """Runs the command once."""
    with (
        tempfile.TemporaryDirectory(prefix="purser-bench-") as directory,
        EmbeddedServer.start(Path(directory)) as server,
    ):
        await upgrade(server.url)
        recording = lengthened(Path(directory), COPIES)
        await asyncio.to_thread(run_import, server.url, PoolLimits(), [recording])
        rows, events = await _rows(server.url)
        seconds = await asyncio.to_thread(_verify, server.url)
    how = f"{events:,} events, {rows:,} rows in all, {seconds:.0f} s"
    figures = [rows / seconds], [ROWS_A_MINUTE_MIN / 60]
    return [Comparison("verify", how, "rows/s", "a million in a minute", *figures, ratio_min=1.0)]


async def _rows(url: str) -> tuple[int, int]:
    connection = await asyncpg.connect(url)
    try:
        names = [table.name for table in metadata.sorted_tables]
        counts = {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in names}
    finally:
        await connection.close()
    return sum(counts.values()), counts["order_events"]


def _verify(url: str) -> float:
    command = [sys.executable, "-c", "from app.cli import run; run()", "verify"]
    started = time.perf_counter()
    subprocess.run(command, env={**os.environ, "PURSER_DATABASE_URL": url}, check=True)
    return time.perf_counter() - started
