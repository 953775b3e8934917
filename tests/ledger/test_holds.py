"""A hold depends only on the order, its fills and its end, in any batches of events."""

from decimal import Decimal
from itertools import combinations, pairwise
from typing import Any

import pytest

from app.database import Database
from app.rules.enums import DenyCode
from app.rules.valuation import InstrumentDefinition
from tests.events import published
from tests.ledger.authorizing import authorize, command, prepare
from tests.ledger.state import broken_invariants, holds_of, record, wipe
from tests.ledger.test_engine_truth import record_definitions
from tests.ledger.test_record import rows
from tests.ledger.test_unpriced_orders import BTC
from tests.ledger.test_valuation import lines

pytestmark = pytest.mark.anyio

Event = dict[str, Any]


def order(n: int, name: str, side: str, quantity: str, price: str | None = "100", **fields: Any) -> Event:
    options = {} if price is None else {"price": price}
    kind = "MARKET" if price is None else "LIMIT"
    given = {"client_order_id": name, "order_side": side, "quantity": quantity, "options": options, "order_type": kind}
    return published("OrderInitialized", n, **{**given, **fields})


def event(kind: str, n: int, name: str, **fields: Any) -> Event:
    return published(kind, n, client_order_id=name, **fields)


def amended() -> list[Event]:
    """10 at 100; 4 filled; amended to 8 at 90, then to 12; 3 filled; canceled."""
    return [
        order(1, "O-1", "BUY", "10"),
        event("OrderSubmitted", 2, "O-1"),
        event("OrderAccepted", 3, "O-1"),
        event("OrderFilled", 4, "O-1", last_qty="4", last_px="99"),
        event("OrderUpdated", 5, "O-1", quantity="8", price="90"),
        event("OrderUpdated", 6, "O-1", quantity="12", price=None),
        event("OrderFilled", 7, "O-1", last_qty="3", last_px="90"),
        event("OrderCanceled", 8, "O-1"),
    ]


def reducing() -> list[Event]:
    """A long position of 10 that three sales would reduce; two are denied, one closes and flips it."""
    return [
        order(1, "O-1", "BUY", "10"),
        event("OrderSubmitted", 2, "O-1"),
        event("OrderFilled", 3, "O-1", last_qty="10"),
        order(4, "O-2", "SELL", "6"),
        order(5, "O-3", "SELL", "7"),
        event("OrderDenied", 6, "O-3"),
        order(7, "O-4", "SELL", "15"),
        event("OrderDenied", 8, "O-2"),
        event("OrderSubmitted", 9, "O-4"),
        event("OrderFilled", 10, "O-4", last_qty="12", order_side="SELL"),
        event("OrderCanceled", 11, "O-4"),
    ]


def for_an_amount() -> list[Event]:
    """A market order for 1,000, which the engine converts to 20 units of 50 each."""
    return [
        order(1, "O-1", "BUY", "1000", None, quote_quantity=True),
        event("OrderSubmitted", 2, "O-1"),
        event("OrderUpdated", 3, "O-1", quantity="20", is_quote_quantity=False),
        event("OrderAccepted", 4, "O-1"),
        event("OrderFilled", 5, "O-1", last_qty="5", last_px="51"),
        event("OrderCanceled", 6, "O-1"),
    ]


def inferred_complete() -> list[Event]:
    """A limit order for 100 whose fill of 99.95 looks complete until the order is canceled."""
    return [
        order(1, "O-1", "BUY", "100", "50", quote_quantity=True),
        event("OrderSubmitted", 2, "O-1"),
        event("OrderAccepted", 3, "O-1"),
        event("OrderFilled", 4, "O-1", last_qty="1.999", last_px="50"),
        event("OrderCanceled", 5, "O-1"),
    ]


HOLDS = {
    inferred_complete: {"O-1": ("USDT", 1, Decimal("99.95"), Decimal("0.05"))},
    amended: {"O-1": ("USDT", 90, 7 * 90, 5 * 90)},
    reducing: {"O-1": ("USDT", 100, 1000, 0), "O-2": ("USDT", 100, 0, 0), "O-3": ("USDT", 100, 0, 300)}
    | {"O-4": ("USDT", 100, 200, 300)},
    for_an_amount: {"O-1": ("USDT", 50, 250, 750)},
}


