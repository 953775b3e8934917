"""Valuing the orders that waited for an instrument, while other instances record."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.database import Database
from app.ledger.holds.revaluation import value_waiting
from app.rules.identity import strategy_id_of
from tests.events import published
from tests.ledger.authorizing import STRATEGY_ID
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import rows, send

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 30
OTHER_ID = str(strategy_id_of("TRADER-001", "Other-000"))
LOCK = "SELECT FROM strategies WHERE strategy_id = $1 FOR NO KEY UPDATE"
# A row's lock is waited for as the lock of a transaction, which belongs to no database; the waiter's other locks do.
WAITING = """
SELECT count(*) FROM pg_locks waiting WHERE NOT granted AND pid IN (
    SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database())
"""
DESCRIBE = "INSERT INTO instruments (instrument_id, quote_currency, settlement_currency) VALUES ($1, 'USDT', 'USDT')"


async def describe(database: Database, instrument_id: str) -> None:
    async with database.unit_of_work() as work:
        await work.execute(DESCRIBE, instrument_id)
        await work.commit()


@pytest.fixture
async def another(database_url: str) -> AsyncIterator[Database]:
    """Another instance, over the same database."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


async def test_an_order_of_a_strategy_that_is_not_locked_is_left_to_its_writer(
    database: Database, another: Database
) -> None:
    """It became one to be valued between the two looks, and its writer holds its strategy."""
    other = {"client_order_id": "O-2", "strategy_id": "Other-000", "instrument_id": "B.SIM"}
    await send(database, published("OrderInitialized", 1, instrument_id="A.SIM", price=Decimal(100)))
    await send(database, published("OrderInitialized", 2, price=Decimal(100), **other))
    await describe(database, "A.SIM")
    async with another.unit_of_work() as writer, another.unit_of_work() as first:
        await writer.execute(LOCK, OTHER_ID)
        await first.execute(LOCK, STRATEGY_ID)
        valuing = asyncio.create_task(value_waiting(database))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (await rows(database, WAITING))[0]["count"]:
                assert not valuing.done()
                await asyncio.sleep(0.005)
        await describe(database, "B.SIM")
        await first.commit()
        await asyncio.wait_for(valuing, DEADLINE_SECONDS)
    assert await held(database) == {"O-1": 100, "O-2": 0}
    await value_waiting(database)
    assert await held(database) == {"O-1": 100, "O-2": 100}
    assert await broken_invariants(database) == []


async def held(database: Database) -> dict[str, Decimal]:
    found = await rows(database, "SELECT client_order_id, remaining FROM holds ORDER BY 1")
    return {row["client_order_id"]: row["remaining"] for row in found}
