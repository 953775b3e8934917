"""The effects of position reports and of base currency fees do not depend on the order of arrival."""

import importlib
import json
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from app.database import Database
from app.ledger.administration.instruments import record_instruments
from app.ledger.holds.revaluation import revalue_pending
from app.principal import LOCAL
from app.rules.valuation import InstrumentDefinition
from tests.events import published
from tests.ledger.state import broken_invariants, content_of, record, unprotected, wipe
from tests.ledger.test_record import rows

pytestmark = pytest.mark.anyio

SPOT = {"instrument_id": "BTCUSDT.BINANCE", "position_id": "P-9"}
MIGRATION = importlib.import_module("app.database.migrations.versions.0010_gross_flips")
Event = dict[str, Any]


def fill(n: int, side: str, qty: str, px: str = "100.00", fee: str = "0.00000000 USDT", ts: int | None = None) -> Event:
    instant = None if ts is None else ts * 1_000_000_000
    terms = {"last_qty": qty, "last_px": px, "commission": fee, "currency": "USDT", **SPOT}
    return published("OrderFilled", n, client_order_id=f"O-{n}", order_side=side, ts=instant, **terms)


def with_order(event: Event) -> list[Event]:
    """The events that create the order of a fill, and the fill."""
    given = {name: event[name] for name in ("client_order_id", "order_side")}
    number = int(event["client_order_id"].removeprefix("O-"))
    initialized = [
        published(kind, 100 * number + i, quantity=event["last_qty"], ts=event["ts_event"] - 2 + i, **given, **SPOT)
        for i, kind in enumerate(("OrderInitialized", "OrderSubmitted"))
    ]
    return [*initialized, event]


def report(kind: str, n: int, ts: int, quantity: str, *, entry: str = "BUY", **fields: Any) -> Event:
    instant = ts * 1_000_000_000
    event = {
        "type": kind,
        "trader_id": "TRADER-001",
        "strategy_id": "EMACross-000",
        "opening_order_id": "O-1",
        "event_id": f"00000000-0000-4000-8000-{n:012}",
        "entry": entry,
        "quantity": quantity,
        "ts_event": instant,
        "ts_init": instant,
        **SPOT,
    }
    return {**event, **fields}


async def record_batches(database: Database, *batches: list[Event]) -> None:
    for batch in batches:
        events = [
            each for event in batch for each in (with_order(event) if event["type"] == "OrderFilled" else [event])
        ]
        await record(database, [json.dumps(event).encode() for event in events])


async def position_records(database: Database) -> list[tuple[Any, ...]]:
    found = await rows(database, "SELECT n, signed_qty, reconciliation FROM positions ORDER BY n")
    return [tuple(row) for row in found]


# A buy of 3.000 flips a short of 1.000: of its fee of 0.003 BTC, two thirds belong to the new long of 2.000.
SHORT = fill(1, "SELL", "1.000")
FLIP = fill(2, "BUY", "3.000", fee="0.00300000 BTC")
LATE = fill(3, "BUY", "0.500")
MORE = fill(4, "BUY", "1.000")
# A report of another position shows that the strategy's engine deducts fees.
OTHER_POSITION = {**fill(9, "BUY", "1.000", fee="0.00100000 BTC"), "position_id": "P-1"}
OTHER_REPORT = {**report("PositionOpened", 9, 9, "0.999"), "position_id": "P-1"}


async def test_a_flip_deducts_its_base_fee_once_when_it_is_recomputed(database: Database) -> None:
    flipped = report("PositionOpened", 1, 2, "1.998", avg_px_open=100.0)
    await record_batches(database, [OTHER_POSITION, OTHER_REPORT], [SHORT, FLIP, flipped])
    assert await rows(database, "SELECT flip_qty FROM fills WHERE flip_qty <> 0") == [(Decimal("2.000"),)]
    await record_batches(database, [MORE], [LATE])
    assert (await position_records(database))[-1] == (2, Decimal("3.498"), "AGREES")
    assert await rows(database, "SELECT * FROM discrepancies") == []
    assert await broken_invariants(database) == []


async def test_a_report_after_a_flip_is_compared_with_the_position_at_its_instant(database: Database) -> None:
    await record_batches(database, [OTHER_POSITION, OTHER_REPORT], [SHORT, FLIP], [MORE], [fill(5, "BUY", "1.000")])
    late = [report("PositionOpened", 1, 2, "1.998"), report("PositionChanged", 2, 4, "2.998", avg_px_open=100.0)]
    await record_batches(database, *([event] for event in late))
    assert await rows(database, "SELECT * FROM discrepancies") == []
    assert await broken_invariants(database) == []


