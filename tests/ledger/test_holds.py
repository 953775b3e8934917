"""What is said of a hold follows from the order, its fills and its end, whatever the batches in which events came."""

from decimal import Decimal
from itertools import combinations, pairwise
from typing import Any

import pytest

from app.database import Database
from app.rules.enums import DenyCode
from app.rules.instruments import InstrumentDefinition
from tests.events import published
from tests.ledger.authorizing import ask, command, prepare
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


def then(kind: str, n: int, name: str, **fields: Any) -> Event:
    return published(kind, n, client_order_id=name, **fields)


def amended() -> list[Event]:
    """10 at 100; 4 filled; amended to 8 at 90, then to 12; 3 filled; canceled."""
    return [
        order(1, "O-1", "BUY", "10"),
        then("OrderSubmitted", 2, "O-1"),
        then("OrderAccepted", 3, "O-1"),
        then("OrderFilled", 4, "O-1", last_qty="4", last_px="99"),
        then("OrderUpdated", 5, "O-1", quantity="8", price="90"),
        then("OrderUpdated", 6, "O-1", quantity="12", price=None),
        then("OrderFilled", 7, "O-1", last_qty="3", last_px="90"),
        then("OrderCanceled", 8, "O-1"),
    ]


def reducing() -> list[Event]:
    """A long position of 10 that three sales would reduce; two are canceled, one closes and turns it."""
    return [
        order(1, "O-1", "BUY", "10"),
        then("OrderSubmitted", 2, "O-1"),
        then("OrderFilled", 3, "O-1", last_qty="10"),
        order(4, "O-2", "SELL", "6"),
        order(5, "O-3", "SELL", "7"),
        then("OrderDenied", 6, "O-3"),
        order(7, "O-4", "SELL", "15"),
        then("OrderDenied", 8, "O-2"),
        then("OrderSubmitted", 9, "O-4"),
        then("OrderFilled", 10, "O-4", last_qty="12", order_side="SELL"),
        then("OrderCanceled", 11, "O-4"),
    ]


def for_an_amount() -> list[Event]:
    """A market order for 1,000, which the engine turns into 20 units: at 50 each."""
    return [
        order(1, "O-1", "BUY", "1000", None, quote_quantity=True),
        then("OrderSubmitted", 2, "O-1"),
        then("OrderUpdated", 3, "O-1", quantity="20", is_quote_quantity=False),
        then("OrderAccepted", 4, "O-1"),
        then("OrderFilled", 5, "O-1", last_qty="5", last_px="51"),
        then("OrderCanceled", 6, "O-1"),
    ]


def taken_to_be_complete() -> list[Event]:
    """A limit order for 100 that is filled with 99.95, which looks like all of it, until it is canceled."""
    return [
        order(1, "O-1", "BUY", "100", "50", quote_quantity=True),
        then("OrderSubmitted", 2, "O-1"),
        then("OrderAccepted", 3, "O-1"),
        then("OrderFilled", 4, "O-1", last_qty="1.999", last_px="50"),
        then("OrderCanceled", 5, "O-1"),
    ]


HOLDS = {
    taken_to_be_complete: {"O-1": ("USDT", 1, Decimal("99.95"), Decimal("0.05"))},
    amended: {"O-1": ("USDT", 90, 7 * 90, 5 * 90)},
    reducing: {"O-1": ("USDT", 100, 1000, 0), "O-2": ("USDT", 100, 0, 0), "O-3": ("USDT", 100, 0, 300)}
    | {"O-4": ("USDT", 100, 200, 300)},
    for_an_amount: {"O-1": ("USDT", 50, 250, 750)},
}


