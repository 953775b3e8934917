"""Trades, which are closed positions, are counted in any order of arrival, and by the migration of older databases."""

from decimal import Decimal
from importlib import import_module
from typing import Any

import orjson
import pytest

from app.database import Database
from app.ledger.batch import Incoming
from app.ledger.recording.record import record_events
from tests.events import published
from tests.ledger.state import broken_invariants, incoming, lines_of

pytestmark = pytest.mark.anyio

DAY_SECONDS = 86_400
TRADES = "SELECT day::text, currency, trades, wins, losses, profit, loss FROM trade_totals WHERE trades <> 0 ORDER BY 1"


async def fills(database: Database, *events: tuple[int, int, str, str, str]) -> None:
    """Records fills of O-1 as one batch; each is (number, seconds, side, quantity, price)."""
    instants = [
        published("OrderFilled", n, ts=ts * 10**9, order_side=side, last_qty=Decimal(qty), last_px=Decimal(px))
        for n, ts, side, qty, px in events
    ]
    lines = [orjson.dumps(event) for event in instants]
    await record_events(database, incoming(lines))


async def trades(database: Database) -> list[tuple[Any, ...]]:
    async with database.snapshot() as connection:
        return [tuple(row) for row in await connection.fetch(TRADES)]


async def begin(database: Database) -> None:
    await record_events(database, incoming([orjson.dumps(published("OrderInitialized", 1, quantity=Decimal(100)))]))


async def test_a_trade_counts_on_the_day_it_closes(database: Database) -> None:
    await begin(database)
    await fills(database, (2, 10, "BUY", "1", "100"))
    assert await trades(database) == []
    await fills(database, (3, DAY_SECONDS + 5, "SELL", "1", "110"))
    assert await trades(database) == [("1970-01-02", "USDT", 1, 1, 0, Decimal("9.8"), 0)]
    assert await broken_invariants(database) == []


async def test_a_trade_that_only_pays_its_fees_is_neither_win_nor_loss(database: Database) -> None:
    await begin(database)
    await fills(database, (2, 10, "BUY", "1", "100"), (3, 20, "SELL", "1", "100.2"))
    assert await trades(database) == [("1970-01-01", "USDT", 1, 0, 0, 0, 0)]


async def test_a_late_fill_removes_trades(database: Database) -> None:
    await begin(database)
    await fills(database, (2, 10, "BUY", "1", "100"), (3, 20, "SELL", "1", "90"), (4, 30, "BUY", "1", "90"))
    assert await trades(database) == [("1970-01-01", "USDT", 1, 0, 1, 0, Decimal("10.2"))]
    # One more unit was bought before the sale: the position never closed.
    await fills(database, (5, 15, "BUY", "1", "100"))
    assert await trades(database) == []
    assert await broken_invariants(database) == []


async def test_the_migration_counts_trades_of_an_older_release(database: Database) -> None:
    await record_events(database, [*_sample_events()])
    kept = await trades(database)
    assert kept
    backfill = import_module("app.database.migrations.versions.0002_trades")._STATEMENTS[1]
    async with database.unit_of_work() as work:
        await work.execute("DELETE FROM trade_totals")
        await work.execute(backfill)
        await work.commit()
    assert await trades(database) == kept
    assert await broken_invariants(database) == []


def _sample_events() -> list[Incoming]:
    return incoming(lines_of("dev_crypto")[:3_000])
