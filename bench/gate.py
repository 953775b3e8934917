"""What the gate of purser_nautilus adds to an order of a live node, against the least that it could be.

The peer is a bare ASGI server that commits one row in the same PostgreSQL, asked by the same HTTP client in the same
event loop. Rounds alternate.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from app.database.embedded import EmbeddedServer
from app.database.upgrade import upgrade
from bench.results import Comparison
from bench.servers import uvicorn

_HOW = (
    "a live node in its event loop: from the command's arrival to its submission, minus the same without a"
    " gate; the peer commits one row over HTTP, asked by the same client"
)
_ASK = "`AsyncPurser.authorize` in the same event loop, without an engine"
_TOGETHER_MAX = 5


async def run() -> list[Comparison]:
    """The gate's latency as submissions per second, one after the other."""
    with tempfile.TemporaryDirectory(prefix="purser-bench-") as directory:
        folder = Path(directory)
        with EmbeddedServer.start(folder / "postgres") as server:
            url = server.url_of("postgres")
            await upgrade(url)
            with (
                uvicorn("app.cli.worker:create_app", url) as purser,
                uvicorn("bench.peers.committed_write:create_app", url) as bare,
            ):
                command = [sys.executable, "-m", "bench.gate_node"]
                arguments = [f"http://127.0.0.1:{purser}", str(bare), str(folder / "spool")]
                process = await asyncio.create_subprocess_exec(*command, *arguments, stdout=asyncio.subprocess.PIPE)
                output, _ = await process.communicate()
    lines = [line for line in output.decode().splitlines() if line.startswith("FIGURES ")]
    figures: dict[str, list[float]] = json.loads(lines[0].removeprefix("FIGURES "))
    return _comparisons(figures)


def _comparisons(figures: dict[str, list[float]]) -> list[Comparison]:
    free = median(figures["free"])
    added = sorted(seconds - free for seconds in figures["gate"])
    bare = sorted(figures["bare"])
    burst = median(figures["burst"]) - median(figures["free_burst"])
    for name in ("idle", "singles", "burst", "free_burst"):
        late, computed = sorted(figures[f"late_{name}"]), sorted(figures[f"computed_{name}"])
        print(
            f"event loop, {name}: late by at most {late[-1] * 1000:.1f} ms (p99 {_at(late, 0.99) * 1000:.1f} ms);"
            f" computed at most {computed[-1] * 1000:.1f} ms without a pause (p99 {_at(computed, 0.99) * 1000:.1f} ms)"
        )
    for name in ("bare", "ask", "free", "gate", "burst", "free_burst"):
        print(
            f"{name}: p50 {median(figures[name]) * 1000:.2f} ms, p99 {_at(sorted(figures[name]), 0.99) * 1000:.2f} ms"
        )
    asked = median(figures["ask"])
    return [
        Comparison("authorize, client", _ASK, "/s", "HTTP with one commit", [1 / asked], [1 / median(bare)]),
        Comparison("gate, p50", _HOW, "/s", "HTTP with one commit", [1 / median(added)], [1 / median(bare)], 1 / 1.3),
        Comparison("gate, p99", _HOW, "/s", "HTTP with one commit", [1 / _at(added, 0.99)], [1 / _at(bare, 0.99)], 0.5),
        Comparison(
            "gate, 100 orders at once",
            _HOW,
            "/s",
            "one order",
            [1 / burst],
            [1 / median(added)],
            1 / _TOGETHER_MAX,
        ),
    ]


def _at(seconds: list[float], share: float) -> float:
    return seconds[min(int(len(seconds) * share), len(seconds) - 1)]