@pytest.mark.parametrize("case", HOLDS, ids=lambda case: case.__name__)
async def test_captured_and_voided_amounts_do_not_depend_on_batches(database: Database, case: Any) -> None:
    events = case()
    cuts = [cut for size in (0, 1) for cut in combinations(range(1, len(events)), size)] + [range(1, len(events))]
    for cut in cuts:
        await wipe(database)
        await record_definitions(database, [BTC])
        edges = [0, *cut, len(events)]
        for first, last in pairwise(edges):
            await record(database, lines(*events[first:last]))
        found = await rows(database, "SELECT client_order_id, currency, unit_price, captured, voided FROM holds")
        assert {row[0]: tuple(row)[1:] for row in found} == HOLDS[case], f"cut at {list(cut)}"
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("case", ["priced", "unpriced", "amount", "reduce-only"])
async def test_an_order_closed_before_its_instrument_was_known_gets_its_voided_amount(
    database: Database, case: str, recorded: bool
) -> None:
    """The instrument becomes known by a fill of any strategy, or by a record, in any batches."""
    fields: Event = {"price": None} if case == "unpriced" else {}
    fields |= {"quote_quantity": case == "amount", "reduce_only": case == "reduce-only"}
    other = {"strategy_id": "Other-000"}
    events = [
        *(order(1, "O-1", "BUY", "3", **fields), event("OrderSubmitted", 2, "O-1"), event("OrderCanceled", 3, "O-1")),
        *(order(4, "O-2", "BUY", "1", **other), event("OrderSubmitted", 5, "O-2", **other)),
        event("OrderFilled", 6, "O-2", last_qty="1", **other),
        *(order(7, "O-3", "BUY", "1"), event("OrderSubmitted", 8, "O-3"), event("OrderFilled", 9, "O-3", last_qty="1")),
    ]  # fmt: skip
    voided = {"priced": 300, "unpriced": 0, "amount": 3, "reduce-only": 0}[case]
    for cut in (3, 5, 6, 9):
        await wipe(database)
        await record(database, lines(*events[:cut]))
        if recorded and cut == 3:
            await record_definitions(database, [BTC])
        await record(database, lines(*events[cut:]))
        if recorded:
            await record_definitions(database, [BTC])
        found = await rows(database, "SELECT currency, voided FROM holds WHERE client_order_id = 'O-1'")
        assert [tuple(row) for row in found] == [("USDT", voided)], f"cut at {cut}"
        assert await broken_invariants(database) == []


@pytest.mark.parametrize("known", [True, False])
async def test_a_hold_in_an_unknown_instrument_does_not_depend_on_batches(database: Database, known: bool) -> None:
    events = [
        order(1, "O-1", "BUY", "10"),
        event("OrderSubmitted", 2, "O-1"),
        event("OrderAccepted", 3, "O-1"),
        event("OrderFilled", 4, "O-1", last_qty="10"),
    ]
    found = []
    for cut in range(4):
        await wipe(database)
        if known:
            await record_definitions(database, [BTC])
        await record(database, lines(*events[:cut]))
        await record(database, lines(*events[cut:]))
        found.append(await holds_of(database))
    assert all(one == found[0] for one in found)
    assert found[0]["O-1"][4:] == (1000, 0, 1000, 0)


async def test_a_late_fill_of_a_canceled_order_captures_from_the_voided_amount(database: Database) -> None:
    await record_definitions(database, [BTC])
    canceled = [order(1, "O-1", "BUY", "10"), event("OrderSubmitted", 2, "O-1"), event("OrderCanceled", 4, "O-1")]
    await record(database, lines(*canceled))
    await record(database, lines(event("OrderFilled", 3, "O-1", last_qty="4")))
    assert (await holds_of(database))["O-1"][4:] == (1000, 0, 400, 600)


