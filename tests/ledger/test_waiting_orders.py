"""Orders that wait for their instrument are valued while other instances record events."""

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
# A wait for a row lock is a wait for a transaction, which belongs to no database; other locks of the process do.
WAITING = """
SELECT count(*) FROM pg_locks waiting WHERE NOT granted AND pid IN (
    SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database())
"""
INSERT_INSTRUMENT = (
    "INSERT INTO instruments (instrument_id, quote_currency, settlement_currency) VALUES ($1, 'USDT', 'USDT')"
)


async def insert_instrument(database: Database, instrument_id: str) -> None:
    async with database.unit_of_work() as work:
        await work.execute(INSERT_INSTRUMENT, instrument_id)
        await work.commit()


@pytest.fixture
async def other_instance(database_url: str) -> AsyncIterator[Database]:
    """Another instance over the same database."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


async def test_an_order_of_a_strategy_that_is_not_locked_is_valued_by_its_writer(
    database: Database, other_instance: Database
) -> None:
    """The order becomes one to be valued between two reads, while its writer holds the lock of its strategy."""
    other = {"client_order_id": "O-2", "strategy_id": "Other-000", "instrument_id": "B.SIM"}
    await send(database, published("OrderInitialized", 1, instrument_id="A.SIM", price=Decimal(100)))
    await send(database, published("OrderInitialized", 2, price=Decimal(100), **other))
    await insert_instrument(database, "A.SIM")
    async with other_instance.unit_of_work() as writer, other_instance.unit_of_work() as first:
        await writer.execute(LOCK, OTHER_ID)
        await first.execute(LOCK, STRATEGY_ID)
        valuing = asyncio.create_task(value_waiting(database))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (await rows(database, WAITING))[0]["count"]:
                assert not valuing.done()
                await asyncio.sleep(0.005)
        await insert_instrument(database, "B.SIM")
        await first.commit()
        await asyncio.wait_for(valuing, DEADLINE_SECONDS)
    assert await remaining_holds(database) == {"O-1": 100, "O-2": 0}
    await value_waiting(database)
    assert await remaining_holds(database) == {"O-1": 100, "O-2": 100}
    assert await broken_invariants(database) == []


async def remaining_holds(database: Database) -> dict[str, Decimal]:
    found = await rows(database, "SELECT client_order_id, remaining FROM holds ORDER BY 1")
    return {row["client_order_id"]: row["remaining"] for row in found}
