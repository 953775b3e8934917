"""The registry holds all budgets in memory and is current again after any failure."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from app.database.embedded import EmbeddedServer
from app.database.upgrade import upgrade
from app.errors import DatabaseUnavailable
from app.feed.feed import Feed
from app.feed.registry import Registry
from tests.feed.rows import change, set_budget, until
from tests.feed.test_feed import END_CONNECTIONS
from tests.reads.rows import EMA, MAKER

pytestmark = pytest.mark.anyio

FILL = """
INSERT INTO fill_sums (strategy_id, instrument_id, currency, side, fills, quantity, notional, realized_pnl, total_fees,
    first_ts, last_ts) VALUES ($1, $2, 'USDT', 'BUY', 1, 1, 1, $3, $4, 1, 1)
"""


@asynccontextmanager
async def opened_registry(url: str) -> AsyncIterator[tuple[Registry, Feed]]:
    """A registry, and the feed that updates it."""
    registry = Registry()
    feed = Feed(registry)
    async with feed.running(url):
        yield registry, feed


def allocated_amounts(registry: Registry) -> dict[tuple[str, str], Any]:
    """The allocated amount of every budget."""
    whole = orjson.loads(registry.page().body)
    return {(one, currency): budget["allocated"] for one, of in whole.items() for currency, budget in of.items()}


async def test_the_registry_loads_budgets_with_exact_digits(database_url: str, connection: asyncpg.Connection) -> None:
    await set_budget(connection, "USDT", "1000.10", "200.00")
    await set_budget(connection, "BTC", None, "0.5")
    await set_budget(connection, "EUR", "123456789012345678901234567890.10", strategy_id=MAKER)
    for instrument in ("BTCUSDT", "ETHUSDT"):
        await connection.execute(FILL, EMA, instrument, Decimal("21.25"), Decimal("0.60"))
    async with opened_registry(database_url) as (registry, _):
        ema = b'"%b":{"USDT":{"strategy_id":"%b","currency":"USDT","allocated":1000.10,"reserved":200.00,' % (
            (str(EMA).encode(),) * 2
        )
        ema += b'"available":800.10,"realized_pnl":42.50,"total_fees":1.20}}'
        maker = b'"%b":{"EUR":{"strategy_id":"%b","currency":"EUR",' % ((str(MAKER).encode(),) * 2)
        maker += b'"allocated":123456789012345678901234567890.10,"reserved":0,'
        maker += b'"available":123456789012345678901234567890.10,"realized_pnl":0,"total_fees":0}}'
        both = sorted([ema, maker])
        assert registry.page().body == b"{%b}" % b",".join(both)
        assert registry.page([MAKER]).body == b"{%b}" % maker
        assert registry.page([]).body == b"{}"
        assert len(registry) == 2


async def test_the_registry_applies_every_change(database_url: str, connection: asyncpg.Connection) -> None:
    async with opened_registry(database_url) as (registry, _):
        assert registry.page().body == b"{}"
        empty = registry.page().digest
        await set_budget(connection, "USDT", "1000")
        await set_budget(connection, "USDT", "900")
        await set_budget(connection, "EUR", "5", strategy_id=MAKER)
        ours, theirs = (str(EMA), "USDT"), (str(MAKER), "EUR")
        await until(lambda: allocated_amounts(registry) == {ours: 900, theirs: 5})
        assert registry.page().digest != empty
        await set_budget(connection, "EUR", None, strategy_id=MAKER)
        await until(lambda: allocated_amounts(registry) == {ours: 900})
        await connection.execute(FILL, EMA, "BTCUSDT", Decimal("-3"), Decimal("0.1"))
        await change(connection, "budget", "USDT")
        await until(lambda: orjson.loads(registry.page().body)[str(EMA)]["USDT"]["realized_pnl"] == -3)


async def test_the_registry_is_current_again_after_a_lost_connection(
    database_url: str, connection: asyncpg.Connection
) -> None:
    async with opened_registry(database_url) as (registry, _):
        for allocated in (1, 2, 3):
            await connection.execute(END_CONNECTIONS)
            await set_budget(connection, "USDT", str(allocated))
            await until(lambda allocated=allocated: allocated_amounts(registry) == {(str(EMA), "USDT"): allocated})  # type: ignore[misc]


async def test_a_new_epoch_reloads_the_registry(database_url: str, connection: asyncpg.Connection) -> None:
    await set_budget(connection, "USDT", "1")
    async with opened_registry(database_url) as (registry, feed):
        before = feed.epoch
        # A restored backup looks like this: other rows, and no entry in the change feed.
        await connection.execute("DELETE FROM budgets")
        await connection.execute("UPDATE feed_epoch SET epoch = gen_random_uuid()")
        await connection.execute(END_CONNECTIONS)
        await until(lambda: feed.epoch != before)
        assert allocated_amounts(registry) == {}


async def test_a_standby_that_lacks_the_last_changes_reloads_the_registry(
    database_url: str, connection: asyncpg.Connection
) -> None:
    await set_budget(connection, "USDT", "1")
    await set_budget(connection, "EUR", "2")
    async with opened_registry(database_url) as (registry, _):
        await connection.execute("DELETE FROM changes WHERE key = 'EUR'")
        await connection.execute("DELETE FROM budgets WHERE currency = 'EUR'")
        await connection.execute(END_CONNECTIONS)
        await until(lambda: allocated_amounts(registry) == {(str(EMA), "USDT"): 1})


async def test_the_registry_is_current_again_after_a_server_restart() -> None:
    with tempfile.TemporaryDirectory(prefix="purser-registry-") as directory:
        server = await asyncio.to_thread(EmbeddedServer.start, Path(directory), durable=False)
        try:
            await upgrade(server.url)
            async with opened_registry(server.url) as (registry, feed):
                await write_budget(server.url, "1")
                await until(lambda: allocated_amounts(registry) == {(str(EMA), "USDT"): 1})
                victim = server.postmaster_pid
                assert victim is not None
                os.kill(victim, signal.SIGQUIT)
                await until(lambda: not feed.status.is_connected)
                assert allocated_amounts(registry) == {(str(EMA), "USDT"): 1}
                seen = feed.status.age_seconds
                assert seen is not None
                await until(lambda: (feed.status.age_seconds or 0) > seen)
                await until(lambda: server.postmaster_pid not in (None, victim))
                await until(lambda: feed.status.is_connected)
                await write_budget(server.url, "2")
                await until(lambda: allocated_amounts(registry) == {(str(EMA), "USDT"): 2})
        finally:
            await asyncio.to_thread(server.stop)


async def write_budget(url: str, allocated: str) -> None:
    connection = await asyncpg.connect(url)
    await set_budget(connection, "USDT", allocated)
    await connection.close()


async def test_a_registry_that_was_never_loaded_is_unavailable(
    database_url: str, connection: asyncpg.Connection
) -> None:
    await connection.execute("ALTER TABLE feed_epoch RENAME TO away")
    async with opened_registry(database_url) as (registry, feed):
        with pytest.raises(DatabaseUnavailable):
            registry.page()
        await connection.execute("ALTER TABLE away RENAME TO feed_epoch")
        await until(lambda: feed.status.is_connected)
        assert registry.page().body == b"{}"
