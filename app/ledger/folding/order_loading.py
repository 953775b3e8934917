"""Loads the orders and events that a batch concerns, and folds them. Strategies must be locked.

Raw SQL: lookups by arrays of keys (`storage.queries`), and windows over waiting events.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg

from app.database import ReadConnection, WriteConnection
from app.event_codec import decode_stored
from app.ledger.batch import OrderKey, Quarantine
from app.ledger.storage.queries import ORDER_KEYS, arrays_of, join_by, look_up
from app.ledger.storage.rows import ORDER_STATE, QUARANTINE
from app.rules.enums import OrderStatus, QuarantineAction, QuarantineCode
from app.rules.events import OrderFilled, OrderHistoryEvent, QuarantineResolved
from app.rules.order_fold import Numbered, Spawned, fold, is_reconciled
from app.rules.order_state import RANK_CONCLUDED, OrderState

TradeKey: TypeAlias = tuple[str, str, str]
"""(trade_id, instrument_id, account_id), unique within one order."""
Stored: TypeAlias = tuple[int, OrderHistoryEvent | QuarantineResolved]
"""An event of the order's history with its number."""


@dataclass(slots=True, frozen=True)
class FoldedOrder:
    """An order folded from its events. `state` is None if they make no order."""

    state: OrderState | None
    applied: list[Numbered]
    left: list[tuple[int, Quarantine]]
    repeated: frozenset[str] = frozenset()
    """Ids of accepted fills that repeat the trade of another applied fill."""
    may_spawn: bool = False
    """Whether orders spawned from this one change its quantity."""

    @property
    def waiting(self) -> int:
        """The number of refused events that may be applied later."""
        return sum(item.code is not QuarantineCode.DISMISSED for _, item in self.left)


def fold_order(
    key: OrderKey, events: Sequence[Stored], spawned: Iterable[Spawned] = (), *, is_known: bool = False
) -> FoldedOrder:
    """Fold (seq, event) pairs of one order, sorted by seq. `is_known`: the order exists by other events."""
    resolutions = [(seq, event) for seq, event in events if isinstance(event, QuarantineResolved) and not event.variant]
    history: list[Numbered] = [(seq, event) for seq, event in events if not isinstance(event, QuarantineResolved)]
    if not resolutions:
        return _fold(key, history, spawned, frozenset(), is_known=is_known)
    accepted = {each.resolves: seq for seq, each in resolutions if _accepts(each)}
    dismissals = {each.resolves: each for _, each in resolutions if not _accepts(each)}
    dismissed = dismissals.keys() - accepted.keys()
    kept = [(seq, event) for seq, event in history if event.event_id not in dismissed]
    # An event dismissed, then accepted counts from its acceptance: another report of its trade may be first.
    late = {event_id: accepted[event_id] for event_id in dismissals.keys() & accepted.keys()}
    kept.sort(key=lambda pair: late.get(pair[1].event_id, pair[0]))
    # A dismissed event still makes the order known.
    is_known = is_known or any(is_reconciled(event) for _, event in history if event.event_id in dismissed)
    folded = _fold(key, kept, spawned, frozenset(accepted), is_known=is_known)
    for seq, event in history:
        if event.event_id in dismissed:
            reason = dismissal_reason(dismissals[event.event_id])
            folded.left.append((seq, quarantine_of(key, event, QuarantineCode.DISMISSED, reason)))
    return folded


def dismissal_reason(resolution: QuarantineResolved) -> str:
    """The reason stored with a dismissed event."""
    return f"{resolution.actor}: {resolution.reason}"


def trade_of(event: OrderFilled) -> TradeKey:
    """The identity of a fill's trade within its order."""
    return event.trade_id, event.instrument_id, event.account_id or ""


def _accepts(resolution: QuarantineResolved) -> bool:
    return resolution.action is QuarantineAction.ACCEPT


def _fold(
    key: OrderKey, history: list[Numbered], spawned: Iterable[Spawned], accepted: frozenset[str], *, is_known: bool
) -> FoldedOrder:
    unique, repeated, again_accepted = _split_repeated_trades(history, accepted)
    folded = fold(unique, spawned, forced=accepted, is_known=is_known)
    state = folded.state
    if state is None:
        # The order decides later which of two reports of a trade counts.
        reason = "no OrderInitialized for this order yet"
        unknown = [(seq, quarantine_of(key, event, QuarantineCode.ORDER_UNKNOWN, reason)) for seq, event in history]
        return FoldedOrder(None, [], unknown)
    if accepted:
        state.last_rank = RANK_CONCLUDED
    illegal, again = QuarantineCode.ILLEGAL_TRANSITION, QuarantineCode.REPEATED_TRADE
    left = [(seq, quarantine_of(key, event, illegal, reason)) for seq, event, reason in folded.refused]
    left += [(seq, quarantine_of(key, event, again, reason)) for seq, event, reason in repeated]
    return FoldedOrder(state, folded.applied, left, again_accepted, folded.may_spawn)


