"""An order for an amount of the quote currency reserves the unfilled part of the amount."""

from decimal import Decimal
from typing import Any

import pytest

from app.database import Database
from app.ledger.commands import Verdict
from app.rules.enums import DenyCode
from tests.events import published
from tests.ledger.authorizing import authorize, command, prepare, reserved
from tests.ledger.state import broken_invariants, record
from tests.ledger.test_record import rows
from tests.ledger.test_valuation import lines

pytestmark = pytest.mark.anyio


def amount_order(quantity: str, **fields: Any) -> list[dict[str, Any]]:
    given = {"order_type": "MARKET", "options": {}, "quote_quantity": True, "quantity": quantity, **fields}
    return [published(kind, n, **given) for n, kind in enumerate(("OrderInitialized", "OrderSubmitted"), 1)]


def fill(n: int, qty: str, px: str) -> dict[str, Any]:
    return published("OrderFilled", n, last_qty=qty, last_px=px)


async def test_an_order_for_an_amount_reserves_it_and_frees_it_with_fills(database: Database) -> None:
    await prepare(database, "5000")
    await record(database, lines(*amount_order("1000")))
    assert await reserved(database) == (1000, 0)
    await record(database, lines(fill(3, "0.008", "50000")))
    assert await reserved(database) == (600, 400)
    await record(database, lines(fill(4, "0.012", "50000")))
    assert await reserved(database) == (0, 1000)
    [hold] = await rows(database, "SELECT amount, captured, voided FROM holds")
    assert tuple(hold) == (1000, 1000, 0)
    assert await broken_invariants(database) == []


async def test_a_canceled_order_for_an_amount_frees_the_rest(database: Database) -> None:
    await prepare(database)
    five_usdt = amount_order("5", order_type="LIMIT", options={"price": "0.25"})
    await record(database, lines(*five_usdt, published("OrderAccepted", 3), fill(4, "8", "0.25")))
    assert await reserved(database) == (3, 2)
    await record(database, lines(published("OrderCanceled", 5)))
    [order] = await rows(database, "SELECT status, overfilled FROM orders")
    assert (tuple(order), await reserved(database)) == (("CANCELED", False), (0, 2))
    assert await broken_invariants(database) == []


async def test_a_hold_is_correct_when_each_event_is_a_batch(database: Database) -> None:
    await prepare(database)
    events = [*amount_order("1000"), fill(3, "0.008", "50000"), published("OrderCanceled", 4)]
    await record(database, lines(*events), batch=1)
    [one_by_one] = await rows(database, "SELECT amount, captured, voided, remaining FROM holds")
    assert tuple(one_by_one) == (1000, 400, 600, 0)
    assert await broken_invariants(database) == []


async def test_a_hold_is_correct_when_all_events_are_one_batch(database: Database) -> None:
    await prepare(database)
    events = [*amount_order("1000"), fill(3, "0.008", "50000"), published("OrderCanceled", 4)]
    await record(database, lines(*events))
    [together] = await rows(database, "SELECT amount, captured, voided, remaining FROM holds")
    assert tuple(together) == (1000, 400, 600, 0)


async def test_an_order_for_an_amount_is_granted_without_a_price(database: Database) -> None:
    await prepare(database, "1000")
    [granted, denied] = await authorize(
        database,
        command(1, quantity="900", price=None, quote_quantity=True),
        command(2, quantity="200", price=None, quote_quantity=True),
    )
    assert isinstance(granted, Verdict)
    assert isinstance(denied, Verdict)
    assert (granted.deny_code, denied.deny_code) == (None, DenyCode.BUDGET_EXCEEDED)
    assert await reserved(database) == (Decimal(900), 0)
    assert await broken_invariants(database) == []


async def test_an_order_of_unknown_quantity_stops_new_grants(database: Database) -> None:
    await prepare(database)
    await record(database, lines(published("OrderAccepted", 1, reconciliation=True)))
    [verdict] = await authorize(database, command("new"))
    assert isinstance(verdict, Verdict)
    assert verdict.deny_code is DenyCode.UNVALUED_ORDER
    assert verdict.reason is not None
    assert "because of its quantity" in verdict.reason
    assert await broken_invariants(database) == []
    await record(database, lines(published("OrderCanceled", 2, reconciliation=True)))
    [verdict] = await authorize(database, command("later"))
    assert isinstance(verdict, Verdict)
    assert verdict.deny_code is None