async def test_flips_stored_without_the_fee_by_an_earlier_release_are_recomputed(database: Database) -> None:
    await record_batches(database, [OTHER_POSITION, OTHER_REPORT], [SHORT, FLIP], [MORE])
    expected = await content_of(database)
    async with unprotected(database) as work:
        await work.execute("UPDATE fills SET flip_qty = 1.998 WHERE flip_qty <> 0")
        await work.execute(MIGRATION.FIND_NET_FLIPS)
        await work.commit()
    assert await broken_invariants(database) != []
    await revalue_pending(database)
    assert await content_of(database) == expected
    assert await broken_invariants(database) == []


BOUGHT = fill(1, "BUY", "0.201324", "36011.95", "0.00020132 BTC")
SOLD = fill(2, "SELL", "0.100000", "36100.00", "3.61000000 USDT")
OPENED = report("PositionOpened", 1, 1, "0.201123", avg_px_open=36011.95)
CHANGED = report("PositionChanged", 2, 2, "0.101123", avg_px_open=36011.95, avg_px_close=36100.0)


@pytest.mark.parametrize("events", list(permutations([BOUGHT, SOLD, OPENED])))
async def test_deducted_fees_are_detected_in_any_order_of_arrival(
    database: Database, events: tuple[Event, ...]
) -> None:
    await record_batches(database, *([event] for event in events))
    assert await position_records(database) == [(1, Decimal("0.101123"), "AGREES")]
    assert await rows(database, "SELECT * FROM discrepancies") == []
    assert await broken_invariants(database) == []


@pytest.mark.parametrize(
    "batches", [[[BOUGHT], [SOLD], [CHANGED]], [[BOUGHT, SOLD], [CHANGED]], [[CHANGED], [SOLD, BOUGHT]]]
)
async def test_deducted_fees_are_detected_by_a_report_after_a_fill_without_fee(
    database: Database, batches: list[list[Event]]
) -> None:
    await record_batches(database, *batches)
    assert await position_records(database) == [(1, Decimal("0.101123"), "AGREES")]
    assert await rows(database, "SELECT * FROM discrepancies") == []
    assert await broken_invariants(database) == []


async def test_deducted_fees_are_detected_when_the_instrument_is_recorded_late(database: Database) -> None:
    """Without the base currency, a fee in a third currency counts as one in the base currency."""
    third = fill(3, "BUY", "1.000000", fee="0.01000000 BNB")
    other = {**fill(9, "BUY", "1.000", fee="0.00100000 BTC"), "position_id": "P-1"}
    await record_batches(database, [BOUGHT, third, other], [report("PositionChanged", 3, 3, "1.201123")])
    assert await rows(database, "SELECT kind FROM discrepancies") == [("QUANTITY",)]
    spot = InstrumentDefinition(
        instrument_id=str(SPOT["instrument_id"]),
        base_currency="BTC",
        quote_currency="USDT",
        settlement_currency="USDT",
    )
    async with database.unit_of_work() as work:
        await record_instruments(work, LOCAL, [spot])
        await work.commit()
    assert await rows(database, "SELECT * FROM discrepancies") == []
    found = await rows(database, "SELECT signed_qty FROM positions ORDER BY position_id")
    assert [row["signed_qty"] for row in found] == [Decimal("0.999"), Decimal("1.201123")]
    assert await broken_invariants(database) == []


async def test_the_position_record_of_a_report_does_not_depend_on_batches(database: Database) -> None:
    """All in one instant: 10, 5, flat, and 10 again; the report may refer to either 10."""
    events = [
        fill(n, side, qty, ts=1)
        for n, (side, qty) in enumerate((("BUY", "10"), ("SELL", "5"), ("SELL", "5"), ("BUY", "10")), 1)
    ]
    ten = report("PositionOpened", 1, 1, "10", avg_px_open=100.0)
    found = []
    for cut in (*range(5), None):
        await wipe(database)
        if cut is None:
            await record_batches(database, *([event] for event in events), [ten])
        else:
            await record_batches(database, events[:cut], [*events[cut:], ten])
        assert await broken_invariants(database) == [], cut
        found.append(await position_records(database))
    assert found == [found[0]] * 6
