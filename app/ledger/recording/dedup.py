"""The first step of recording: locks the strategies, drops duplicates, numbers new events."""

import json
import time
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.database import WriteConnection
from app.ledger.batch import Admitted, Arrival, Incoming, SignalArrival
from app.ledger.storage.locks import LockedStrategy, lock_strategies
from app.ledger.storage.queries import array_source, arrays_of, is_any_of, join_by, sql
from app.ledger.storage.row_mapping import table_of
from app.models.administration import Strategy
from app.rules.events import SignalPublished
from app.rules.identity import NO_STRATEGY, signal_id_of, strategy_id_of

_IDS = ("strategy_id uuid", "event_id uuid")
_KNOWN = f"""
SELECT i.ordinal, e.variant FROM {array_source(*_IDS)} i
{join_by("order_events", "e", "i", "strategy_id", "event_id")}
"""
_INSTANTS = ("ts_event", "ts_init", "ts_opened", "ts_closed")
"""Depending on its settings an engine writes these as numbers, digits or ISO text; the event is the same."""
_REST = f"- '{{{','.join(_INSTANTS)}}}'::text[]"
_COMPARE = f"""
SELECT i.ordinal, max(e.variant) AS variant, bool_or(
    e.payload = i.payload
    OR (e.ts_event = i.ts_event AND e.ts_init = i.ts_init AND e.payload {_REST} = i.payload {_REST})
) AS is_same
FROM {array_source(*_IDS, "payload jsonb", "ts_event bigint", "ts_init bigint")} i
{join_by("order_events", "e", "i", "strategy_id", "event_id")}
GROUP BY i.ordinal
"""
# No conflict target: two writers of a new strategy may collide on its id or on its names.
_ADD_STRATEGIES = f"""
INSERT INTO strategies (strategy_id, name, trader_id, created_at)
SELECT strategy_id, name, trader_id, $4 FROM {array_source("strategy_id uuid", "name text", "trader_id text")} s
ORDER BY strategy_id ON CONFLICT DO NOTHING RETURNING strategy_id
"""
_STRATEGY_ID = table_of(Strategy).c.strategy_id
_KNOWN_STRATEGIES = sql(select(_STRATEGY_ID).where(is_any_of(_STRATEGY_ID, 1)))


async def admit(work: WriteConnection, incoming: Sequence[Incoming]) -> Admitted:
    """Lock the strategies concerned until the transaction ends, and separate new events from known ones."""
    names: dict[tuple[str, str], str] = {}
    fresh: dict[tuple[str, str], Arrival] = {}
    doubtful: list[Arrival] = []
    signals: list[SignalArrival] = []
    duplicates = 0
    for item in incoming:
        event = item.event
        if type(event) is SignalPublished:
            signals.append(SignalArrival(item.place, _signal_strategy(event, names), event))
            continue
        name = (event.trader_id, event.strategy_id)
        strategy_id = names.get(name)
        if strategy_id is None:
            strategy_id = names[name] = str(strategy_id_of(*name))
        key = (strategy_id, event.event_id)
        arrival = Arrival(strategy_id, 0, event, item.payload)
        first = fresh.setdefault(key, arrival)
        if first is arrival:
            continue
        if first.payload == arrival.payload or _content_of(first) == _content_of(arrival):
            duplicates += 1
        else:
            doubtful.append(arrival)
    strategies, new_strategies = await _lock_strategies(work, names)
    arrivals, known, changed = await _sort_out(work, list(fresh.values()))
    conflicts, repeated = await _number_variants(work, fresh, changed, doubtful)
    for arrival in (*arrivals, *conflicts):
        strategy = strategies[arrival.strategy_id]
        arrival.seq = strategy.event_seq = strategy.event_seq + 1
    return Admitted(strategies, arrivals, conflicts, signals, new_strategies, duplicates + known + repeated)


def _signal_strategy(signal: SignalPublished, names: dict[tuple[str, str], str]) -> str:
    if not signal.event_id:
        owner = f"{signal.trader_id or ''}\n{signal.strategy_id or ''}"
        content = (signal.instrument_id, signal.name, signal.ts_event, signal.ts_init, signal.value)
        signal.event_id = str(signal_id_of(owner, *content))
    if signal.trader_id is None or signal.strategy_id is None:
        return str(NO_STRATEGY)
    name = (signal.trader_id, signal.strategy_id)
    return names.setdefault(name, str(strategy_id_of(*name)))