@pytest.mark.parametrize("story", HOLDS, ids=lambda story: story.__name__)
async def test_captured_and_voided_in_every_batching(database: Database, story: Any) -> None:
    events = story()
    cuts = [cut for size in (0, 1) for cut in combinations(range(1, len(events)), size)] + [range(1, len(events))]
    for cut in cuts:
        await wipe(database)
        await record_definitions(database, [BTC])
        edges = [0, *cut, len(events)]
        for first, last in pairwise(edges):
            await record(database, lines(*events[first:last]))
        found = await rows(database, "SELECT client_order_id, currency, unit_price, captured, voided FROM holds")
        assert {row[0]: tuple(row)[1:] for row in found} == HOLDS[story], f"cut at {list(cut)}"
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("story", ["priced", "unpriced", "amount", "reduce-only"])
async def test_an_order_that_ended_before_its_instrument_was_known(
    database: Database, story: str, recorded: bool
) -> None:
    """By whichever strategy's fill, or by a recording, and in whatever batches."""
    fields: Event = {"price": None} if story == "unpriced" else {}
    fields |= {"quote_quantity": story == "amount", "reduce_only": story == "reduce-only"}
    other = {"strategy_id": "Other-000"}
    events = [
        *(order(1, "O-1", "BUY", "3", **fields), then("OrderSubmitted", 2, "O-1"), then("OrderCanceled", 3, "O-1")),
        *(order(4, "O-2", "BUY", "1", **other), then("OrderSubmitted", 5, "O-2", **other)),
        then("OrderFilled", 6, "O-2", last_qty="1", **other),
        *(order(7, "O-3", "BUY", "1"), then("OrderSubmitted", 8, "O-3"), then("OrderFilled", 9, "O-3", last_qty="1")),
    ]  # fmt: skip
    voided = {"priced": 300, "unpriced": 0, "amount": 3, "reduce-only": 0}[story]
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
async def test_four_events_in_an_unknown_instrument_in_one_batch_or_two(database: Database, known: bool) -> None:
    events = [
        order(1, "O-1", "BUY", "10"),
        then("OrderSubmitted", 2, "O-1"),
        then("OrderAccepted", 3, "O-1"),
        then("OrderFilled", 4, "O-1", last_qty="10"),
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


async def test_a_late_fill_of_a_canceled_order_takes_what_its_end_let_go(database: Database) -> None:
    await record_definitions(database, [BTC])
    canceled = [order(1, "O-1", "BUY", "10"), then("OrderSubmitted", 2, "O-1"), then("OrderCanceled", 4, "O-1")]
    await record(database, lines(*canceled))
    await record(database, lines(then("OrderFilled", 3, "O-1", last_qty="4")))
    assert (await holds_of(database))["O-1"][4:] == (1000, 0, 400, 600)


async def test_prices_below_zero_count_by_their_size(database: Database) -> None:
    """Of 1,000 in an instrument at -5, ten units leave 950; all in one batch too."""
    events = [
        order(1, "O-1", "BUY", "1000", None, quote_quantity=True),
        then("OrderSubmitted", 2, "O-1"),
        then("OrderAccepted", 3, "O-1"),
        then("OrderFilled", 4, "O-1", last_qty="10", last_px="-5"),
    ]
    for batch in (1, 4):
        await wipe(database)
        await record_definitions(database, [BTC])
        await record(database, lines(*events), batch)
        assert (await holds_of(database))["O-1"][4:] == (1000, 950, 50, 0)
        assert await broken_invariants(database) == []
        await record(database, lines(then("OrderCanceled", 5, "O-1")))
        assert (await holds_of(database))["O-1"][4:] == (1000, 0, 50, 950)


@pytest.mark.parametrize("first", ["10", "1000"])
async def test_an_order_may_be_amended_to_an_amount_after_it_was_filled(database: Database, first: str) -> None:
    await record_definitions(database, [BTC])
    events = [
        order(1, "O-1", "BUY", first),
        then("OrderSubmitted", 2, "O-1"),
        then("OrderFilled", 3, "O-1", last_qty="1"),
        then("OrderUpdated", 4, "O-1", quantity="1000", is_quote_quantity=True),
        then("OrderFilled", 5, "O-1", last_qty="1"),
    ]
    for batch in (5, 1):
        await wipe(database)
        await record_definitions(database, [BTC])
        await record(database, lines(*events), batch)
        [found] = await rows(database, "SELECT status, is_quote_quantity FROM orders")
        assert tuple(found) == ("PARTIALLY_FILLED", True)
        assert await broken_invariants(database) == []


async def test_an_order_of_unknown_side_is_not_taken_to_reduce_a_position(database: Database) -> None:
    await record_definitions(database, [BTC])
    bought = [
        order(1, "O-1", "BUY", "10"),
        then("OrderSubmitted", 2, "O-1"),
        then("OrderFilled", 3, "O-1", last_qty="10"),
    ]
    found = [
        then("OrderAccepted", 4, "O-2", reconciliation=True),
        then("OrderUpdated", 5, "O-2", quantity="10", price="100", reconciliation=True),
    ]
    await record(database, lines(*bought))
    await record(database, lines(*found))
    assert (await holds_of(database))["O-2"][4:] == (1000, 1000, 0, 0)
    assert await broken_invariants(database) == []


async def test_a_hold_follows_its_instrument_to_another_currency(database: Database) -> None:
    """Granted in the currency that the request named; the instrument turns out to settle in another one."""
    await prepare(database, "100000", currency="USD")
    await ask(database, command(1, quantity="2", price="20000", instrument_id="XBTUSD.BITMEX", currency="USD"))
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
    """Authorized in one instrument, initialized in another: what it claimed of the first one's position, others get."""
    await prepare(database, "100000")
    await record_definitions(database, [BTC])
    bought = [
        order(1, "O-1", "BUY", "10"),
        then("OrderSubmitted", 2, "O-1"),
        then("OrderFilled", 3, "O-1", last_qty="10"),
    ]
    await record(database, lines(*bought))
    await ask(database, command("first", side="SELL", quantity="10", price="100"))
    await record(database, lines(order(2**33, "O-2", "SELL", "10")))
    assert (await holds_of(database))["O-2"][5] == 1000
    other = order(2**33 + 1, "O-first", "SELL", "10", instrument_id="ETHUSDT-PERP.BINANCE")
    await record(database, lines(other))
    assert (await holds_of(database))["O-2"][5] == 0
    assert await broken_invariants(database) == []


async def test_while_both_sides_are_open_only_reduce_only_orders_reduce(database: Database) -> None:
    """In hedging mode the engine opens another position for an order that does not say which one it is for."""
    await prepare(database, "2500")
    await record_definitions(database, [BTC])
    for n, (name, side) in enumerate((("L", "BUY"), ("S", "SELL"))):
        await record(
            database,
            lines(
                order(10 * n + 1, name, side, "10"),
                then("OrderSubmitted", 10 * n + 2, name),
                then("OrderFilled", 10 * n + 3, name, last_qty="10", order_side=side, position_id=name),
            ),
        )
    await record(database, lines(order(31, "more", "SELL", "4"), order(32, "less", "SELL", "4", reduce_only=True)))
    held = await holds_of(database)
    assert (held["more"][5], held["less"][5]) == (400, 0)
    verdicts = await ask(database, command("too-much", "BUY", "2"), command("fits", "BUY", "1"))
    assert [getattr(verdict, "deny_code", verdict) for verdict in verdicts] == [DenyCode.BUDGET_EXCEEDED, None]
    assert await broken_invariants(database) == []
    closed = then("OrderFilled", 34, "less", last_qty="4", order_side="SELL", position_id="L")
    rest = order(35, "rest", "SELL", "6", reduce_only=True)
    sent = [then("OrderSubmitted", 33, "less"), closed, rest, then("OrderSubmitted", 36, "rest")]
    await record(
        database, lines(*sent, then("OrderFilled", 37, "rest", last_qty="6", order_side="SELL", position_id="L"))
    )
    assert await rows(database, "SELECT entry FROM positions WHERE status = 'OPEN'") == [("SELL",)]
    assert (await holds_of(database))["more"][5] == 400
    assert (await holds_of(database))["O-fits"][5] == 0
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("price", ["104857.6", "524288"])
async def test_verify_rounds_a_tie_as_the_ledger_does(database: Database, price: str) -> None:
    """1 / 104857.6 has a five as its 19th and last place."""
    await prepare(database, "1000", currency="BTC")
    names = {"instrument_id": "XBTUSD.BITMEX", "quote_currency": "USD", "settlement_currency": "BTC"}
    await record_definitions(database, [InstrumentDefinition(**names, base_currency="BTC", is_inverse=True)])  # type: ignore[arg-type]
    (verdict,) = await ask(database, command(1, price=price, instrument_id="XBTUSD.BITMEX"))
    assert verdict.deny_code is None
    assert await broken_invariants(database) == []


async def test_a_grant_that_needed_nothing_was_right_whatever_it_holds_now(database: Database) -> None:
    """It reduced a position while another order could not be valued; the position has gone since."""
    await prepare(database, "1000")
    await record_definitions(database, [BTC])
    opened = [
        order(1, "O-1", "BUY", "2"),
        then("OrderSubmitted", 2, "O-1"),
        then("OrderFilled", 3, "O-1", last_qty="2"),
    ]
    unknown = order(4, "O-2", "BUY", "1", instrument_id="UNKNOWN.X")
    await record(database, lines(*opened, unknown))
    (verdict,) = await ask(database, command(3, "SELL", "2"))
    assert verdict.deny_code is None
    sold = [order(5, "O-4", "SELL", "2"), then("OrderSubmitted", 6, "O-4")]
    sold.append(then("OrderFilled", 7, "O-4", last_qty="2", order_side="SELL"))
    await record(database, lines(*sold))
    assert (await holds_of(database))["O-3"]
    assert await broken_invariants(database) == []
