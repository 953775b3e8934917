"""Writers commit side by side, clients leave and come back: every change is told once, in the feed's order."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, count, repeat

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.database.embedded import EmbeddedServer
from tests.conftest import fresh_database
from tests.feed.rows import BUDGET, CHANGE
from tests.feed.test_feed import END_CONNECTIONS
from tests.graphql_schema.live.client import connected
from tests.graphql_schema.service import running
from tests.reads.rows import EMA

QUERY = "subscription ($after: String) { budgets(after: $after) { cursor currency } }"
_examples = count()


@dataclass(frozen=True)
class Transaction:
    """Budgets set together: how many, how long it stays open after each, and whether it is taken back."""

    budgets: int
    pause_ms: int
    is_rolled_back: bool


TRANSACTIONS = st.builds(
    Transaction, st.integers(1, 4), st.integers(0, 15), st.sampled_from([False, False, False, True])
)
WRITERS = st.lists(st.lists(TRANSACTIONS, min_size=1, max_size=8), min_size=2, max_size=5)
VISITS = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=6)
"""Of a client: how many events it takes before it goes, and whether it says goodbye."""


@pytest.fixture(scope="module")
def database_and_address(
    server: EmbeddedServer, template: str, administer: Callable[[str], object]
) -> Iterator[tuple[str, str]]:
    """A database, and the address of a server over it."""
    for url in fresh_database(server, template, administer):
        with running(url) as address:
            yield url, address


@settings(
    max_examples=10,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(writers=WRITERS, clients=st.lists(VISITS, min_size=1, max_size=3), cuts=st.integers(0, 2))
def test_every_client_receives_every_change_once_and_in_order(
    database_and_address: tuple[str, str],
    writers: list[list[Transaction]],
    clients: list[list[tuple[int, bool]]],
    cuts: int,
) -> None:
    url, address = database_and_address
    asyncio.run(_run_example(url, address, f"e{next(_examples)}", writers, clients, cuts))


async def _run_example(
    url: str,
    address: str,
    name: str,
    writers: list[list[Transaction]],
    clients: list[list[tuple[int, bool]]],
    cuts: int,
) -> None:
    async with connected(address) as socket:
        cursor = await socket.feed_cursor()
    expected = sum(one.budgets for writer in writers for one in writer if not one.is_rolled_back)
    done = await asyncio.gather(
        _end_connections(url, cuts),
        *(_write(url, f"{name}-{number}", writer) for number, writer in enumerate(writers)),
        *(_follow(address, name, cursor, visits, expected) for visits in clients),
    )
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT key FROM changes WHERE starts_with(key, $1) ORDER BY xid, id", f"{name}-")
    await connection.close()
    in_order = [row["key"] for row in rows]
    assert len(in_order) == expected
    assert done[-len(clients) :] == [in_order] * len(clients)


async def _write(url: str, name: str, transactions: list[Transaction]) -> None:
    connection = await asyncpg.connect(url)
    for number, transaction_plan in enumerate(transactions):
        transaction = connection.transaction()
        await transaction.start()
        for database_and_address in range(transaction_plan.budgets):
            currency = f"{name}-{number}-{database_and_address}"
            await connection.execute(BUDGET, EMA, currency, 1, 0)
            await connection.execute(CHANGE, EMA, "budget", currency)
            await connection.execute("SELECT pg_sleep($1::float8 / 1000)", transaction_plan.pause_ms)
        await (transaction.rollback() if transaction_plan.is_rolled_back else transaction.commit())
    await connection.close()


async def _end_connections(url: str, times: int) -> None:
    connection = await asyncpg.connect(url)
    for _ in range(times):
        await connection.execute("SELECT pg_sleep(0.03)")
        await connection.execute(END_CONNECTIONS)
    await connection.close()


async def _follow(address: str, name: str, cursor: str, visits: list[tuple[int, bool]], expected: int) -> list[str]:
    """What a client was told of this example, over all its visits; after the last it stays to the end."""
    received: list[str] = []
    for events, closes_cleanly in chain(visits, repeat((expected, True))):
        if len(received) == expected:
            return received
        async with connected(address) as socket:
            await socket.ask(QUERY, after=cursor)
            for _ in range(min(events, expected - len(received))):
                event = (await socket.event())["budgets"]
                cursor = event["cursor"]
                received.append(event["currency"])
            if not closes_cleanly:
                socket.connection.transport.abort()
    raise AssertionError
