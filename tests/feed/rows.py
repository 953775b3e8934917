"""Rows for tests of the change feed, written as the ledger writes them: an entity and its row in `changes`."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import asyncpg

from tests.reads.rows import EMA

DEADLINE_SECONDS = 30.0

CHANGE = "INSERT INTO changes (strategy_id, entity, key) VALUES ($1, $2, $3)"
BUDGET = """
INSERT INTO budgets AS b (strategy_id, currency, allocated, reserved_orders, created_at, updated_at, version)
VALUES ($1, $2, $3::numeric, $4, CASE WHEN $3 IS NOT NULL THEN 1 END, 1, ($3 IS NOT NULL)::int)
ON CONFLICT (strategy_id, currency) DO UPDATE SET allocated = excluded.allocated, created_at = excluded.created_at,
    reserved_orders = excluded.reserved_orders, version = b.version + 1
"""


async def change(connection: asyncpg.Connection, entity: str, *keys: str, strategy_id: UUID = EMA) -> None:
    """Inserts rows of the change feed in one transaction."""
    await connection.executemany(CHANGE, [(strategy_id, entity, key) for key in keys])


async def set_budget(
    connection: asyncpg.Connection,
    currency: str,
    allocated: str | None,
    reserved: str = "0",
    strategy_id: UUID = EMA,
) -> None:
    """Writes a budget and its row in `changes` in one transaction; `allocated=None` removes the budget."""
    cap = None if allocated is None else Decimal(allocated)
    async with connection.transaction():
        await connection.execute(BUDGET, strategy_id, currency, cap, Decimal(reserved))
        await connection.execute(CHANGE, strategy_id, "budget", currency)


async def until(is_so: Callable[[], bool]) -> None:
    """Waits until the condition is true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be"
        await asyncio.sleep(0.01)
