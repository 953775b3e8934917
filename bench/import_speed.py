"""Importing the recordings against PostgreSQL's COPY of the same events into (uuid primary key, jsonb).

COPY is the minimum for any ledger on PostgreSQL: it stores the events and derives nothing.
"""

import asyncio
import gzip
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from app.database.embedded import EmbeddedServer
from app.database.upgrade import upgrade
from bench.results import Comparison

_DATA = Path(__file__).parents[1] / "tests" / "data"
RECORDINGS = [_DATA / f"dev_{name}.events.jsonl.gz" for name in ("crypto", "fx")]
"""The two longest; the first is the longer one."""
ROUNDS = 3
RATIO_MIN = 0.15
MEMORY_MAX_MIB = 300

_IMPORT = """
import sys
from pathlib import Path
from app.cli.importing import run_import
from app.database import PoolLimits
outcome = run_import(sys.argv[1], PoolLimits(), [Path(name) for name in sys.argv[2:]])
lines = sum(imported.lines for imported in outcome.files)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(lines, outcome.seconds, int(status["VmHWM"].split()[0]) // 1024)
"""


async def run() -> list[Comparison]:
    """Alternates import and COPY, each into an empty database. Rates are lines of the recordings and rows a second."""
    ours, theirs, memory = [], [], 0
    rows = _copy_rows()
    with (
        tempfile.TemporaryDirectory(prefix="purser-bench-") as directory,
        EmbeddedServer.start(Path(directory)) as server,
    ):
        for _ in range(ROUNDS):
            ours_now, memory_now = await _import(server)
            ours.append(ours_now)
            memory = max(memory, memory_now)
            theirs.append(await _copy(server, rows))
        _, memory_longer = await _import(server, copies=5)
    how = (
        f"both recordings imported into an empty database, lines a second; peak memory {memory} MiB, and "
        f"{memory_longer} MiB for a file five times as long (at most {MEMORY_MAX_MIB} asked for)"
    )
    return [Comparison("import of events", how, "/s", "COPY into (uuid, jsonb)", ours, theirs, RATIO_MIN)]


async def _import(server: EmbeddedServer, copies: int = 1) -> tuple[float, int]:
    await fresh(server)
    await upgrade(server.url)
    with tempfile.TemporaryDirectory(prefix="purser-bench-") as directory:
        paths = RECORDINGS if copies == 1 else [lengthened(Path(directory), copies)]
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", _IMPORT, server.url, *map(str, paths)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    lines, seconds, memory = done.stdout.split()
    return int(lines) / float(seconds), int(memory)


def lengthened(directory: Path, copies: int) -> Path:
    """The longer recording, repeated for other traders, so that every event is new."""
    path = directory / "long.jsonl.gz"
    with gzip.open(RECORDINGS[0]) as source, gzip.open(path, "wb", compresslevel=1) as target:
        lines = source.readlines()
        for copy in range(copies):
            target.writelines(line.replace(b'"TRADER-001"', b'"TRADER-9%02d"' % copy) for line in lines)
    return path


def _copy_rows() -> bytes:
    events: dict[str, str] = {}
    for path in RECORDINGS:
        with gzip.open(path, "rt") as lines:
            for line in lines:
                event_id = json.loads(line).get("event_id")
                if event_id is not None:
                    events.setdefault(event_id, line.rstrip("\n").replace("\\", "\\\\"))
    return "".join(f"{event_id}\t{line}\n" for event_id, line in events.items()).encode()


async def _copy(server: EmbeddedServer, rows: bytes) -> float:
    await fresh(server)
    connection = await asyncpg.connect(server.url)
    try:
        await connection.execute("CREATE TABLE copied (event_id uuid PRIMARY KEY, payload jsonb NOT NULL)")
        started = time.perf_counter()
        await connection.copy_to_table("copied", source=io.BytesIO(rows), format="text")
        return rows.count(b"\n") / (time.perf_counter() - started)
    finally:
        await connection.close()


async def fresh(server: EmbeddedServer) -> None:
    connection = await asyncpg.connect(server.url)
    try:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close()
