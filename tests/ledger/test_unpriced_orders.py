"""What values an order without a price of its own: the same in whatever batches its strategy's events come."""

import json
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from app.database import Database
from app.rules.instruments import InstrumentDefinition
from tests.events import published
from tests.ledger.state import broken_invariants, record, wipe
from tests.ledger.test_engine_truth import record_definitions
from tests.ledger.test_record import rows

pytestmark = pytest.mark.anyio

BTC = InstrumentDefinition(instrument_id="BTCUSDT-PERP.BINANCE", quote_currency="USDT", settlement_currency="USDT")


def initialized(n: int, kind: str, price: str | None = None, **fields: Any) -> dict[str, Any]:
    options = {} if price is None else {"price": price}
    return published("OrderInitialized", n, order_type=kind, options=options, quantity="2", **fields)


def emulated() -> list[dict[str, Any]]:
    """A limit order of 2 at 100 that the emulator holds back and releases at 103, as a market order."""
    return [
        initialized(1, "LIMIT", "100", emulation_trigger="BID_ASK"),
        published("OrderEmulated", 2),
        initialized(3, "MARKET", ts=3_000_000_000),
        published("OrderReleased", 4, ts=3_000_000_000) | {"released_price": "103"},
        published("OrderSubmitted", 5),
    ]


async def take(database: Database, *events: dict[str, Any]) -> None:
    await record(database, [json.dumps(event).encode() for event in events])


async def hold(database: Database, client_order_id: str = "O-1") -> tuple[Any, ...]:
    sql = f"SELECT unit_price, remaining, is_unvalued FROM holds WHERE client_order_id = '{client_order_id}'"
    [found] = await rows(database, sql)
    return tuple(found)


async def test_a_released_order_is_valued_at_the_price_that_released_it(database: Database) -> None:
    await record_definitions(database, [BTC])
    held = [(100, 200, False)] * 3 + [(103, 206, False)] * 2
    for event, expected in zip(emulated(), held, strict=True):
        await take(database, event)
        assert await hold(database) == expected, event["type"]
        assert await broken_invariants(database) == []


async def test_an_order_that_lost_its_price_keeps_its_value_when_other_orders_trade(database: Database) -> None:
    await record_definitions(database, [BTC])
    await take(database, *emulated()[:2])
    await take(database, emulated()[2])
    other = {"client_order_id": "O-2", "order_side": "SELL"}
    await take(database, *(published(kind, n, **other) for n, kind in ((6, "OrderInitialized"), (7, "OrderSubmitted"))))
    await take(database, published("OrderFilled", 8, last_px="90", **other))
    assert await hold(database) == (100, 100, False)
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
async def test_in_whatever_order_its_events_come(database: Database, order: tuple[int, ...]) -> None:
    await record_definitions(database, [BTC])
    events = emulated()
    for n in order:
        await take(database, events[n])
        assert await broken_invariants(database) == []
    await take(database, events[4])
    assert await hold(database) == (103, 206, False)
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("released_price", [None, "", "NaN", "1e9999", 103.5, ["103"]])
async def test_a_release_without_a_price_leaves_the_last_one(database: Database, released_price: Any) -> None:
    await record_definitions(database, [BTC])
    events = emulated()
    events[3]["released_price"] = released_price
    await take(database, *events)
    assert await hold(database) == (100, 200, False)


async def test_the_strategys_latest_fill_values_it_in_any_batches(database: Database) -> None:
    """The fills come in another order than they were traded in."""
    filled = {"client_order_id": "O-9", "order_type": "LIMIT"}
    events = [
        initialized(1, "LIMIT", "100", client_order_id="O-9"),
        published("OrderSubmitted", 2, client_order_id="O-9"),
        published("OrderAccepted", 3, client_order_id="O-9"),
        published("OrderFilled", 6, last_px="120", **filled),
        published("OrderFilled", 5, last_px="110", **filled),
        initialized(7, "MARKET"),
    ]
    for batches in ([events], [[event] for event in events], [events[:4], events[4:]], [events[:5], events[5:]]):
        await wipe(database)
        await record_definitions(database, [BTC])
        for batch in batches:
            await take(database, *batch)
        assert await hold(database) == (Decimal(120), Decimal(240), False)
        assert await broken_invariants(database) == []
