"""Orders folded again from their events, positions computed again from their fills, compared with what is stored."""

from collections.abc import AsyncIterator, Iterable
from decimal import localcontext
from typing import Any

import asyncpg

from app.database import ReadConnection
from app.engines.nautilus import decode_stored
from app.ledger.by_keys import array_source
from app.ledger.order_folding import fold_order
from app.ledger.order_loading import load_spawned
from app.ledger.orders import OrderChange
from app.ledger.positions import EFFECT_COLUMNS, BookedFill, Life, PositionChanges, booked_of, life_of, run_fills
from app.ledger.reconciliation import compare_all
from app.ledger.rows import ORDER_COLUMNS, POSITION_COLUMNS, order_row, position_row
from app.ledger.valuations import load_valuations
from app.ledger.verify.finding import Finding
from app.ledger.writing import Row
from app.rules.enums import QuarantineCode
from app.rules.money import EXACT
from app.rules.order_fold import Spawned
from app.rules.valuation import assumed

_TOGETHER = 2000
"""How many orders, or positions, are read at a time."""

_ORDER_IDS = array_source("strategy_id uuid", "client_order_id text")
_POSITION_IDS = array_source("strategy_id uuid", "position_id text")

_TAGS = ORDER_COLUMNS.index("tags")


def _listed(columns: Iterable[str]) -> str:
    """Columns as the ledger has their values: ids as text."""
    return ", ".join(f"{column}::text" if column in ("strategy_id", "signal_id") else column for column in columns)


# OFFSET 0: each key is looked up by its index, whatever the planner thinks of thousands of them.
_EVENTS = f"""
SELECT e.strategy_id::text, e.client_order_id, e.event_id::text, e.seq, e.payload, q.code
FROM {_ORDER_IDS} k CROSS JOIN LATERAL (
    SELECT * FROM order_events e
    WHERE e.strategy_id = k.strategy_id AND e.client_order_id = k.client_order_id AND e.variant = 0 OFFSET 0
) e LEFT JOIN quarantined_events q
ON q.strategy_id = e.strategy_id AND q.event_id = e.event_id AND q.variant = e.variant
"""
_ORDERS = f"""
SELECT o.* FROM {_ORDER_IDS} k CROSS JOIN LATERAL (
    SELECT {_listed(ORDER_COLUMNS)} FROM orders
    WHERE strategy_id = k.strategy_id AND client_order_id = k.client_order_id OFFSET 0
) o
"""
_ORDER_KEYS = """
SELECT strategy_id::text, client_order_id FROM orders
UNION ALL SELECT DISTINCT strategy_id::text, client_order_id FROM order_events e
WHERE client_order_id IS NOT NULL AND variant = 0 AND NOT EXISTS (
    SELECT FROM orders o WHERE o.strategy_id = e.strategy_id AND o.client_order_id = e.client_order_id)
"""
_FILLS = f"""
SELECT f.* FROM {_POSITION_IDS} k CROSS JOIN LATERAL (
    SELECT * FROM fills WHERE strategy_id = k.strategy_id AND position_id = k.position_id
    ORDER BY ts_event, ts_init, trade_seq, seq OFFSET 0
) f
"""
_POSITIONS = f"""
SELECT p.* FROM {_POSITION_IDS} k CROSS JOIN LATERAL (
    SELECT {_listed(POSITION_COLUMNS)} FROM positions
    WHERE strategy_id = k.strategy_id AND position_id = k.position_id OFFSET 0
) p
"""
_POSITION_KEYS = """
SELECT strategy_id::text, position_id FROM positions UNION SELECT strategy_id::text, position_id FROM fills
UNION SELECT strategy_id::text, position_id FROM order_events WHERE position_id IS NOT NULL AND variant = 0
UNION SELECT strategy_id::text, position_id FROM discrepancies
"""
_REPORTS = f"""
SELECT e.* FROM {_POSITION_IDS} k CROSS JOIN LATERAL (
    SELECT strategy_id, position_id, payload FROM order_events
    WHERE strategy_id = k.strategy_id AND position_id = k.position_id AND variant = 0 OFFSET 0
) e
"""
_DISCREPANCIES = f"""
SELECT d.* FROM {_POSITION_IDS} k CROSS JOIN LATERAL (
    SELECT strategy_id, position_id, event_id::text FROM discrepancies
    WHERE strategy_id = k.strategy_id AND position_id = k.position_id OFFSET 0
) d
"""
_INSTRUMENTS = "SELECT instrument_id FROM instruments"
_DEDUCTING = "SELECT strategy_id::text FROM strategies WHERE deducts_base_fees"

Key = tuple[str, str]
"""(strategy_id, client_order_id or position_id)"""


async def verify_orders(connection: ReadConnection) -> AsyncIterator[Finding]:
    """Every order equals the fold of its events, and exactly the events that the fold leaves over are quarantined."""
    async for keys in _together(connection, _ORDER_KEYS):
        orders = _grouped(await connection.fetch(_ORDERS, *keys), "client_order_id")
        events = _grouped(await connection.fetch(_EVENTS, *keys), "client_order_id")
        spawned = await load_spawned(connection, zip(*keys, strict=True))
        with localcontext(EXACT):
            found = [
                finding
                for key in zip(*keys, strict=True)
                for finding in _differing_order(
                    key, orders.get(key, []), events.get(key, []), spawned.get(key, {}).values()
                )
            ]
        for finding in found:
            yield finding


