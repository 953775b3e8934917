"""Strategies report over two instances concurrently, in instruments without definitions, while one authorizes orders.

For any batches and any order of arrival, the ledger equals that of one instance which received all events in order, no
grant exceeds a budget, and `purser verify` finds no error.
"""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.database import Database
from tests.events import published
from tests.ledger.authorizing import allocate, authorize, command, register
from tests.ledger.state import broken_invariants, content_of, record, wipe
from tests.ledger.test_valuation import lines

pytestmark = pytest.mark.anyio

STRATEGIES = ("EMACross-000", "Other-000", "Third-000")
CAP = Decimal(1_000)
interleaved = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
async def instances(database: Database, database_url: str) -> AsyncIterator[tuple[Database, Database]]:
    other = await Database.open(database_url)
    try:
        yield database, other
    finally:
        await other.close()


def _history(random: Random, strategy: str, first: int) -> list[dict[str, Any]]:
    """Orders with a limit, without a price or for an amount, in three instruments; filled, canceled or left open."""
    events: list[dict[str, Any]] = []

    def add(kind: str, name: str, instrument: str, **fields: Any) -> None:
        n = first + len(events)
        common = {"client_order_id": name, "strategy_id": strategy, "instrument_id": instrument, "currency": "USD"}
        place = {"position_id": f"{instrument}-{strategy}", "commission": "0 USD"}
        events.append(published(kind, n, **{**common, **place, **fields}))

    for number in range(random.randint(2, 6)):
        name, instrument = f"{strategy}-{number}", f"I-{random.randint(1, 3)}.VENUE"
        side = random.choice(["BUY", "SELL"])
        kind_of_order = random.choice(["LIMIT", "MARKET", "AMOUNT"])
        options = {"price": str(random.randint(1, 3))} if kind_of_order == "LIMIT" else {}
        order = {
            "order_side": side,
            "order_type": "LIMIT" if kind_of_order == "LIMIT" else "MARKET",
            "options": options,
        }
        add("OrderInitialized", name, instrument, quantity="100", quote_quantity=kind_of_order == "AMOUNT", **order)
        if random.random() < 0.8:
            add("OrderSubmitted", name, instrument)
            for _ in range(random.randint(0, 2)):
                price = str(random.randint(1, 3))
                add("OrderFilled", name, instrument, order_side=side, last_qty=str(random.randint(1, 9)), last_px=price)
            if random.random() < 0.4:
                add("OrderCanceled", name, instrument)
    return events


def _histories(random: Random) -> dict[str, list[dict[str, Any]]]:
    return {strategy: _history(random, strategy, 1 + 1_000 * place) for place, strategy in enumerate(STRATEGIES)}


async def _report(database: Database, events: list[dict[str, Any]], sizes: Random) -> None:
    place = 0
    while place < len(events):
        size = sizes.randint(1, 5)
        await record(database, lines(*events[place : place + size]))
        place += size


async def _reset(database: Database) -> None:
    await wipe(database)
    for strategy in STRATEGIES:
        await register(database, "TRADER-001", strategy)
    await allocate(database, CAP, "USD")


@given(st.integers(0, 2**32))
@interleaved
async def test_two_instances_leave_the_same_ledger_as_one(instances: tuple[Database, Database], seed: int) -> None:
    random = Random(seed)
    histories = _histories(random)
    await _reset(instances[0])
    for events in histories.values():
        await record(instances[0], lines(*events))
    expected = await content_of(instances[0])
    await _reset(instances[0])
    await asyncio.gather(
        *(_report(random.choice(instances), events, Random(seed)) for events in histories.values()),
    )
    found = await content_of(instances[0])
    assert {table: rows for table, rows in found.items() if rows != expected[table]} == {}
    assert await broken_invariants(instances[0]) == []


@given(st.integers(0, 2**32))
@interleaved
async def test_no_grant_exceeds_a_budget_while_strategies_report(
    instances: tuple[Database, Database], seed: int
) -> None:
    random = Random(seed)
    histories = _histories(random)
    await _reset(instances[0])

    async def authorize_repeatedly() -> None:
        for number in range(6):
            instrument = f"I-{random.randint(1, 3)}.VENUE"
            price, currency = random.choice(["2", None]), random.choice(["USD", None])
            await authorize(
                random.choice(instances),
                command(f"new-{number}", quantity="150", price=price, instrument_id=instrument, currency=currency),
            )

    await asyncio.gather(
        authorize_repeatedly(), *(_report(random.choice(instances), events, random) for events in histories.values())
    )
    assert await broken_invariants(instances[0]) == []
