"""The value of an order without a price does not depend on the batches of its strategy's events."""

import json
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from app.database import Database
from app.ledger.commands import Verdict
from app.rules.enums import DenyCode
from app.rules.valuation import InstrumentDefinition
from tests.events import published
from tests.ledger.authorizing import allocate, authorize, command
from tests.ledger.state import broken_invariants, record, wipe
from tests.ledger.test_engine_truth import record_definitions
from tests.ledger.test_record import rows

pytestmark = pytest.mark.anyio

BTC = InstrumentDefinition(instrument_id="BTCUSDT-PERP.BINANCE", quote_currency="USDT", settlement_currency="USDT")


def initialized(n: int, kind: str, price: str | None = None, **fields: Any) -> dict[str, Any]:
    options = {} if price is None else {"price": price}
    return published("OrderInitialized", n, order_type=kind, options=options, quantity="2", **fields)


def emulated() -> list[dict[str, Any]]:
    """A limit order of 2 at 100 that the emulator holds and releases at 103 as a market order."""
    return [
        initialized(1, "LIMIT", "100", emulation_trigger="BID_ASK"),
        published("OrderEmulated", 2),
        initialized(3, "MARKET", ts=3_000_000_000),
        published("OrderReleased", 4, ts=3_000_000_000) | {"released_price": "103"},
        published("OrderSubmitted", 5),
    ]


async def record_all(database: Database, *events: dict[str, Any]) -> None:
    await record(database, [json.dumps(event).encode() for event in events])


async def hold(database: Database, client_order_id: str = "O-1") -> tuple[Any, ...]:
    sql = f"SELECT unit_price, remaining, is_unvalued FROM holds WHERE client_order_id = '{client_order_id}'"
    [found] = await rows(database, sql)
    return tuple(found)


async def test_a_released_order_is_valued_at_its_release_price(database: Database) -> None:
    await record_definitions(database, [BTC])
    expected_holds = [(100, 200, False)] * 3 + [(103, 206, False)] * 2
    for event, expected in zip(emulated(), expected_holds, strict=True):
        await record_all(database, event)
        assert await hold(database) == expected, event["type"]
        assert await broken_invariants(database) == []


async def test_an_order_that_lost_its_price_keeps_its_value_after_other_fills(database: Database) -> None:
    await record_definitions(database, [BTC])
    await record_all(database, *emulated()[:2])
    await record_all(database, emulated()[2])
    other = {"client_order_id": "O-2", "order_side": "SELL"}
    await record_all(
        database, *(published(kind, n, **other) for n, kind in ((6, "OrderInitialized"), (7, "OrderSubmitted")))
    )
    await record_all(database, published("OrderFilled", 8, last_px="90", **other))
    assert await hold(database) == (100, 100, False)
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
async def test_the_value_does_not_depend_on_the_order_of_arrival(database: Database, order: tuple[int, ...]) -> None:
    await record_definitions(database, [BTC])
    events = emulated()
    for n in order:
        await record_all(database, events[n])
        assert await broken_invariants(database) == []
    await record_all(database, events[4])
    assert await hold(database) == (103, 206, False)
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("released_price", [None, "", "NaN", "1e9999", 103.5, ["103"]])
async def test_a_release_without_a_price_keeps_the_last_price(database: Database, released_price: Any) -> None:
    await record_definitions(database, [BTC])
    events = emulated()
    events[3]["released_price"] = released_price
    await record_all(database, *events)
    assert await hold(database) == (100, 200, False)


async def test_the_latest_fill_of_the_strategy_values_an_order_in_any_batches(database: Database) -> None:
    """The fills do not arrive in the order of their trades."""
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
            await record_all(database, *batch)
        assert await hold(database) == (Decimal(120), Decimal(240), False)
        assert await broken_invariants(database) == []


