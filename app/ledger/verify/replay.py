"""Folds orders from their events and recomputes positions from their fills, and compares both with the stored rows."""

from collections.abc import AsyncIterator, Iterable, Iterator
from decimal import Decimal, InvalidOperation, localcontext
from operator import itemgetter
from typing import Any

import asyncpg

from app.database import ReadConnection
from app.event_codec import decode_stored
from app.ledger.batch import BookedFill, NewFill, PositionChanges, PositionRecord
from app.ledger.folding.order_loading import FoldedOrder, fold_order, load_spawned
from app.ledger.folding.positions import booked_anew, is_position_id, position_id_of, run_fills, valuations_of
from app.ledger.folding.reconciliation import compare_all
from app.ledger.storage.queries import ORDER_KEYS, POSITION_KEYS, look_up
from app.ledger.storage.row_mapping import Row, RowMapping
from app.ledger.storage.rows import FILLS, ORDERS, POSITIONS, booked_of, fill_values, position_of, position_values
from app.ledger.verify.invariants import Finding
from app.rules.events import OrderFilled
from app.rules.identity import strategy_id_of
from app.rules.money import EXACT
from app.rules.positions import FillOutcome
from app.rules.valuation import assumed


def differing_columns(rows: Iterable[asyncpg.Record], events: Iterable[Any]) -> Iterator[Finding]:
    """A finding for each row of `order_events` whose columns differ from its event, which has the same place."""
    for row, event in zip(rows, events, strict=True):
        stored = (str(row["strategy_id"]), str(row["event_id"]), row["type"], row["ts_event"], row["ts_init"])
        strategy_id = str(strategy_id_of(event.trader_id, event.strategy_id))
        recomputed = (strategy_id, event.event_id, type(event).__name__, event.ts_event, event.ts_init)
        if stored != recomputed:
            yield Finding(
                f"event {row['event_id']} of strategy {row['strategy_id']}", f"stored {stored}, recomputed {recomputed}"
            )


_TOGETHER = 2000
"""The number of orders or positions to read at a time."""

_NOT_OF_THE_EVENT = frozenset({"position_id", *FillOutcome._fields})
"""Columns of a fill that its event does not determine. The replay of the position verifies them."""

_EVENTS = f"""
SELECT e.*, q.code FROM (
    {look_up("order_events", ORDER_KEYS, also="variant = 0")}
) e LEFT JOIN quarantined_events q ON q.strategy_id = e.strategy_id AND q.event_id = e.event_id AND q.variant = 0
"""
_ORDERS = look_up("orders", ORDER_KEYS)
_ORDER_KEYS = """
SELECT strategy_id::text, client_order_id FROM orders
UNION ALL SELECT DISTINCT strategy_id::text, client_order_id FROM order_events e
WHERE client_order_id IS NOT NULL AND variant = 0 AND NOT EXISTS (
    SELECT FROM orders o WHERE o.strategy_id = e.strategy_id AND o.client_order_id = e.client_order_id)
"""
_FILLS_OF_ORDERS = look_up("fills", ORDER_KEYS)
_FILLS = f"{look_up('fills', POSITION_KEYS)} ORDER BY ts_event, ts_init, trade_seq, seq"
_POSITIONS = look_up("positions", POSITION_KEYS)
_POSITION_KEYS = """
SELECT strategy_id::text, position_id FROM positions UNION SELECT strategy_id::text, position_id FROM fills
UNION SELECT strategy_id::text, position_id FROM order_events WHERE position_id IS NOT NULL AND variant = 0
UNION SELECT strategy_id::text, position_id FROM discrepancies
"""
_REPORTS = look_up("order_events", POSITION_KEYS, also="variant = 0")
_DISCREPANCIES = look_up("discrepancies", POSITION_KEYS)
_of_discrepancy = itemgetter("position_n", "instrument_id", "ts_event")
_INSTRUMENTS = "SELECT instrument_id FROM instruments"
_DEDUCTING = "SELECT strategy_id::text FROM strategies WHERE deducts_base_fees"

Key = tuple[str, str]
"""(strategy_id, client_order_id or position_id)"""