async def test_a_negative_price_counts_by_its_absolute_value(database: Database) -> None:
    """A fill of ten units at -5 leaves 950 of 1,000, also when all events are one batch."""
    events = [
        order(1, "O-1", "BUY", "1000", None, quote_quantity=True),
        event("OrderSubmitted", 2, "O-1"),
        event("OrderAccepted", 3, "O-1"),
        event("OrderFilled", 4, "O-1", last_qty="10", last_px="-5"),
    ]
    for batch in (1, 4):
        await wipe(database)
        await record_definitions(database, [BTC])
        await record(database, lines(*events), batch)
        assert (await holds_of(database))["O-1"][4:] == (1000, 950, 50, 0)
        assert await broken_invariants(database) == []
        await record(database, lines(event("OrderCanceled", 5, "O-1")))
        assert (await holds_of(database))["O-1"][4:] == (1000, 0, 50, 950)


@pytest.mark.parametrize("first", ["10", "1000"])
async def test_a_partially_filled_order_may_be_amended_to_an_amount(database: Database, first: str) -> None:
    await record_definitions(database, [BTC])
    events = [
        order(1, "O-1", "BUY", first),
        event("OrderSubmitted", 2, "O-1"),
        event("OrderFilled", 3, "O-1", last_qty="1"),
        event("OrderUpdated", 4, "O-1", quantity="1000", is_quote_quantity=True),
        event("OrderFilled", 5, "O-1", last_qty="1"),
    ]
    for batch in (5, 1):
        await wipe(database)
        await record_definitions(database, [BTC])
        await record(database, lines(*events), batch)
        [found] = await rows(database, "SELECT status, is_quote_quantity FROM orders")
        assert tuple(found) == ("PARTIALLY_FILLED", True)
        assert await broken_invariants(database) == []


async def test_an_order_of_unknown_side_does_not_reduce_a_position(database: Database) -> None:
    await record_definitions(database, [BTC])
    bought = [
        order(1, "O-1", "BUY", "10"),
        event("OrderSubmitted", 2, "O-1"),
        event("OrderFilled", 3, "O-1", last_qty="10"),
    ]
    found = [
        event("OrderAccepted", 4, "O-2", reconciliation=True),
        event("OrderUpdated", 5, "O-2", quantity="10", price="100", reconciliation=True),
    ]
    await record(database, lines(*bought))
    await record(database, lines(*found))
    assert (await holds_of(database))["O-2"][4:] == (1000, 1000, 0, 0)
    assert await broken_invariants(database) == []


async def test_a_hold_moves_to_the_settlement_currency_of_its_instrument(database: Database) -> None:
    """The order is granted in the currency of the request; the instrument settles in another one."""
    await prepare(database, "100000", currency="USD")
    await authorize(database, command(1, quantity="2", price="20000", instrument_id="XBTUSD.BITMEX", currency="USD"))
    inverse = InstrumentDefinition(
        instrument_id="XBTUSD.BITMEX",
        base_currency="BTC",
        quote_currency="USD",
        settlement_currency="BTC",
        is_inverse=True,
    )
    await record_definitions(database, [inverse])
    [held] = await rows(database, "SELECT currency, remaining FROM holds")
    assert tuple(held) == ("BTC", Decimal("0.0001"))
    reserved = await rows(database, "SELECT currency, reserved_orders FROM budgets ORDER BY 1")
    assert [tuple(row) for row in reserved] == [("BTC", Decimal("0.0001")), ("USD", 0)]
    assert await broken_invariants(database) == []


