"""`purser stream` against `purser import` of the same messages: `python -m bench stream`. Needs redis-server."""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from app.database.embedded import EmbeddedServer
from app.database.upgrade import upgrade
from bench.import_speed import RECORDINGS, fresh
from bench.results import Comparison
from tests.streams.entries import as_json, as_msgpack, entries_of, feed
from tests.streams.redis_server import RedisServer

ROUNDS = 3
RATIO_MIN = 0.5

_IMPORT = """
import sys
from pathlib import Path
from app.cli.importing import run_import
from app.database import PoolLimits
outcome = run_import(sys.argv[1], PoolLimits(), [Path(sys.argv[2])])
print(outcome.files[0].lines / outcome.seconds, 0)
"""
_STREAM = """
import os, sys, time
os.environ["PURSER_DATABASE_URL"] = sys.argv[1]
from app.cli.streaming import StreamCommand, follow_nautilus
started = time.monotonic()
assert follow_nautilus(sys.argv[2], StreamCommand(group=sys.argv[3], is_once=True)) == 0
seconds = time.monotonic() - started
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(sys.argv[4]) / seconds, int(status["VmHWM"].split()[0]) // 1024)
"""


async def run() -> list[Comparison]:
    """Alternates both, each into an empty database. Rates are messages a second."""
    return [
        await _compared("a stream per topic, msgpack", as_msgpack, per_topic=True),
        await _compared("one stream, JSON", as_json, per_topic=False),
    ]


async def _compared(form: str, encode: object, *, per_topic: bool) -> Comparison:
    ours, theirs, memory = [], [], 0.0
    with (
        tempfile.TemporaryDirectory(prefix="purser-bench-") as directory,
        EmbeddedServer.start(Path(directory)) as server,
        tempfile.TemporaryDirectory(prefix="purser-redis-") as redis_directory,
    ):
        redis = RedisServer(Path(redis_directory), "--appendfsync", "everysec")
        redis.start()
        entries = entries_of("crypto", encode)  # type: ignore[arg-type]
        for start in range(0, len(entries), 1_000):
            feed(redis.client(), entries[start : start + 1_000], per_topic=per_topic)
        for number in range(ROUNDS):
            rate, peak = await _measure(server, _STREAM, redis.url, f"round-{number}", str(len(entries)))
            ours.append(rate)
            memory = max(memory, peak)
            theirs.append((await _measure(server, _IMPORT, str(RECORDINGS[0])))[0])
        redis.stop()
    how = f"{len(entries):,} messages into an empty database; peak memory {memory:.0f} MiB"
    return Comparison(f"stream from Redis: {form}", how, "/s", "purser import of the file", ours, theirs, RATIO_MIN)


async def _measure(server: EmbeddedServer, program: str, *arguments: str) -> tuple[float, float]:
    await fresh(server)
    await upgrade(server.url)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program, server.url, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PURSER_LOG_LEVEL": "warning"},
        text=True,
    )
    rate, memory = map(float, done.stdout.split())
    return rate, memory
