"""What values an order without a price of its own: the same in whatever batches its strategy's events come."""

import json
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from app.database import Database
from app.ledger.commands import Verdict
from app.rules.enums import DenyCode
from app.rules.instruments import InstrumentDefinition
from tests.events import published
from tests.ledger.authorizing import allocate, ask, command
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


def traded(n: int, price: str) -> list[dict[str, Any]]:
    """O-9 trades 1 at that price, at once."""
    name = {"client_order_id": "O-9", "order_type": "LIMIT"}
    made = initialized(n, "LIMIT", price, client_order_id="O-9") | {"quantity": "1"}
    return [made, published("OrderSubmitted", n + 1, **name), published("OrderFilled", n + 2, last_px=price, **name)]


async def in_any_batches(database: Database, events: list[dict[str, Any]], expected: tuple[Any, ...]) -> None:
    for size in range(1, len(events) + 1):
        await wipe(database)
        await record_definitions(database, [BTC])
        for start in range(0, len(events), size):
            await take(database, *events[start : start + size])
        assert await hold(database) == expected, size
        assert await broken_invariants(database) == []


async def test_an_order_comes_with_the_event_that_makes_it_known(database: Database) -> None:
    """One that waits for it does not count."""
    submitted = published("OrderSubmitted", 5)
    await in_any_batches(database, [submitted, *traded(1, "100"), initialized(4, "MARKET")], (100, 200, False))
    found = published("OrderFilled", 6, last_px="110", reconciliation=True)
    updated = published("OrderUpdated", 7, quantity="3", reconciliation=True)
    await in_any_batches(database, [submitted, *traded(1, "100"), found, updated], (100, 200, False))


async def test_a_denied_order_that_left_is_valued_as_one_that_was_never_asked_about(database: Database) -> None:
    for events in ([initialized(11, "MARKET"), published("OrderSubmitted", 12)], [published("OrderAccepted", 12)]):
        for batches in ([events], [[event] for event in events], [events[::-1]], [[event] for event in events[::-1]]):
            await wipe(database)
            await record_definitions(database, [BTC])
            await take(database, *traded(1, "100"))
            await allocate(database, Decimal(1000))
            [answer] = await ask(database, command(1, quantity="200", price=None))
            assert isinstance(answer, Verdict)
            assert answer.deny_code is DenyCode.BUDGET_EXCEEDED
            for batch in batches:
                await take(database, *batch)
            quantity = 2 if len(events) == 2 else 200
            assert await hold(database) == (100, 100 * quantity, False)
            assert await broken_invariants(database) == []


async def test_a_denied_order_that_left_is_valued_by_what_was_traded_before_it_did(database: Database) -> None:
    await record_definitions(database, [BTC])
    await take(database, *traded(1, "100"))
    await ask(database, command(1, quantity="2", price=None))
    other = {"client_order_id": "O-9", "order_type": "LIMIT", "last_px": "120"}
    await take(
        database,
        initialized(11, "MARKET"),
        published("OrderFilled", 13, **other),
        published("OrderSubmitted", 14),
        published("OrderFilled", 15, **other | {"last_px": "130"}),
    )
    assert await hold(database) == (120, 240, False)
    assert await broken_invariants(database) == []


async def test_a_price_of_zero_is_a_price(database: Database) -> None:
    """What the strategy traded at before the order came values it, though others trade at another price by now."""
    await record_definitions(database, [BTC])
    await take(database, *traded(1, "0"), initialized(5, "MARKET"))
    assert await hold(database) == (0, 0, False)
    await allocate(database, Decimal(1000))
    await take(database, published("OrderFilled", 6, client_order_id="O-9", order_type="LIMIT", last_px="50"))
    [answer] = await ask(database, command(1, quantity="2", price=None))
    assert isinstance(answer, Verdict)
    assert answer.deny_code is None
    [row] = await rows(database, "SELECT reference_price FROM holds WHERE client_order_id = 'O-1'")
    assert row["reference_price"] == 0
    await take(database, published("OrderSubmitted", 7))
    assert await hold(database) == (0, 0, False)
    assert await broken_invariants(database) == []
