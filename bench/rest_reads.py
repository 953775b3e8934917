"""Reading 100 of 200,000 orders over REST, against a route written by hand for just that."""

import asyncio
import urllib.request
from contextlib import ExitStack

from bench.http_load import get, requests_per_second
from bench.results import Comparison
from bench.servers import database_with_rows, uvicorn

ORDERS = 200_000
PATH = "/api/trading/orders?limit=100"
CONNECTIONS = 8
ROUNDS = 9
WARM_UP_SECONDS = 2.0
ROUND_SECONDS = 3.0
RATIO_MIN = 0.85


async def run() -> list[Comparison]:
    """Both servers at once, asked in turns."""
    async with database_with_rows(ORDERS) as database_url:
        with ExitStack() as servers:
            ours = servers.enter_context(uvicorn("app.main:create_app", database_url))
            theirs = servers.enter_context(uvicorn("bench.orders_by_hand:create_app", database_url))
            await asyncio.to_thread(_check_same, ours, theirs)
            return [await _compare(ours, theirs)]


async def _compare(ours: int, theirs: int) -> Comparison:
    request = get(PATH)
    figures: dict[int, list[float]] = {ours: [], theirs: []}
    for port in figures:
        await requests_per_second(port, request, CONNECTIONS, WARM_UP_SECONDS)
    for number in range(ROUNDS):
        # Whoever goes first has the cooler machine: take turns.
        for port in (ours, theirs) if number % 2 else (theirs, ours):
            figures[port].append(await requests_per_second(port, request, CONNECTIONS, ROUND_SECONDS))
    return Comparison(
        what="REST: 100 orders",
        how=f"GET {PATH} of {ORDERS:,} orders, {CONNECTIONS} keep-alive connections, one uvicorn worker each, "
        f"{ROUNDS} rounds in turns; the same bytes and headers.",
        unit="requests/s",
        against="hand-written FastAPI + asyncpg",
        ours=figures[ours],
        theirs=figures[theirs],
        ratio_min=RATIO_MIN,
    )


def _check_same(ours: int, theirs: int) -> None:
    answers = []
    for port in (ours, theirs):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{PATH}") as response:
            headers = {name.lower(): value for name, value in response.getheaders() if name.lower() != "date"}
            answers.append((response.read(), headers))
    assert answers[0] == answers[1], "the two answers differ: the comparison would mean nothing"