def _split_repeated_trades(
    events: Iterable[Numbered], accepted: frozenset[str]
) -> tuple[list[Numbered], list[tuple[int, OrderHistoryEvent, str]], frozenset[str]]:
    """Split off reports of a trade after its first fill, unless accepted. The last result: accepted ones."""
    first: dict[TradeKey, OrderFilled] = {}
    counted: set[str] = set()
    unique: list[Numbered] = []
    repeated: list[tuple[int, OrderHistoryEvent, str]] = []
    for seq, event in events:
        if isinstance(event, OrderFilled):
            recorded = first.setdefault(trade_of(event), event)
            if recorded.event_id != event.event_id:
                if event.event_id not in accepted:
                    repeated.append((seq, event, _repeated_reason(recorded, event)))
                    continue
                counted.add(event.event_id)
        unique.append((seq, event))
    return unique, repeated, frozenset(counted)


def _repeated_reason(recorded: OrderFilled, event: OrderFilled) -> str:
    reason = f"trade {event.trade_id} was recorded before, by event {recorded.event_id}"
    names = ("order_side", "last_qty", "last_px")
    others = [name for name in names if getattr(recorded, name) != getattr(event, name)]
    return f"{reason}, with another {' and '.join(others)}" if others else reason


def quarantine_of(key: OrderKey, event: Any, code: QuarantineCode, reason: str, variant: int = 0) -> Quarantine:
    """An event of the order in quarantine."""
    return Quarantine(key[0], event.event_id, variant, key[1], event.ts_event, code, reason)


UNSENT = frozenset({OrderStatus.DENIED, OrderStatus.REJECTED})
"""The statuses of an order that ended without reaching the market."""
_HEADS = 100
"""The number of waiting events per type to read, earliest first. One is enough: they are allowed or refused by type."""

_LOAD_ORDERS = f"""
{look_up("orders", ORDER_KEYS, "t.*, s.name AS strategy_name")} JOIN strategies s ON s.strategy_id = t.strategy_id
"""
_LOAD_WAITED_FOR = f"""
SELECT k.strategy_id, k.client_order_id FROM {ORDER_KEYS} k WHERE EXISTS (
    SELECT FROM quarantined_events q
    WHERE q.strategy_id = k.strategy_id AND q.client_order_id = k.client_order_id AND q.variant = 0
    AND q.code <> '{QuarantineCode.DISMISSED.value}' OFFSET 0
)
"""
_APPLIED = """NOT EXISTS (
    SELECT FROM quarantined_events q
    WHERE q.strategy_id = order_events.strategy_id AND q.event_id = order_events.event_id AND q.variant = 0 OFFSET 0
)"""
_EVENT = "t.strategy_id, t.client_order_id, t.seq, t.payload"
_LOAD_APPLIED = f"""
{look_up("order_events", ORDER_KEYS, _EVENT, also=f"variant = 0 AND {_APPLIED}")} ORDER BY t.seq
"""
_LOAD_WAITING = f"""
SELECT w.* FROM {ORDER_KEYS} k JOIN LATERAL (
    SELECT q.*, e.seq, e.payload, row_number() OVER (PARTITION BY e.type ORDER BY e.ts_init, e.seq) AS place
    FROM quarantined_events q
    {join_by("order_events", "e", "q", "strategy_id", "event_id", "variant")}
    WHERE q.strategy_id = k.strategy_id AND q.client_order_id = k.client_order_id AND q.variant = 0
    AND q.code = ANY($3::text[]) OFFSET 0
) w ON w.place <= $4
ORDER BY w.seq
"""
_TRADE = "t.strategy_id, t.client_order_id, t.trade_id, t.instrument_id, t.account_id"
_LOAD_TRADES = look_up("fills", ORDER_KEYS, _TRADE)
_LOAD_SPAWNED = f"""
SELECT o.*, '' AS strategy_name FROM {ORDER_KEYS} k
JOIN LATERAL (
    SELECT * FROM orders WHERE strategy_id = k.strategy_id AND exec_spawn_id = k.client_order_id OFFSET 0
) o ON true
"""
_EVERYTHING = [code.value for code in QuarantineCode]
_MAY_BE_APPLIED = [QuarantineCode.ILLEGAL_TRANSITION.value, QuarantineCode.ORDER_UNKNOWN.value]


