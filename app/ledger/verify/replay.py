"""Orders folded again from their events, positions computed again from their fills, compared with what is stored."""

from collections.abc import AsyncIterator, Iterable
from decimal import localcontext
from typing import Any
from uuid import UUID

import asyncpg

from app.database import ReadConnection
from app.engines.nautilus import decode_stored
from app.ledger.arrival import QuarantineCode
from app.ledger.orders import OrderChange, fold_order
from app.ledger.positions import BookedFill, Life, PositionChanges, booked_of, life_of, run_fills
from app.ledger.rows import ORDER_COLUMNS, POSITION_COLUMNS, order_row, position_row
from app.ledger.verify.finding import Finding
from app.ledger.writing import Row
from app.rules.money import EXACT

_EVENTS = """
SELECT e.strategy_id, e.client_order_id, e.event_id, e.seq, e.payload, q.code FROM order_events e
LEFT JOIN quarantined_events q USING (strategy_id, event_id, variant)
WHERE e.client_order_id IS NOT NULL AND e.variant = 0
ORDER BY e.strategy_id, e.client_order_id COLLATE "C", e.seq
"""
_ORDERS = 'SELECT * FROM orders ORDER BY strategy_id, client_order_id COLLATE "C"'
_FILLS = """
SELECT * FROM fills ORDER BY strategy_id, position_id COLLATE "C", ts_event, ts_init, trade_seq, seq
"""
_POSITIONS = 'SELECT * FROM positions ORDER BY strategy_id, position_id COLLATE "C", n'
_MULTIPLIERS = "SELECT instrument_id, multiplier FROM instruments"


async def verify_orders(connection: ReadConnection) -> AsyncIterator[Finding]:
    """Every order equals the fold of its events, and exactly the events that the fold leaves over are quarantined."""
    stored = _groups(connection.cursor(_ORDERS, prefetch=2000), "client_order_id")
    events = _groups(connection.cursor(_EVENTS, prefetch=5000), "client_order_id")
    async for key, order_rows, event_rows in _matched(stored, events):
        with localcontext(EXACT):
            found = list(_differing_order(key, order_rows, event_rows))
        for finding in found:
            yield finding


async def verify_positions(connection: ReadConnection) -> AsyncIterator[Finding]:
    """Every position and every fill's effect equal the replay of the fills in their order."""
    multipliers = {row["instrument_id"]: row["multiplier"] for row in await connection.fetch(_MULTIPLIERS)}
    stored = _groups(connection.cursor(_POSITIONS, prefetch=2000), "position_id")
    fills = _groups(connection.cursor(_FILLS, prefetch=5000), "position_id")
    async for key, position_rows, fill_rows in _matched(stored, fills):
        booked = [booked_of(row) for row in fill_rows]
        changes = PositionChanges()
        with localcontext(EXACT):
            run_fills(key, None, booked, multipliers, changes)
            found = [*_differing_fills(booked), *_differing_lives(key, position_rows, changes.lives)]
        for finding in found:
            yield finding


def _differing_order(
    key: tuple[str, str], order_rows: list[asyncpg.Record], event_rows: list[asyncpg.Record]
) -> Iterable[Finding]:
    where = f"order {key[1]} of strategy {key[0]}"
    events: Any = [(row["seq"], decode_stored(row["payload"])) for row in event_rows]
    state, _, left = fold_order(key, events)
    quarantined = {str(row["event_id"]): row["code"] for row in event_rows if row["code"] is not None}
    expected = {item.event_id: item.code for _, item in left}
    for event_id in sorted(quarantined.keys() | expected.keys()):
        if quarantined.get(event_id) != expected.get(event_id):
            stored, recomputed = quarantined.get(event_id, "applied"), expected.get(event_id, "applied")
            yield Finding(f"event {event_id} of {where}", f"stored {stored}, recomputed {recomputed}")
    if state is None:
        # An order that was authorized or denied here before its engine reported it has no events yet.
        if order_rows and QuarantineCode.ORDER_UNKNOWN in expected.values():
            yield Finding(where, "stored, though its events hold no OrderInitialized")
        return
    recomputed_row = order_row(OrderChange(key, state, len(left), None))
    yield from _differing_row(where, ORDER_COLUMNS, order_rows, recomputed_row)


def _differing_lives(
    key: tuple[str, str], position_rows: list[asyncpg.Record], lives: dict[tuple[str, str, int], Life]
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
            columns = "(realized_pnl, position_n, flip_qty)"
            yield Finding(where, f"{columns}: stored {_shown(fill.before)}, recomputed {_shown(fill.effect)}")


def _differing_row(
    where: str, columns: tuple[str, ...], stored: list[asyncpg.Record], expected: Row
) -> Iterable[Finding]:
    if not stored:
        yield Finding(where, "missing")
        return
    for column, value in zip(columns, expected, strict=True):
        found = stored[0][column]
        found = str(found) if isinstance(found, UUID) else found
        if found != value:
            yield Finding(where, f"{column}: stored {found}, recomputed {value}")


def _shown(values: Iterable[Any] | None) -> str:
    return "nothing" if values is None else "(" + ", ".join(str(value) for value in values) + ")"


async def _groups(
    rows: AsyncIterator[asyncpg.Record], name: str
) -> AsyncIterator[tuple[tuple[str, str], list[asyncpg.Record]]]:
    """Neighbouring rows with one (strategy_id, `name`) together."""
    key: tuple[str, str] | None = None
    group: list[asyncpg.Record] = []
    async for row in rows:
        its = (str(row["strategy_id"]), row[name])
        if its != key:
            if key is not None:
                yield key, group
            key, group = its, []
        group.append(row)
    if key is not None:
        yield key, group


async def _matched(
    one: AsyncIterator[tuple[tuple[str, str], list[asyncpg.Record]]],
    other: AsyncIterator[tuple[tuple[str, str], list[asyncpg.Record]]],
) -> AsyncIterator[tuple[tuple[str, str], list[asyncpg.Record], list[asyncpg.Record]]]:
    """Merge two streams of groups, both sorted by key, in constant memory."""
    left, right = await anext(one, None), await anext(other, None)
    while left is not None or right is not None:
        place_left = _sortable(left[0]) if left is not None else None
        place_right = _sortable(right[0]) if right is not None else None
        if left is not None and (place_right is None or (place_left is not None and place_left < place_right)):
            yield left[0], left[1], []
            left = await anext(one, None)
        elif right is not None and (place_left is None or (place_right is not None and place_right < place_left)):
            yield right[0], [], right[1]
            right = await anext(other, None)
        elif left is not None and right is not None:
            yield left[0], left[1], right[1]
            left, right = await anext(one, None), await anext(other, None)


def _sortable(key: tuple[str, str]) -> tuple[str, bytes]:
    """As PostgreSQL sorts: UUIDs by their digits, text under "C" by its bytes."""
    return key[0], key[1].encode()