def _content_of(arrival: Arrival) -> Hashable:
    """The event's content by value, as PostgreSQL compares `jsonb`; instants as nanoseconds."""
    try:
        content = json.loads(arrival.payload, parse_float=Decimal)
        rest = _frozen({name: content[name] for name in content if name not in _INSTANTS})
    except (ValueError, RecursionError):
        return arrival.payload  # a number of thousands of digits, or hopeless nesting: no engine writes such twice
    return rest, arrival.event.ts_event, arrival.event.ts_init


def _frozen(value: Any) -> Hashable:
    if isinstance(value, dict):
        return frozenset((name, _frozen(one)) for name, one in value.items())
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return (bool, value) if isinstance(value, bool) else value


async def _lock_strategies(
    work: WriteConnection, names: dict[tuple[str, str], str]
) -> tuple[dict[str, LockedStrategy], list[str]]:
    """Add new strategies, then lock all: nothing waits while it holds a lock. Returns all, and the ids of new ones."""
    if not names:
        return {}, []
    known = {str(row["strategy_id"]) for row in await work.fetch(_KNOWN_STRATEGIES, list(names.values()))}
    missing = {name: strategy_id for name, strategy_id in names.items() if strategy_id not in known}
    added: list[str] = []
    if missing:
        names_by_id = arrays_of((strategy_id, name, trader) for (trader, name), strategy_id in missing.items())
        rows = await work.fetch(_ADD_STRATEGIES, *names_by_id, time.time_ns())
        added = [str(row["strategy_id"]) for row in rows]
    return await lock_strategies(work, names.values()), added


async def _sort_out(
    work: WriteConnection, candidates: list[Arrival]
) -> tuple[list[Arrival], int, list[tuple[Arrival, int]]]:
    """(new events, number of known events, events with other content under a known id and their highest variant)."""
    if not candidates:
        return [], 0, []
    ids = arrays_of((one.strategy_id, one.event.event_id) for one in candidates)
    known = {row["ordinal"] - 1 for row in await work.fetch(_KNOWN, *ids)}
    if not known:
        return candidates, 0, []
    suspects = [candidates[place] for place in sorted(known)]
    rows = await work.fetch(_COMPARE, *_content_arrays(suspects))
    changed = [(suspects[row["ordinal"] - 1], row["variant"]) for row in rows if not row["is_same"]]
    fresh = [candidate for place, candidate in enumerate(candidates) if place not in known]
    return fresh, len(suspects) - len(changed), changed


async def _number_variants(
    work: WriteConnection,
    fresh: dict[tuple[str, str], Arrival],
    changed: list[tuple[Arrival, int]],
    doubtful: list[Arrival],
) -> tuple[list[Arrival], int]:
    """Number the variants of events with other content. Returns them, and how many of `doubtful` were known."""
    conflicts: list[Arrival] = []
    repeated = 0
    seen: dict[tuple[str, str], set[Hashable]] = {}
    highest: dict[tuple[str, str], int] = {}
    for arrival, variant in changed:
        key = (arrival.strategy_id, arrival.event.event_id)
        arrival.variant = highest[key] = variant + 1
        seen[key] = {_content_of(arrival)}
        conflicts.append(arrival)
    if doubtful:
        stored = await work.fetch(_COMPARE, *_content_arrays(doubtful))
        by_place = {row["ordinal"] - 1: row for row in stored}
    for place, arrival in enumerate(doubtful):
        key = (arrival.strategy_id, arrival.event.event_id)
        row = by_place.get(place)
        contents, content = seen.setdefault(key, set()), _content_of(arrival)
        if (row is not None and row["is_same"]) or content in contents:
            repeated += 1
            continue
        arrival.variant = max(highest.get(key, 0), row["variant"] if row is not None else 0) + 1
        highest[key] = arrival.variant
        contents.add(content)
        conflicts.append(arrival)
    return conflicts, repeated


def _content_arrays(arrivals: Iterable[Arrival]) -> list[list[str]]:
    events = ((one.strategy_id, one.event, one.payload) for one in arrivals)
    return arrays_of(
        (strategy_id, event.event_id, payload, str(event.ts_event), str(event.ts_init))
        for strategy_id, event, payload in events
    )