async def verify_orders(connection: ReadConnection) -> AsyncIterator[Finding]:
    """Every order is the fold of its events, and every fill its event; exactly what the fold refuses is quarantined."""
    async for keys in _together(connection, _ORDER_KEYS):
        orders = _grouped(await connection.fetch(_ORDERS, *keys), "client_order_id")
        events = _grouped(await connection.fetch(_EVENTS, *keys), "client_order_id")
        fills = _grouped(await connection.fetch(_FILLS_OF_ORDERS, *keys), "client_order_id")
        spawned = await load_spawned(connection, zip(*keys, strict=True))
        found: list[Finding] = []
        with localcontext(EXACT):
            for key in zip(*keys, strict=True):
                stored = [(row["seq"], decode_stored(row["payload"])) for row in events.get(key, [])]
                found += differing_columns(events.get(key, []), (event for _, event in stored))
                stored.sort(key=lambda pair: pair[0])
                folded = fold_order(key, stored, spawned.get(key, {}).values())  # type: ignore[arg-type]
                found += _differing_order(key, orders.get(key, []), events.get(key, []), folded)
                if key in fills:
                    found += _differing_booked(fills[key], folded)
        for finding in found:
            yield finding


async def verify_positions(connection: ReadConnection) -> AsyncIterator[Finding]:
    """Positions and fills' outcomes are the replay of the fills; discrepancies are the reports that differ."""
    instruments = [row["instrument_id"] for row in await connection.fetch(_INSTRUMENTS)]
    valuations = await valuations_of(instruments).fetch(connection)
    deducting = {row["strategy_id"] for row in await connection.fetch(_DEDUCTING)}
    async for keys in _together(connection, _POSITION_KEYS):
        stored = _grouped(await connection.fetch(_POSITIONS, *keys), "position_id")
        fills = _grouped(await connection.fetch(_FILLS, *keys), "position_id")
        reports = _grouped(await connection.fetch(_REPORTS, *keys), "position_id")
        disputed = _grouped(await connection.fetch(_DISCREPANCIES, *keys), "position_id")
        with localcontext(EXACT):
            found: list[Finding] = []
            for key in zip(*keys, strict=True):
                changes = PositionChanges(valuations=valuations)
                booked = [booked_of(row) for row in fills.get(key, [])]
                for fill in booked:
                    valuations.setdefault(fill.instrument_id, assumed(fill.fill.currency))
                run_fills(key, None, booked, changes, deducts_base_fees=key[0] in deducting)
                found += _differing_fills(booked)
                events = [decode_stored(row["payload"]) for row in reports.get(key, [])]
                found += differing_columns(reports.get(key, []), events)
                found += _differing_reports(key, events, changes, disputed.get(key, []))
                found += _differing_positions(key, stored.get(key, []), changes.records)
        for finding in found:
            yield finding


async def _together(connection: ReadConnection, sql: str) -> AsyncIterator[tuple[list[str], list[str]]]:
    """Batches of the keys that a query selects, as two columns."""
    columns: tuple[list[str], list[str]] = ([], [])
    async for one, other in connection.cursor(sql, prefetch=_TOGETHER):
        columns[0].append(one)
        columns[1].append(other)
        if len(columns[0]) == _TOGETHER:
            yield columns
            columns = ([], [])
    if columns[0]:
        yield columns


def _grouped(rows: Iterable[asyncpg.Record], name: str) -> dict[Key, list[asyncpg.Record]]:
    groups: dict[Key, list[asyncpg.Record]] = {}
    for row in rows:
        groups.setdefault((str(row["strategy_id"]), row[name]), []).append(row)
    return groups


def _differing_reports(
    key: Key, events: list[Any], changes: PositionChanges, stored: list[asyncpg.Record]
) -> Iterable[Finding]:
    """Compare discrepancies; sets `reconciliation` on the generations in `changes`."""
    owner = next(iter(changes.records.values())).instrument_id if changes.records else None
    concerned = [event for event in events if owner in (None, event.instrument_id)]
    differing, verdicts = compare_all(concerned, changes.trails.get(key, {}))
    for generation, verdict in verdicts.items():
        changes.records[(*key, generation)].reconciliation = verdict
    if not differing and not stored:
        return
    expected: dict[tuple[str, str], Row] = {}
    for event in concerned:
        n, differences = differing.get(event.event_id, (None, []))
        for one in differences:
            figures = _number(one.ledger), _number(one.engine)
            expected[event.event_id, one.kind.value] = n, event.instrument_id, event.ts_event, *figures
    known: dict[tuple[str, str], Row] = {}
    for row in stored:
        figures = _number(row["ledger_value"]), _number(row["engine_value"])
        known[str(row["event_id"]), row["kind"]] = *_of_discrepancy(row), *figures
    for event_id, kind in sorted(expected.keys() | known.keys()):
        found, recomputed = known.get((event_id, kind)), expected.get((event_id, kind))
        if found != recomputed:
            where = f"discrepancy {kind} by position event {event_id} of position {key[1]} of strategy {key[0]}"
            yield Finding(where, f"stored {_shown(found)}, recomputed {_shown(recomputed)}")


