"""The second step of recording: move each touched order through its new events.

An event that comes in order is applied on top of the stored order. Anything else (late events, waiting ones, an
order not seen before its events) makes the order be folded again from all its events, so that what it ends as
does not depend on how they came.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from msgspec import Struct
from msgspec.json import Decoder

from app.database import WriteConnection
from app.engines.nautilus import decode_stored
from app.ledger.arrival import Arrival, NewFill, OrderKey, Quarantine, QuarantineCode
from app.ledger.asking import Query
from app.ledger.by_keys import array_source, join_by
from app.rules.enums import AuthorizationStatus, OrderSide, OrderStatus, OrderType, TimeInForce
from app.rules.events import OrderFilled, OrderHistoryEvent, OrderInitialized
from app.rules.order_lifecycle import OrderState, apply, comes_in_order, fold, open_order, refusal

_KEYS = array_source("strategy_id uuid", "client_order_id text")
_KNOWN = f"""
SELECT k.ordinal FROM {_KEYS} k
WHERE EXISTS (
    SELECT FROM orders WHERE strategy_id = k.strategy_id AND client_order_id = k.client_order_id OFFSET 0
) OR EXISTS (
    SELECT FROM quarantined_events
    WHERE strategy_id = k.strategy_id AND client_order_id = k.client_order_id AND variant = 0 OFFSET 0
)
"""
_LOAD_ORDERS = f"""
SELECT o.*, s.name AS strategy_name FROM {_KEYS} k
{join_by("orders", "o", "k", "strategy_id", "client_order_id")}
JOIN strategies s ON s.strategy_id = o.strategy_id
"""
_LOAD_QUARANTINE = f"""
SELECT q.* FROM {_KEYS} k
{join_by("quarantined_events", "q", "k", "strategy_id", "client_order_id", also="variant = 0")}
"""
_LOAD_EVENTS = f"""
SELECT e.strategy_id, e.client_order_id, e.event_id, e.seq, e.payload FROM {_KEYS} k
{join_by("order_events", "e", "k", "strategy_id", "client_order_id", also="variant = 0")}
ORDER BY e.seq
"""
_LOAD_TRADES = f"""
SELECT f.strategy_id, f.client_order_id, f.trade_id, f.instrument_id, f.account_id FROM {_KEYS} k
{join_by("fills", "f", "k", "strategy_id", "client_order_id")}
"""

TradeKey = tuple[str, str, str]


class _Place(Struct):
    ordinal: int


_PLACES = Decoder(list[_Place])


class OrderChange(Struct):
    """An order after this batch. `status_before` is None for an order that is new.

    `first_seq` is the arrival number of a new order's first event.
    """

    key: OrderKey
    state: OrderState
    waiting: int
    status_before: OrderStatus | None
    instrument_id_before: str | None = None
    first_seq: int | None = None


@dataclass(slots=True)
class OrderChanges:
    """Everything that moving the orders brought about."""

    orders: list[OrderChange] = field(default_factory=list)
    fills: list[NewFill] = field(default_factory=list)
    quarantined: list[Quarantine] = field(default_factory=list)
    """Events of this batch that are not applied."""
    requarantined: list[Quarantine] = field(default_factory=list)
    """Events recorded earlier that are not applied any more, or for another reason."""
    released: list[tuple[str, ...]] = field(default_factory=list)
    """Keys (strategy_id, event_id, variant) of events recorded earlier that are applied after all."""


@dataclass(slots=True)
class _Stored:
    """What the database knows of an order before this batch."""

    state: OrderState | None = None
    waiting: int = 0
    trades: set[TradeKey] = field(default_factory=set)
    quarantine: dict[str, Quarantine] = field(default_factory=dict)
    events: list[tuple[int, OrderHistoryEvent]] = field(default_factory=list)


async def move_orders(work: WriteConnection, arrivals: Iterable[Arrival]) -> OrderChanges:
    """Apply new order events. Reads the orders concerned; writes nothing."""
    touched: dict[OrderKey, list[Arrival]] = {}
    for arrival in arrivals:
        touched.setdefault((arrival.strategy_id, arrival.client_order_id), []).append(arrival)
    changes = OrderChanges()
    stored = await _load(work, touched)
    to_fold: list[OrderKey] = []
    for key, news in touched.items():
        if not _move_on_top(key, stored.get(key), news, changes):
            to_fold.append(key)
    known = [key for key in to_fold if key in stored]
    if known:
        await _load_events(work, known, stored)
    for key in to_fold:
        _fold_again(key, stored.get(key) or _Stored(), touched[key], changes)
    return changes


def known_of(keys: Iterable[OrderKey]) -> Query[list[OrderKey]]:
    """Those that are orders, or have events that wait to be applied."""
    asked = list(keys)
    return Query(_KNOWN, _key_arrays(asked), _PLACES, lambda rows: [asked[row.ordinal - 1] for row in rows])


async def load_states(
    work: WriteConnection, keys: Iterable[OrderKey]
) -> tuple[dict[OrderKey, OrderState], set[OrderKey]]:
    """The orders that are known, and those with events that wait to be applied."""
    stored = await _load(work, {key: [] for key in keys})
    states = {key: order.state for key, order in stored.items() if order.state is not None}
    return states, {key for key, order in stored.items() if order.quarantine}


def _move_on_top(key: OrderKey, stored: _Stored | None, news: list[Arrival], changes: OrderChanges) -> bool:
    """The fast way. Answers False, having changed nothing, where the order must be folded again."""
    fills: list[NewFill] = []
    status_before: OrderStatus | None = None
    if stored is None:
        first = news[0]
        if not isinstance(first.event, OrderInitialized):
            return False
        state, rest, trades = open_order(first.event), news[1:], set[TradeKey]()
    elif stored.state is None or stored.waiting:
        return False
    else:
        state, rest, trades = stored.state, news, stored.trades
        status_before = state.status
    moved = copy(state) if stored is not None else state
    for arrival in rest:
        event: OrderHistoryEvent = arrival.event  # type: ignore[assignment]
        if not comes_in_order(moved, event) or refusal(moved, event) is not None:
            return False
        if isinstance(event, OrderFilled):
            trade = _trade_of(event)
            if trade in trades:
                return False
            trades.add(trade)
            fills.append(NewFill(arrival.strategy_id, arrival.seq, event))
        apply(moved, event)
    first_seq = news[0].seq if status_before is None else None
    changes.orders.append(OrderChange(key, moved, 0, status_before, state.instrument_id, first_seq))
    changes.fills += fills
    return True


def _fold_again(key: OrderKey, stored: _Stored, news: list[Arrival], changes: OrderChanges) -> None:
    """The sure way: fold all events of the order and see what differs from what was."""
    fresh = {arrival.seq for arrival in news}
    every = [*stored.events, *((arrival.seq, arrival.event) for arrival in news)]
    state, applied, left = fold_order(key, every)  # type: ignore[arg-type]
    for seq, item in left:
        if seq in fresh:
            changes.quarantined.append(item)
        elif stored.quarantine.get(item.event_id) != item:
            changes.requarantined.append(item)
    still_left = {item.event_id for _, item in left}
    changes.released += [(key[0], event_id, "0") for event_id in stored.quarantine if event_id not in still_left]
    changes.fills += [
        NewFill(key[0], seq, event)
        for seq, event in applied
        if isinstance(event, OrderFilled) and (seq in fresh or event.event_id in stored.quarantine)
    ]
    if state is not None:
        before = stored.state
        status_before, instrument_before = (before.status, before.instrument_id) if before else (None, None)
        first_seq = every[0][0] if before is None else None
        changes.orders.append(OrderChange(key, state, len(left), status_before, instrument_before, first_seq))


def fold_order(
    key: OrderKey, events: Sequence[tuple[int, OrderHistoryEvent]]
) -> tuple[OrderState | None, list[tuple[int, OrderHistoryEvent]], list[tuple[int, Quarantine]]]:
    """Fold (seq, event) pairs of one order, sorted by seq: the order, the applied events, and what is left over."""
    unique, repeated = _split_repeated_trades(events)
    state, applied, refused = fold(unique)
    code = QuarantineCode.ORDER_UNKNOWN if state is None else QuarantineCode.ILLEGAL_TRANSITION
    left = [(seq, _quarantine(key, event, code, reason)) for seq, event, reason in refused]
    left += [(seq, _quarantine(key, event, QuarantineCode.REPEATED_TRADE, reason)) for seq, event, reason in repeated]
    return state, applied, left


def _split_repeated_trades(
    events: Sequence[tuple[int, OrderHistoryEvent]],
) -> tuple[list[tuple[int, OrderHistoryEvent]], list[tuple[int, OrderHistoryEvent, str]]]:
    """Keep the first fill of each trade; a second report of it under another event id is set aside."""
    first: dict[TradeKey, str] = {}
    unique: list[tuple[int, OrderHistoryEvent]] = []
    repeated: list[tuple[int, OrderHistoryEvent, str]] = []
    for seq, event in events:
        if isinstance(event, OrderFilled):
            recorded = first.setdefault(_trade_of(event), event.event_id)
            if recorded != event.event_id:
                repeated.append((seq, event, f"trade {event.trade_id} was recorded before, by event {recorded}"))
                continue
        unique.append((seq, event))
    return unique, repeated


def _trade_of(event: OrderFilled) -> TradeKey:
    return event.trade_id, event.instrument_id, event.account_id or ""


def _quarantine(key: OrderKey, event: OrderHistoryEvent, code: QuarantineCode, reason: str) -> Quarantine:
    return Quarantine(key[0], event.event_id, 0, key[1], event.ts_event, code, reason)


async def _load(work: WriteConnection, touched: dict[OrderKey, list[Arrival]]) -> dict[OrderKey, _Stored]:
    keys = _key_arrays(touched)
    stored: dict[OrderKey, _Stored] = {}
    if not touched:
        return stored
    for row in await work.fetch(_LOAD_ORDERS, *keys):
        stored[str(row["strategy_id"]), row["client_order_id"]] = _Stored(_state_of(row), row["waiting"])
    for row in await work.fetch(_LOAD_QUARANTINE, *keys):
        item = _quarantine_of(row)
        order = stored.setdefault((str(row["strategy_id"]), row["client_order_id"]), _Stored())
        order.quarantine[item.event_id] = item
    filled = [key for key in stored if any(isinstance(arrival.event, OrderFilled) for arrival in touched[key])]
    if filled:
        for row in await work.fetch(_LOAD_TRADES, *_key_arrays(filled)):
            order = stored[str(row["strategy_id"]), row["client_order_id"]]
            order.trades.add((row["trade_id"], row["instrument_id"], row["account_id"]))
    return stored


def _quarantine_of(row: asyncpg.Record) -> Quarantine:
    ids = {"strategy_id": str(row["strategy_id"]), "event_id": str(row["event_id"])}
    return Quarantine(**{**row, **ids, "code": QuarantineCode(row["code"])})


async def _load_events(work: WriteConnection, keys: list[OrderKey], stored: dict[OrderKey, _Stored]) -> None:
    for row in await work.fetch(_LOAD_EVENTS, *_key_arrays(keys)):
        event: Any = decode_stored(row["payload"])
        stored[str(row["strategy_id"]), row["client_order_id"]].events.append((row["seq"], event))


def _key_arrays(keys: Iterable[OrderKey]) -> tuple[list[str], list[str]]:
    keys = list(keys)
    return [strategy_id for strategy_id, _ in keys], [client_order_id for _, client_order_id in keys]


def _state_of(row: asyncpg.Record) -> OrderState:
    before_pending, authorized = row["status_before_pending"], row["authorization_status"]
    return OrderState(
        trader_id=row["trader_id"],
        strategy_name=row["strategy_name"],
        instrument_id=row["instrument_id"],
        client_order_id=row["client_order_id"],
        side=OrderSide(row["side"]),
        order_type=OrderType(row["order_type"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        quantity=row["quantity"],
        price=row["price"],
        trigger_price=row["trigger_price"],
        reduce_only=row["reduce_only"],
        post_only=row["post_only"],
        tags=row["tags"],
        ts_init=row["ts_init"],
        ts_last=row["ts_last"],
        status=OrderStatus(row["status"]),
        status_before_pending=OrderStatus(before_pending) if before_pending else None,
        account_id=row["account_id"],
        venue_order_id=row["venue_order_id"],
        position_id=row["position_id"],
        filled_qty=row["filled_qty"],
        filled_notional=row["filled_notional"],
        deny_reason=row["deny_reason"],
        last_ts_init=row["last_ts_init"],
        last_rank=row["last_rank"],
        authorization_status=AuthorizationStatus(authorized) if authorized else None,
        signal_id=str(row["signal_id"]) if row["signal_id"] else None,
    )