@dataclass(slots=True)
class StoredOrder:
    """The stored order before this batch. Events are read only for orders that are folded."""

    state: OrderState | None = None
    waiting: int = 0
    """The number of waiting events; 1 stands for any number if the order does not exist."""
    trades: set[TradeKey] = field(default_factory=set)
    events: list[Stored] = field(default_factory=list)
    """The applied events, and those in `quarantine`."""
    quarantine: dict[str, Quarantine] = field(default_factory=dict)
    """The waiting events that were read, by id."""
    is_cut: bool = False
    """Whether more events wait than were read."""


async def load_orders(work: WriteConnection, keys: Iterable[OrderKey]) -> dict[OrderKey, StoredOrder]:
    """The orders that exist, and those that events wait for."""
    stored: dict[OrderKey, StoredOrder] = {}
    columns = arrays_of(keys)
    if not columns[0]:
        return stored
    for row in await work.fetch(_LOAD_ORDERS, *columns):
        stored[_key_of(row)] = StoredOrder(ORDER_STATE.read(row), row["waiting"])
    missing = [key for key in zip(*columns, strict=True) if key not in stored]
    if missing:
        for row in await work.fetch(_LOAD_WAITED_FOR, *arrays_of(missing)):
            stored[_key_of(row)] = StoredOrder(waiting=1)
    return stored


async def load_trades(work: WriteConnection, stored: Mapping[OrderKey, StoredOrder], keys: Sequence[OrderKey]) -> None:
    """Read the trades of these orders."""
    if keys:
        for row in await work.fetch(_LOAD_TRADES, *arrays_of(keys)):
            stored[_key_of(row)].trades.add((row["trade_id"], row["instrument_id"], row["account_id"]))


async def load_applied(work: WriteConnection, stored: Mapping[OrderKey, StoredOrder]) -> None:
    """Read the applied events of these orders."""
    if stored:
        for row in await work.fetch(_LOAD_APPLIED, *arrays_of(stored)):
            event: Any = decode_stored(row["payload"])
            stored[_key_of(row)].events.append((row["seq"], event))


async def load_waiting(
    work: WriteConnection, stored: Mapping[OrderKey, StoredOrder], *, is_everything: bool = False
) -> None:
    """Read the events of these orders that may still be applied, or with `is_everything` all quarantined ones.

    For an existing order the first hundred of each type are read (`is_cut`). Events read before are read again.
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
    for row in await work.fetch(_LOAD_WAITING, *arrays_of(stored), codes, limit):
        order, item = stored[_key_of(row)], QUARANTINE.read(row)
        event: Any = decode_stored(row["payload"])
        order.events.append((row["seq"], event))
        order.quarantine[item.event_id] = item
        order.is_cut = order.is_cut or row["place"] == heads
    for order in stored.values():
        order.events.sort(key=lambda pair: pair[0])


async def load_spawned(connection: ReadConnection, keys: Iterable[OrderKey]) -> dict[OrderKey, dict[str, Spawned]]:
    """The orders spawned from these orders, by id."""
    spawned: dict[OrderKey, dict[str, Spawned]] = {}
    for row in await connection.fetch(_LOAD_SPAWNED, *arrays_of(keys)):
        state = ORDER_STATE.read(row)
        spawned.setdefault((str(row["strategy_id"]), row["exec_spawn_id"]), {})[state.client_order_id] = spawned_of(
            state
        )
    return spawned


def spawned_of(state: OrderState) -> Spawned:
    """A spawned order, from its state.

    If the order was denied, or rejected before it was accepted, NautilusTrader since 1.222 or later gives the primary
    order its quantity back.
    """
    assert state.spawned_qty is not None
    is_unsent = state.status in UNSENT and state.venue_order_id is None and not state.filled_qty
    return Spawned(state.ts_init, state.spawned_qty, state.last_ts_init if is_unsent else None)


def _key_of(row: asyncpg.Record) -> OrderKey:
    return str(row["strategy_id"]), row["client_order_id"]
