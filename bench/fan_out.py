"""One import seen by many subscribers, against a bare broadcaster of the same messages to the same clients."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from app.database.embedded import EmbeddedServer
from app.database.upgrade import upgrade
from bench.fan_out_clients import CountingClient, connect, payloads
from bench.http_load import answer_to, get
from bench.import_speed import RECORDINGS
from bench.peers.broadcaster import MESSAGES_ENV
from bench.results import Comparison
from bench.servers import free_port, serving, uvicorn

PURSER = str(Path(sys.executable).with_name("purser"))
SUBSCRIBERS = (200, 1000)
ROUNDS = {200: 3, 1000: 1}
RATIO_MIN = 0.5
BROADCAST_MESSAGES = 1_000_000
"""About as many messages the bare broadcaster sends in all."""
QUIET_SECONDS = 2.0
QUERY = """subscription { orders { cursor order {
    id clientOrderId strategyId instrumentId side type status quantity filledQty leavesQty avgPx tsInit tsLast
} } }"""


class Round:
    """Messages per second of both, the milliseconds of small reads meanwhile, and the seconds to the last message."""

    def __init__(self) -> None:
        self.ours = self.theirs = self.after_import = self.import_seconds = 0.0
        self.messages = 0
        self.reads: list[float] = []


async def run() -> list[Comparison]:
    """Each round: an import into an empty database, then the bare broadcaster."""
    comparisons = []
    for subscribers in SUBSCRIBERS:
        rounds = [await _round(subscribers) for _ in range(ROUNDS[subscribers])]
        reads = [milliseconds for one in rounds for milliseconds in one.reads]
        cuts = quantiles(reads, n=100)
        how = (
            f"one document, both recordings imported in {max(one.import_seconds for one in rounds):.0f} s, "
            f"{max(one.messages for one in rounds):,} messages; the last one at most "
            f"{max(one.after_import for one in rounds):.1f} s after the import; meanwhile GET /api/trading/summary: "
            f"p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, max {max(reads):.0f} ms"
        )
        ours, theirs = [one.ours for one in rounds], [one.theirs for one in rounds]
        what = f"fan-out to {subscribers:,} subscribers"
        comparisons.append(Comparison(what, how, "messages/s", "bare uvicorn broadcaster", ours, theirs, RATIO_MIN))
    return comparisons


async def _round(subscribers: int) -> Round:
    result = Round()
    with tempfile.TemporaryDirectory(prefix="purser-bench-") as directory:
        with EmbeddedServer.start(Path(directory) / "database") as server:
            await upgrade(server.url)
            with _purser(server.url) as port:
                clients = await connect(port, subscribers, QUERY)
                await _import(server.url, port, clients, result)
        messages = [one for one in payloads(bytes(clients[0].received)) if b'"type":"next"' in one]
        for client in clients:
            client.transport.abort()
        listed = Path(directory) / "messages"
        listed.write_bytes(b"\n".join(messages[: BROADCAST_MESSAGES // subscribers]))
        with uvicorn("bench.peers.broadcaster:create_app", "", **{MESSAGES_ENV: str(listed)}) as port:
            clients = await connect(port, subscribers, QUERY)
            started = time.perf_counter()
            await answer_to(port, get("/start"))
            await _quiet(clients)
            result.theirs = sum(one.count for one in clients) / (max(one.last_at for one in clients) - started)
            for client in clients:
                client.transport.abort()
    return result


async def _import(url: str, port: int, clients: list[CountingClient], result: Round) -> None:
    reading = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.fan_out_clients", str(port), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    command = [PURSER, "import", *map(str, RECORDINGS)]
    started = time.perf_counter()
    importing = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, "PURSER_DATABASE_URL": url}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert await importing.wait() == 0
    imported = time.perf_counter()
    await _quiet(clients)
    lines, _ = await reading.communicate(b"")
    last_at = max(one.last_at for one in clients)
    result.messages = sum(one.count for one in clients)
    result.ours = result.messages / (last_at - started)
    result.after_import, result.import_seconds = last_at - imported, imported - started
    result.reads = [float(line) for line in lines.splitlines()]


async def _quiet(clients: list[CountingClient]) -> None:
    """Waits until no client has received a message for a while."""
    while True:
        last_at = max(one.last_at for one in clients)
        if last_at and time.perf_counter() - last_at > QUIET_SECONDS:
            return
        await asyncio.sleep(0.1)


@contextmanager
def _purser(url: str) -> Iterator[int]:
    """`purser serve` over a database."""
    port = free_port()
    settings = {"PURSER_DATABASE_URL": url, "PURSER_LOG_LEVEL": "warning", "PURSER_GRAPHQL_SOCKETS_MAX": "2000"}
    command = [PURSER, "serve", "--port", str(port)]
    with serving(command, {**os.environ, **settings}, port):
        yield port