async def verify_positions(connection: ReadConnection) -> AsyncIterator[Finding]:
    """Every position and every fill's effect equal the replay of the fills in their order.

    Every report of the engine that differs from that has its discrepancy, and no other has one.
    """
    instruments = [row["instrument_id"] for row in await connection.fetch(_INSTRUMENTS)]
    valuations = await load_valuations(connection, instruments)
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
                known = {row["event_id"] for row in disputed.get(key, [])}
                found += _differing_reports(key, events, changes, known)
                found += _differing_lives(key, stored.get(key, []), changes.lives)
        for finding in found:
            yield finding


async def _together(connection: ReadConnection, sql: str) -> AsyncIterator[tuple[list[str], list[str]]]:
    """Keys that a query answers, some at a time, as two columns."""
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


def _differing_reports(key: Key, events: list[Any], changes: PositionChanges, known: set[str]) -> Iterable[Finding]:
    """Compare discrepancies; notes on the lives of `changes` what they should say of the reports."""
    owner = next(iter(changes.lives.values())).instrument_id if changes.lives else None
    concerned = [event for event in events if owner in (None, event.instrument_id)]
    differing, verdicts = compare_all(concerned, changes.trails.get(key, {}))
    for n, verdict in verdicts.items():
        changes.lives[(*key, n)].reconciliation = verdict
    for event_id in sorted(differing ^ known):
        stored, expected = ("no discrepancy", "one") if event_id in differing else ("a discrepancy", "none")
        where = f"position event {event_id} of position {key[1]} of strategy {key[0]}"
        yield Finding(where, f"stored {stored}, recomputed {expected}")


def _differing_order(
    key: Key, order_rows: list[asyncpg.Record], event_rows: list[asyncpg.Record], spawned: Iterable[Spawned]
) -> Iterable[Finding]:
    where = f"order {key[1]} of strategy {key[0]}"
    events: Any = [(row["seq"], decode_stored(row["payload"])) for row in event_rows]
    folded = fold_order(key, sorted(events, key=lambda pair: pair[0]), spawned)
    state = folded.state
    quarantined = {row["event_id"]: row["code"] for row in event_rows if row["code"] is not None}
    expected = {item.event_id: item.code for _, item in folded.left}
    for event_id in sorted(quarantined.keys() | expected.keys()):
        if quarantined.get(event_id) != expected.get(event_id):
            stored, recomputed = quarantined.get(event_id, "applied"), expected.get(event_id, "applied")
            yield Finding(f"event {event_id} of {where}", f"stored {stored}, recomputed {recomputed}")
    if state is None:
        # An order that was authorized or denied here before its engine reported it has no events yet.
        if order_rows and QuarantineCode.ORDER_UNKNOWN in expected.values():
            yield Finding(where, "stored, though its events hold no OrderInitialized")
        return
    row = order_row(OrderChange(key, state, folded.waiting, None))
    # Written as text, read as a list.
    yield from _differing_row(where, ORDER_COLUMNS, order_rows, (*row[:_TAGS], state.tags, *row[_TAGS + 1 :]))


def _differing_lives(
    key: Key, position_rows: list[asyncpg.Record], lives: dict[tuple[str, str, int], Life]
) -> Iterable[Finding]:
    stored = {life_of(row).state.n: row for row in position_rows}
    recomputed = {place[2]: position_row(place, life) for place, life in lives.items()}
    for n in sorted(stored.keys() | recomputed.keys()):
        where = f"position {key[1]}:{n} of strategy {key[0]}"
        if n not in recomputed:
            yield Finding(where, "stored, though no fill belongs to it")
        else:
            yield from _differing_row(where, POSITION_COLUMNS, [stored[n]] if n in stored else [], recomputed[n])


def _differing_fills(booked: list[BookedFill]) -> Iterable[Finding]:
    for fill in booked:
        if fill.before != fill.effect:
            where = f"fill {fill.event_id} of strategy {fill.strategy_id}"
            columns = f"({', '.join(EFFECT_COLUMNS)})"
            yield Finding(where, f"{columns}: stored {_shown(fill.before)}, recomputed {_shown(fill.effect)}")


def _differing_row(
    where: str, columns: tuple[str, ...], stored: list[asyncpg.Record], expected: Row
) -> Iterable[Finding]:
    if not stored:
        yield Finding(where, "missing")
        return
    if tuple(stored[0]) == expected:
        return
    for column, found, value in zip(columns, stored[0], expected, strict=True):
        if found != value:
            yield Finding(where, f"{column}: stored {found}, recomputed {value}")


def _shown(values: Iterable[Any] | None) -> str:
    return "nothing" if values is None else "(" + ", ".join(str(value) for value in values) + ")"
