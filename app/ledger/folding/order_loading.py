"""Reading orders and their events before a batch changes them. Strategies must be locked.

Raw SQL: look-ups by arrays of keys (`storage.queries`), and windows over the events that wait.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from app.database import ReadConnection, WriteConnection
from app.event_codec import decode_stored
from app.ledger.batch import OrderKey, Quarantine
from app.ledger.folding.order_folding import Stored, TradeKey
from app.ledger.storage.queries import array_source, join_by
from app.ledger.storage.rows import ORDER_STATE, QUARANTINE
from app.rules.enums import OrderStatus, QuarantineCode
from app.rules.order_fold import Spawned
from app.rules.order_state import OrderState

_HEADS = 100
"""So many waiting events of a type are looked at, the earliest: whether one is allowed depends on its type alone."""

_KEYS = array_source("strategy_id uuid", "client_order_id text")
_LOAD_ORDERS = f"""
SELECT o.*, s.name AS strategy_name FROM {_KEYS} k
{join_by("orders", "o", "k", "strategy_id", "client_order_id")}
JOIN strategies s ON s.strategy_id = o.strategy_id
"""
_LOAD_WAITED_FOR = f"""
SELECT k.strategy_id, k.client_order_id FROM {_KEYS} k WHERE EXISTS (
    SELECT FROM quarantined_events q
    WHERE q.strategy_id = k.strategy_id AND q.client_order_id = k.client_order_id AND q.variant = 0
    AND q.code <> '{QuarantineCode.DISMISSED.value}' OFFSET 0
)
"""
_APPLIED = """NOT EXISTS (
    SELECT FROM quarantined_events q
    WHERE q.strategy_id = order_events.strategy_id AND q.event_id = order_events.event_id AND q.variant = 0 OFFSET 0
)"""
_LOAD_APPLIED = f"""
SELECT e.strategy_id, e.client_order_id, e.seq, e.payload FROM {_KEYS} k
{join_by("order_events", "e", "k", "strategy_id", "client_order_id", also=f"variant = 0 AND {_APPLIED}")}
ORDER BY e.seq
"""
_LOAD_WAITING = f"""
SELECT w.* FROM {_KEYS} k JOIN LATERAL (
    SELECT q.*, e.seq, e.payload, row_number() OVER (PARTITION BY e.type ORDER BY e.ts_init, e.seq) AS place
    FROM quarantined_events q
    {join_by("order_events", "e", "q", "strategy_id", "event_id", "variant")}
    WHERE q.strategy_id = k.strategy_id AND q.client_order_id = k.client_order_id AND q.variant = 0
    AND q.code = ANY($3::text[]) OFFSET 0
) w ON w.place <= $4
ORDER BY w.seq
"""
_LOAD_TRADES = f"""
SELECT f.strategy_id, f.client_order_id, f.trade_id, f.instrument_id, f.account_id FROM {_KEYS} k
{join_by("fills", "f", "k", "strategy_id", "client_order_id")}
"""
_LOAD_SPAWNED = f"""
SELECT o.strategy_id, o.exec_spawn_id, o.client_order_id, o.ts_init, o.spawned_qty, o.status, o.venue_order_id,
       o.filled_qty, o.last_ts_init FROM {_KEYS} k
JOIN LATERAL (
    SELECT * FROM orders WHERE strategy_id = k.strategy_id AND exec_spawn_id = k.client_order_id OFFSET 0
) o ON true
"""
_EVERYTHING = [code.value for code in QuarantineCode]
_MAY_BE_APPLIED = [QuarantineCode.ILLEGAL_TRANSITION.value, QuarantineCode.ORDER_UNKNOWN.value]


@dataclass(slots=True)
class StoredOrder:
    """What the database knows of an order before this batch. Events are read only for orders that are folded."""

    state: OrderState | None = None
    waiting: int = 0
    """How many events wait to be applied; of an order that is not there, 1 stands for any number."""
    trades: set[TradeKey] = field(default_factory=set)
    events: list[Stored] = field(default_factory=list)
    """Those that are applied, and those of `quarantine`."""
    quarantine: dict[str, Quarantine] = field(default_factory=dict)
    """Those of the waiting events that were read."""
    is_cut: bool = False
    """Whether more of them wait than were read."""


async def load_orders(work: WriteConnection, keys: Iterable[OrderKey]) -> dict[OrderKey, StoredOrder]:
    """The orders that are known, and those that events wait for."""
    stored: dict[OrderKey, StoredOrder] = {}
    columns = key_arrays(keys)
    if not columns[0]:
        return stored
    for row in await work.fetch(_LOAD_ORDERS, *columns):
        stored[_key_of(row)] = StoredOrder(ORDER_STATE.read(row), row["waiting"])
    missing = [key for key in zip(*columns, strict=True) if key not in stored]
    if missing:
        for row in await work.fetch(_LOAD_WAITED_FOR, *key_arrays(missing)):
            stored[_key_of(row)] = StoredOrder(waiting=1)
    return stored


async def load_trades(work: WriteConnection, stored: Mapping[OrderKey, StoredOrder], keys: Sequence[OrderKey]) -> None:
    """Read the trades of these orders' fills."""
    if keys:
        for row in await work.fetch(_LOAD_TRADES, *key_arrays(keys)):
            stored[_key_of(row)].trades.add((row["trade_id"], row["instrument_id"], row["account_id"]))