def _number(value: str | None) -> Decimal | str | None:
    """A discrepancy's value, compared as a number if it is one."""
    try:
        return Decimal(value) if value is not None else None
    except InvalidOperation:
        return value


def _differing_order(
    key: Key, order_rows: list[asyncpg.Record], event_rows: list[asyncpg.Record], folded: FoldedOrder
) -> Iterable[Finding]:
    where = f"order {key[1]} of strategy {key[0]}"
    state = folded.state
    quarantined = {str(row["event_id"]): row["code"] for row in event_rows if row["code"] is not None}
    expected = {item.event_id: item.code for _, item in folded.left}
    for event_id in sorted(quarantined.keys() | expected.keys()):
        if quarantined.get(event_id) != expected.get(event_id):
            stored, recomputed = quarantined.get(event_id, "applied"), expected.get(event_id, "applied")
            yield Finding(f"event {event_id} of {where}", f"stored {stored}, recomputed {recomputed}")
    if state is None:
        if order_rows:
            yield Finding(where, "stored, though no events make it")
        return
    values = ORDERS.values((*key, folded.waiting), state)
    yield from _differing_row(where, ORDERS, order_rows[0] if order_rows else None, values)


def _differing_booked(fill_rows: list[asyncpg.Record], folded: FoldedOrder) -> Iterable[Finding]:
    """Compare fills with the applied events. A statement verifies that each has the other."""
    applied = {event.event_id: (seq, event) for seq, event in folded.applied if isinstance(event, OrderFilled)}
    for row in fill_rows:
        if (found := applied.get(str(row["event_id"]))) is None:
            continue
        seq, event = found
        where = f"fill {event.event_id} of strategy {row['strategy_id']}"
        new = NewFill(str(row["strategy_id"]), seq, event, is_repeat=event.event_id in folded.repeated)
        yield from _differing_row(where, FILLS, row, fill_values(booked_anew(new), event), _NOT_OF_THE_EVENT)
        named = position_id_of(event)
        if not is_position_id(row["position_id"], named, event.instrument_id):
            yield Finding(where, f"position_id: stored {row['position_id']}, recomputed {named}")


def _differing_positions(
    key: Key, position_rows: list[asyncpg.Record], records: dict[tuple[str, str, int], PositionRecord]
) -> Iterable[Finding]:
    stored = {position_of(row).state.n: row for row in position_rows}
    recomputed = {place[2]: position_values(place, record) for place, record in records.items()}
    for n in sorted(stored.keys() | recomputed.keys()):
        where = f"position {key[1]}:{n} of strategy {key[0]}"
        if n not in recomputed:
            yield Finding(where, "stored, though no fill belongs to it")
        else:
            yield from _differing_row(where, POSITIONS, stored.get(n), recomputed[n])


def _differing_fills(booked: list[BookedFill]) -> Iterable[Finding]:
    for fill in booked:
        if fill.before != fill.outcome:
            where = f"fill {fill.event_id} of strategy {fill.strategy_id}"
            columns = f"({', '.join(FillOutcome._fields)})"
            yield Finding(where, f"{columns}: stored {_shown(fill.before)}, recomputed {_shown(fill.outcome)}")


def _differing_row(
    where: str,
    mapping: RowMapping,
    record: asyncpg.Record | None,
    expected: Row,
    leaving: frozenset[str] = frozenset(),
) -> Iterable[Finding]:
    if record is None:
        yield Finding(where, "missing")
        return
    stored = mapping.stored(record)
    if stored == expected:
        return
    for column, found, value in zip(mapping.columns, stored, expected, strict=True):
        if found != value and column not in leaving:
            yield Finding(where, f"{column}: stored {found}, recomputed {value}")


def _shown(values: Iterable[Any] | None) -> str:
    return "nothing" if values is None else "(" + ", ".join(str(value) for value in values) + ")"