def traded_order(n: int, price: str) -> list[dict[str, Any]]:
    """The events of O-9, which is filled with 1 at that price."""
    name = {"client_order_id": "O-9", "order_type": "LIMIT"}
    limit_order = initialized(n, "LIMIT", price, client_order_id="O-9") | {"quantity": "1"}
    return [
        limit_order,
        published("OrderSubmitted", n + 1, **name),
        published("OrderFilled", n + 2, last_px=price, **name),
    ]


async def assert_hold_in_any_batches(
    database: Database, events: list[dict[str, Any]], expected: tuple[Any, ...]
) -> None:
    for size in range(1, len(events) + 1):
        await wipe(database)
        await record_definitions(database, [BTC])
        for start in range(0, len(events), size):
            await record_all(database, *events[start : start + size])
        assert await hold(database) == expected, size
        assert await broken_invariants(database) == []


async def test_an_order_is_valued_at_the_event_that_makes_it_known(database: Database) -> None:
    """A waiting event does not make the order known."""
    submitted = published("OrderSubmitted", 5)
    await assert_hold_in_any_batches(
        database, [submitted, *traded_order(1, "100"), initialized(4, "MARKET")], (100, 200, False)
    )
    found = published("OrderFilled", 6, last_px="110", reconciliation=True)
    updated = published("OrderUpdated", 7, quantity="3", reconciliation=True)
    await assert_hold_in_any_batches(database, [submitted, *traded_order(1, "100"), found, updated], (100, 200, False))


async def test_a_denied_order_that_was_submitted_is_valued_like_an_unauthorized_one(database: Database) -> None:
    for events in ([initialized(11, "MARKET"), published("OrderSubmitted", 12)], [published("OrderAccepted", 12)]):
        for batches in ([events], [[event] for event in events], [events[::-1]], [[event] for event in events[::-1]]):
            await wipe(database)
            await record_definitions(database, [BTC])
            await record_all(database, *traded_order(1, "100"))
            await allocate(database, Decimal(1000))
            [answer] = await authorize(database, command(1, quantity="200", price=None))
            assert isinstance(answer, Verdict)
            assert answer.deny_code is DenyCode.BUDGET_EXCEEDED
            for batch in batches:
                await record_all(database, *batch)
            quantity = 2 if len(events) == 2 else 200
            assert await hold(database) == (100, 100 * quantity, False)
            assert await broken_invariants(database) == []


async def test_a_denied_order_is_valued_at_the_last_fill_before_its_submission(database: Database) -> None:
    await record_definitions(database, [BTC])
    await record_all(database, *traded_order(1, "100"))
    await authorize(database, command(1, quantity="2", price=None))
    other = {"client_order_id": "O-9", "order_type": "LIMIT", "last_px": "120"}
    await record_all(
        database,
        initialized(11, "MARKET"),
        published("OrderFilled", 13, **other),
        published("OrderSubmitted", 14),
        published("OrderFilled", 15, **other | {"last_px": "130"}),
    )
    assert await hold(database) == (120, 240, False)
    assert await broken_invariants(database) == []


async def test_a_price_of_zero_is_a_price(database: Database) -> None:
    """The strategy's last price before the order values it, although later trades have another price."""
    await record_definitions(database, [BTC])
    await record_all(database, *traded_order(1, "0"), initialized(5, "MARKET"))
    assert await hold(database) == (0, 0, False)
    await allocate(database, Decimal(1000))
    await record_all(database, published("OrderFilled", 6, client_order_id="O-9", order_type="LIMIT", last_px="50"))
    [answer] = await authorize(database, command(1, quantity="2", price=None))
    assert isinstance(answer, Verdict)
    assert answer.deny_code is None
    [row] = await rows(database, "SELECT reference_price FROM holds WHERE client_order_id = 'O-1'")
    assert row["reference_price"] == 0
    await record_all(database, published("OrderSubmitted", 7))
    assert await hold(database) == (0, 0, False)
    assert await broken_invariants(database) == []