async def test_an_order_that_moves_to_another_instrument_frees_its_claim(database: Database) -> None:
    """The order is authorized in one instrument and initialized in another; a later order gets its first claim."""
    await prepare(database, "100000")
    await record_definitions(database, [BTC])
    bought = [
        order(1, "O-1", "BUY", "10"),
        event("OrderSubmitted", 2, "O-1"),
        event("OrderFilled", 3, "O-1", last_qty="10"),
    ]
    await record(database, lines(*bought))
    await authorize(database, command("first", side="SELL", quantity="10", price="100"))
    await record(database, lines(order(2**33, "O-2", "SELL", "10")))
    assert (await holds_of(database))["O-2"][5] == 1000
    other = order(2**33 + 1, "O-first", "SELL", "10", instrument_id="ETHUSDT-PERP.BINANCE")
    await record(database, lines(other))
    assert (await holds_of(database))["O-2"][5] == 0
    assert await broken_invariants(database) == []


async def test_with_both_sides_open_only_reduce_only_orders_reduce(database: Database) -> None:
    """In hedging mode the engine opens another position for an order that does not name its position."""
    await prepare(database, "2500")
    await record_definitions(database, [BTC])
    for n, (name, side) in enumerate((("L", "BUY"), ("S", "SELL"))):
        await record(
            database,
            lines(
                order(10 * n + 1, name, side, "10"),
                event("OrderSubmitted", 10 * n + 2, name),
                event("OrderFilled", 10 * n + 3, name, last_qty="10", order_side=side, position_id=name),
            ),
        )
    await record(database, lines(order(31, "more", "SELL", "4"), order(32, "less", "SELL", "4", reduce_only=True)))
    held = await holds_of(database)
    assert (held["more"][5], held["less"][5]) == (400, 0)
    verdicts = await authorize(database, command("too-much", "BUY", "2"), command("fits", "BUY", "1"))
    assert [getattr(verdict, "deny_code", verdict) for verdict in verdicts] == [DenyCode.BUDGET_EXCEEDED, None]
    assert await broken_invariants(database) == []
    closed = event("OrderFilled", 34, "less", last_qty="4", order_side="SELL", position_id="L")
    rest = order(35, "rest", "SELL", "6", reduce_only=True)
    sent = [event("OrderSubmitted", 33, "less"), closed, rest, event("OrderSubmitted", 36, "rest")]
    await record(
        database, lines(*sent, event("OrderFilled", 37, "rest", last_qty="6", order_side="SELL", position_id="L"))
    )
    assert await rows(database, "SELECT entry FROM positions WHERE status = 'OPEN'") == [("SELL",)]
    assert (await holds_of(database))["more"][5] == 400
    assert (await holds_of(database))["O-fits"][5] == 0
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("price", ["104857.6", "524288"])
async def test_verify_rounds_a_tie_like_the_ledger(database: Database, price: str) -> None:
    """1 / 104857.6 has a five as its 19th and last place."""
    await prepare(database, "1000", currency="BTC")
    names = {"instrument_id": "XBTUSD.BITMEX", "quote_currency": "USD", "settlement_currency": "BTC"}
    await record_definitions(database, [InstrumentDefinition(**names, base_currency="BTC", is_inverse=True)])  # type: ignore[arg-type]
    (verdict,) = await authorize(database, command(1, price=price, instrument_id="XBTUSD.BITMEX"))
    assert verdict.deny_code is None
    assert await broken_invariants(database) == []


async def test_a_grant_that_required_no_capital_passes_verification_later(database: Database) -> None:
    """It reduced a position while another order was unvalued; that position is closed now."""
    await prepare(database, "1000")
    await record_definitions(database, [BTC])
    opened = [
        order(1, "O-1", "BUY", "2"),
        event("OrderSubmitted", 2, "O-1"),
        event("OrderFilled", 3, "O-1", last_qty="2"),
    ]
    unknown = order(4, "O-2", "BUY", "1", instrument_id="UNKNOWN.X")
    await record(database, lines(*opened, unknown))
    (verdict,) = await authorize(database, command(3, "SELL", "2"))
    assert verdict.deny_code is None
    sold = [order(5, "O-4", "SELL", "2"), event("OrderSubmitted", 6, "O-4")]
    sold.append(event("OrderFilled", 7, "O-4", last_qty="2", order_side="SELL"))
    await record(database, lines(*sold))
    assert (await holds_of(database))["O-3"]
    assert await broken_invariants(database) == []