async def load_applied(work: WriteConnection, stored: Mapping[OrderKey, StoredOrder]) -> None:
    """Read the applied events of these orders."""
    if stored:
        for row in await work.fetch(_LOAD_APPLIED, *key_arrays(stored)):
            event: Any = decode_stored(row["payload"])
            stored[_key_of(row)].events.append((row["seq"], event))


async def load_waiting(
    work: WriteConnection, stored: Mapping[OrderKey, StoredOrder], *, is_everything: bool = False
) -> None:
    """The events of these orders that may be applied yet, or that an admin may have accepted (`is_everything`).

    Of an order that is there the first hundred of each type; `is_cut` tells. Those read before are read once more.
    """
    known = {key: order for key, order in stored.items() if order.state is not None and not is_everything}
    await _load_waiting(work, known, _MAY_BE_APPLIED, _HEADS)
    await _load_waiting(work, {key: stored[key] for key in stored.keys() - known.keys()}, _EVERYTHING, None)


async def _load_waiting(
    work: WriteConnection, stored: Mapping[OrderKey, StoredOrder], codes: list[str], heads: int | None
) -> None:
    if not stored:
        return
    for order in stored.values():
        order.events = [pair for pair in order.events if pair[1].event_id not in order.quarantine]
        order.quarantine, order.is_cut = {}, False
    limit = 2**62 if heads is None else heads
    for row in await work.fetch(_LOAD_WAITING, *key_arrays(stored), codes, limit):
        order, item = stored[_key_of(row)], QUARANTINE.read(row)
        event: Any = decode_stored(row["payload"])
        order.events.append((row["seq"], event))
        order.quarantine[item.event_id] = item
        order.is_cut = order.is_cut or row["place"] == heads
    for order in stored.values():
        order.events.sort(key=lambda pair: pair[0])


async def load_spawned(connection: ReadConnection, keys: Iterable[OrderKey]) -> dict[OrderKey, dict[str, Spawned]]:
    """The orders that were spawned from these, by their ids."""
    spawned: dict[OrderKey, dict[str, Spawned]] = {}
    for row in await connection.fetch(_LOAD_SPAWNED, *key_arrays(keys)):
        primary = (str(row["strategy_id"]), row["exec_spawn_id"])
        spawned.setdefault(primary, {})[row["client_order_id"]] = _spawned(row)
    return spawned


def _spawned(row: asyncpg.Record) -> Spawned:
    status = OrderStatus(row["status"])
    is_returned = _is_returned(status, row["venue_order_id"], row["filled_qty"])
    return Spawned(row["ts_init"], row["spawned_qty"], row["last_ts_init"] if is_returned else None)


def spawned_of(state: OrderState) -> Spawned:
    """A spawned order, by its state."""
    assert state.spawned_qty is not None
    is_returned = _is_returned(state.status, state.venue_order_id, state.filled_qty)
    return Spawned(state.ts_init, state.spawned_qty, state.last_ts_init if is_returned else None)


def _is_returned(status: OrderStatus, venue_order_id: str | None, filled_qty: Any) -> bool:
    """Denied, or rejected before it was accepted: since 1.222 or later the primary order gets its quantity back."""
    return status in (OrderStatus.DENIED, OrderStatus.REJECTED) and venue_order_id is None and not filled_qty


def key_arrays(keys: Iterable[OrderKey]) -> tuple[list[str], list[str]]:
    """Keys as two columns."""
    keys = list(keys)
    return [strategy_id for strategy_id, _ in keys], [client_order_id for _, client_order_id in keys]


def _key_of(row: asyncpg.Record) -> OrderKey:
    return str(row["strategy_id"]), row["client_order_id"]
