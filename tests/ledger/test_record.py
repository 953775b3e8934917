"""Recording events: repeated, conflicting, early, late, illegal."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from app.database import Database
from app.ledger.batch import BatchResult, Incoming
from app.ledger.recording.record import record_events, record_in
from tests.events import decode_line, incoming, published
from tests.ledger.state import broken_invariants, digest_of

pytestmark = pytest.mark.anyio


async def send(database: Database, *events: dict[str, Any]) -> BatchResult:
    return await record_events(database, [incoming(n, event) for n, event in enumerate(events)])


async def rows(database: Database, sql: str) -> list[asyncpg.Record]:
    async with database.read() as connection:
        return await connection.fetch(sql)


async def order(database: Database) -> asyncpg.Record:
    [row] = await rows(database, "SELECT * FROM orders")
    return row


async def quarantine(database: Database) -> list[tuple[str, int]]:
    found = await rows(database, "SELECT code, variant FROM quarantined_events ORDER BY ts_event, variant")
    return [(row["code"], row["variant"]) for row in found]


def counts(recorded: BatchResult) -> tuple[int, int, int]:
    return recorded.accepted, recorded.duplicates, recorded.quarantined


async def test_an_event_sent_twice_is_counted_and_changes_nothing(database: Database) -> None:
    events = [published("OrderInitialized", 1), published("OrderSubmitted", 2), published("OrderFilled", 3)]
    assert counts(await send(database, *events, events[2])) == (3, 1, 0)
    before = await digest_of(database)
    assert counts(await send(database, *events)) == (0, 3, 0)
    assert await digest_of(database) == before


async def test_an_event_with_instants_in_another_format_is_a_duplicate(database: Database) -> None:
    first = published("OrderInitialized", 1)
    digits = first | {"ts_event": "1000000000", "ts_init": "1000000000"}
    iso = first | {"ts_event": "1970-01-01T00:00:01Z", "ts_init": "1970-01-01T00:00:01.000000000Z"}
    assert counts(await send(database, first, digits)) == (1, 1, 0)
    assert counts(await send(database, iso)) == (0, 1, 0)
    assert counts(await send(database, iso | {"ts_init": "1970-01-01T00:00:02Z"})) == (0, 0, 1)


async def test_other_content_under_a_known_event_id_is_quarantined_once(
    database: Database,
) -> None:
    first = published("OrderInitialized", 1, quantity=Decimal(5))
    other, third = first | {"quantity": "6"}, first | {"quantity": "7"}
    assert counts(await send(database, first, other)) == (1, 0, 1)
    assert counts(await send(database, other, third, third)) == (0, 2, 1)
    assert counts(await send(database, first, other, third)) == (0, 3, 0)
    assert (await order(database))["quantity"] == 5
    assert await quarantine(database) == [("CONFLICTING_CONTENT", 1), ("CONFLICTING_CONTENT", 2)]
    assert await broken_invariants(database) == []


async def test_content_is_compared_by_value_not_by_text(database: Database) -> None:
    event = published("OrderInitialized", 1)
    assert counts(await send(database, event)) == (1, 0, 0)
    assert counts(await send(database, dict(reversed(event.items())))) == (0, 1, 0)


async def test_a_fill_waits_for_its_order(database: Database) -> None:
    assert counts(await send(database, published("OrderFilled", 3))) == (0, 0, 1)
    assert await quarantine(database) == [("ORDER_UNKNOWN", 0)]
    assert await rows(database, "SELECT * FROM fills") == []
    assert counts(await send(database, published("OrderSubmitted", 2), published("OrderInitialized", 1))) == (2, 0, 0)
    assert await quarantine(database) == []
    assert (await order(database))["status"] == "FILLED"
    assert len(await rows(database, "SELECT * FROM positions")) == 1
    assert await broken_invariants(database) == []


async def test_an_illegal_event_is_retried_when_its_order_changes(database: Database) -> None:
    await send(database, published("OrderInitialized", 1))
    assert counts(await send(database, published("OrderPendingCancel", 4))) == (0, 0, 1)
    assert await quarantine(database) == [("ILLEGAL_TRANSITION", 0)]
    assert (await order(database))["waiting"] == 1
    assert counts(await send(database, published("OrderAccepted", 3))) == (1, 0, 0)
    assert await quarantine(database) == []
    assert (await order(database))["status"] == "PENDING_CANCEL"


async def test_an_illegal_event_stays_in_quarantine_and_changes_nothing(database: Database) -> None:
    await send(
        database,
        *[published(kind, n) for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderFilled"), 1)],
    )
    assert counts(await send(database, published("OrderCanceled", 9))) == (0, 0, 1)
    [row] = await rows(database, "SELECT * FROM quarantined_events")
    assert row["reason"] == "OrderCanceled is not allowed while the order is FILLED"
    assert (await order(database))["status"] == "FILLED"
    assert await broken_invariants(database) == []


async def test_a_trade_repeated_under_another_event_id_is_quarantined(database: Database) -> None:
    trade = {"trade_id": "T-7"}
    await send(
        database, published("OrderInitialized", 1), published("OrderSubmitted", 2), published("OrderFilled", 3, **trade)
    )
    assert counts(await send(database, published("OrderFilled", 4, **trade))) == (0, 0, 1)
    assert await quarantine(database) == [("REPEATED_TRADE", 0)]
    assert (await order(database))["filled_qty"] == 1
    assert await broken_invariants(database) == []


async def test_an_overfill_is_applied_and_flagged(database: Database) -> None:
    await send(
        database,
        *[published(kind, n) for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderFilled"), 1)],
    )
    assert counts(await send(database, published("OrderFilled", 4, last_qty=Decimal("0.5")))) == (1, 0, 0)
    row = await order(database)
    assert (row["filled_qty"], row["overfilled"], row["status"]) == (Decimal("1.5"), True, "FILLED")
    assert await broken_invariants(database) == []


def round_trip(n: int, side: str, px: str, second: int, **fields: Any) -> list[dict[str, Any]]:
    """The events of an order that is submitted and filled at `second`."""
    given = {"client_order_id": f"O-{n}", "order_side": side, "ts": second * 10**9, **fields}
    kinds = ("OrderInitialized", "OrderSubmitted", "OrderFilled")
    return [published(kind, 10 * n + place, last_px=Decimal(px), **given) for place, kind in enumerate(kinds)]


async def test_a_late_fill_recomputes_its_position_from_that_point(database: Database) -> None:
    await send(database, *round_trip(1, "BUY", "100", 10), *round_trip(2, "SELL", "130", 30))
    await send(database, *round_trip(3, "BUY", "140", 40), *round_trip(4, "SELL", "150", 50))
    found = await rows(database, "SELECT n, realized_pnl FROM positions ORDER BY n")
    assert [tuple(row) for row in found] == [(1, 30), (2, 10)]
    await send(database, *round_trip(5, "SELL", "110", 20))
    found = await rows(database, "SELECT n, entry, realized_pnl, signed_qty FROM positions ORDER BY n")
    assert [tuple(row) for row in found] == [(1, "BUY", 10, 0), (2, "SELL", -10, 0), (3, "SELL", 0, -1)]
    [total] = await rows(database, "SELECT sum(realized_pnl) AS pnl, sum(fills) AS fills FROM fill_totals")
    assert tuple(total) == (0, 5)
    assert await broken_invariants(database) == []


async def test_a_late_fill_may_merge_two_records_of_a_position(database: Database) -> None:
    await send(
        database, *round_trip(1, "BUY", "100", 10), *round_trip(2, "SELL", "130", 30), *round_trip(3, "BUY", "140", 40)
    )
    assert len(await rows(database, "SELECT * FROM positions")) == 2
    await send(database, *round_trip(4, "BUY", "110", 20))
    [position] = await rows(database, "SELECT * FROM positions")
    assert (position["n"], position["signed_qty"], position["realized_pnl"], position["cost"]) == (1, 2, 25, 245)
    [kept] = await rows(database, "SELECT * FROM position_totals WHERE positions <> 0")
    assert (kept["status"], kept["positions"]) == ("OPEN", 1)
    assert await broken_invariants(database) == []


async def test_a_late_fill_changes_a_position_record_that_began_with_a_flip(database: Database) -> None:
    await send(database, *round_trip(1, "BUY", "100", 10), *round_trip(2, "SELL", "120", 20, last_qty=Decimal(3)))
    await send(database, *round_trip(3, "BUY", "90", 40))
    await send(database, *round_trip(4, "SELL", "110", 30))
    found = await rows(database, "SELECT n, signed_qty, realized_pnl, cost FROM positions ORDER BY n")
    assert [row["n"] for row in found] == [1, 2]
    assert found[0]["realized_pnl"] == 20
    assert found[1]["signed_qty"] == -2
    assert found[1]["cost"] + found[1]["realized_pnl"] == 350 - 90
    assert await broken_invariants(database) == []


async def test_fills_of_one_instant_are_ordered_by_the_venue_trade_number(database: Database) -> None:
    buy = round_trip(1, "BUY", "100", 10, trade_id="V-1-001")
    sell = round_trip(2, "SELL", "130", 10, trade_id="V-1-002")
    await send(database, *sell)
    await send(database, *buy)
    [position] = await rows(database, "SELECT * FROM positions")
    assert (position["entry"], position["realized_pnl"]) == ("BUY", 30)


async def test_commissions_are_totaled_in_their_own_currency(database: Database) -> None:
    await send(database, *round_trip(1, "BUY", "100", 10, commission="0.002 BNB"))
    found = await rows(database, "SELECT currency, fills, notional, total_fees FROM fill_totals ORDER BY currency")
    assert [tuple(row) for row in found] == [("BNB", 0, 0, Decimal("0.002")), ("USDT", 1, 100, 0)]
    assert await broken_invariants(database) == []


async def test_a_signal_published_twice_is_recorded_once(database: Database) -> None:
    signal = {"type": "SignalMomentum", "value": -26.0, "ts_event": 5, "ts_init": 5}
    assert counts(await send(database, signal, signal | {"value": 25.0}, signal)) == (2, 1, 0)
    assert counts(await send(database, signal)) == (0, 1, 0)
    [total] = await rows(database, "SELECT name, signals FROM signal_totals")
    assert tuple(total) == ("Momentum", 2)


async def test_an_order_is_counted_once_under_its_current_status(database: Database) -> None:
    for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderFilled"), start=1):
        await send(database, published(kind, n))
    found = await rows(database, "SELECT status, orders FROM order_totals WHERE orders <> 0")
    assert [tuple(row) for row in found] == [("FILLED", 1)]


async def test_identifiers_with_special_characters_are_stored_unchanged(database: Database) -> None:
    awkward = "tab\tnew\nline\\back\\\\slash 'quote\" {brace},%_€😀"
    tags = [awkward, "", "null", "a,b", '"']
    await send(database, published("OrderInitialized", 1, client_order_id=awkward, tags=tags))
    await send(database, published("OrderSubmitted", 2, client_order_id=awkward))
    row = await order(database)
    assert (row["client_order_id"], row["tags"], row["status"]) == (awkward, tags, "SUBMITTED")


async def test_a_batch_without_commit_changes_nothing(database: Database) -> None:
    before = await digest_of(database)
    events = [published("OrderInitialized", 1), published("OrderFilled", 2)]
    batch = [incoming(n, event) for n, event in enumerate(events)]
    async with database.unit_of_work() as work:
        assert (await record_in(work, batch)).accepted == 2
        # The block ends without a commit.
    assert await digest_of(database) == before


async def test_concurrent_writers_of_one_strategy_lose_nothing(database: Database) -> None:
    trips = [round_trip(n, "BUY" if n % 2 else "SELL", str(100 + n), n) for n in range(1, 41)]
    await asyncio.gather(*(send(database, *trip) for trip in trips))
    [total] = await rows(database, "SELECT sum(fills) AS fills FROM fill_totals")
    assert total["fills"] == 40
    assert await broken_invariants(database) == []


async def test_concurrent_writers_of_a_new_strategy_all_succeed(database: Database) -> None:
    await asyncio.gather(*(send(database, *round_trip(n, "BUY", "1", 1)) for n in range(8)))  # opens the connections
    for strategy in range(40):
        name = f"S-{strategy}"
        trips = [[published("OrderInitialized", n, client_order_id=f"O-{n}", strategy_id=name)] for n in range(8)]
        recorded = await asyncio.gather(*(send(database, *trip) for trip in trips))
        assert [counts(each) for each in recorded] == [(1, 0, 0)] * 8
    assert await broken_invariants(database) == []


async def test_only_the_event_that_postgresql_cannot_store_is_rejected(database: Database) -> None:
    events = [published("OrderInitialized", n, client_order_id=f"O-{n}") for n in range(1, 8)]
    batch = [incoming(n, event) for n, event in enumerate(events, start=1)]
    batch[2].payload = batch[2].payload[:-1] + ', "info": 1e999999}'
    batch[5].payload = batch[5].payload[:-1] + ', "info": 1e-999999}'
    recorded = await record_events(database, batch)
    assert counts(recorded) == (5, 0, 0)
    assert [(rejected.place, rejected.code) for rejected in recorded.rejected] == [
        (3, "CANNOT_BE_STORED"),
        (6, "CANNOT_BE_STORED"),
    ]
    assert await broken_invariants(database) == []


async def test_concurrent_writers_of_several_new_strategies_do_not_deadlock(database: Database) -> None:
    def batch(writer: int, *names: str) -> list[dict[str, Any]]:
        return [
            published("OrderInitialized", 10 * writer + n, client_order_id=f"O-{writer}-{n}", strategy_id=name)
            for n, name in enumerate(names)
        ]

    for turn in range(25):
        a, b = f"A-{turn}", f"B-{turn}"
        mixed = [(a,), (b,), (a, b), (b, a), (a,), (b, a), (b,), (a, b)]
        recorded = await asyncio.gather(*(send(database, *batch(n, *names)) for n, names in enumerate(mixed)))
        assert [each.accepted for each in recorded] == [len(names) for names in mixed]


async def test_an_event_that_grew_in_the_database_can_be_read(database: Database) -> None:
    """PostgreSQL expands numbers and adds spaces, so a stored event may be longer than the limit for new ones."""
    event = published("OrderInitialized", 1)
    payload = json.dumps(event)[:-1] + ', "info": [' + ",".join(["1e100000"] * 12) + "]}"
    assert (await record_events(database, [Incoming(1, incoming(1, event).event, payload)])).accepted == 1
    assert counts(await send(database, published("OrderPendingCancel", 3), published("OrderAccepted", 2))) == (2, 0, 0)
    assert (await order(database))["status"] == "PENDING_CANCEL"
    assert await broken_invariants(database) == []


async def test_numbers_in_contents_are_compared_exactly(database: Database) -> None:
    event = json.dumps(published("OrderInitialized", 1))
    one, other = (event[:-1] + f', "info": {number}}}' for number in ("100.1", "100.10000000000000000001"))
    decoded = decode_line(event.encode())
    first = await record_events(database, [Incoming(1, decoded, one), Incoming(2, decoded, other)])
    assert counts(first) == (1, 0, 1)
    assert counts(await record_events(database, [Incoming(1, decoded, other)])) == (0, 1, 0)


async def test_counts_are_right_when_the_first_fill_moves_a_position_to_another_instrument(database: Database) -> None:
    await send(database, *round_trip(1, "BUY", "100", 20, instrument_id="X.V"))
    await send(database, *round_trip(2, "BUY", "100", 10, instrument_id="Y.V"))
    assert await broken_invariants(database) == []


async def test_signal_values_keep_every_digit(database: Database) -> None:
    values = ["1" + "0" * 40, "0.1000", '{"b": [1, 2.50], "a": null}', "[" * 50 + "]" * 50]
    for n, value in enumerate(values):
        line = f'{{"type": "SignalBig", "value": {value}, "ts_event": {n}, "ts_init": {n}}}'
        assert (await record_events(database, [Incoming(1, decode_line(line.encode()), line)])).accepted == 1
    found = await rows(database, "SELECT value::text FROM signals ORDER BY ts_event")
    assert [json.loads(row["value"]) for row in found] == [json.loads(value) for value in values]
    assert found[1]["value"] == "0.1000"
