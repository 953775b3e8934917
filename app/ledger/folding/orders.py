"""The second step of recording: applies new events to the orders concerned.

An event that comes in order is applied to the stored order. Otherwise (late or waiting events, events before their
order) the order is folded again from all its events, so that the result does not depend on their arrival. If new
events only wait, other waiting events are not read: none of them becomes allowed while the order is unchanged.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder

from app.database import WriteConnection
from app.ledger.batch import Arrival, NewFill, OrderKey, Quarantine
from app.ledger.folding.order_loading import (
    UNSENT,
    FoldedOrder,
    StoredOrder,
    TradeKey,
    fold_order,
    load_applied,
    load_orders,
    load_spawned,
    load_trades,
    load_waiting,
    spawned_of,
    trade_of,
)
from app.ledger.storage.queries import ORDER_KEYS, BatchQuery, arrays_of
from app.rules.enums import QuarantineAction, QuarantineCode
from app.rules.events import (
    OrderFilled,
    OrderHistoryEvent,
    OrderInitialized,
    OrderTerms,
    QuarantineResolved,
)
from app.rules.order_fold import Numbered, Spawned, is_reconciled
from app.rules.order_lifecycle import apply, comes_in_order, is_overruling, open_order, refusal
from app.rules.order_state import OrderState, conclude

_KNOWN = f"""
SELECT k.ordinal FROM {ORDER_KEYS} k
WHERE EXISTS (
    SELECT FROM orders WHERE strategy_id = k.strategy_id AND client_order_id = k.client_order_id OFFSET 0
) OR EXISTS (
    SELECT FROM quarantined_events
    WHERE strategy_id = k.strategy_id AND client_order_id = k.client_order_id AND variant = 0 OFFSET 0
)
"""
_NOTHING = StoredOrder()


_ORDINALS = Decoder(list[dict[str, int]])
LAST = 2**63 - 1
"""A number after every event."""


class OrderChange(Struct):
    """An order after this batch. `before` is its state before the batch; None for a new order.

    `first_seq` is the number of the event in this batch that made the order known or overruled Purser's denial or
    release; else None. `last_seq` is the number of its last event. `amount` is the amount of the quote currency that
    the order was for before this batch, or when it was made; None for a quantity in units.
    """

    key: OrderKey
    state: OrderState
    waiting: int
    before: OrderState | None
    first_seq: int | None = None
    last_seq: int = LAST
    amount: Decimal | None = None


@dataclass(slots=True)
class OrderChanges:
    """The changes made by the order events of a batch."""

    orders: list[OrderChange] = field(default_factory=list)
    fills: list[NewFill] = field(default_factory=list)
    quarantined: list[Quarantine] = field(default_factory=list)
    """Events of this batch that are not applied."""
    requarantined: list[Quarantine] = field(default_factory=list)
    """Events recorded earlier that are no longer applied, or for another reason."""
    released: list[tuple[str, ...]] = field(default_factory=list)
    """Keys (strategy_id, event_id, variant) of events recorded earlier that are applied now."""


Touched = dict[OrderKey, list[Arrival]]


async def move_orders(
    work: WriteConnection, arrivals: Iterable[Arrival], anew: Iterable[OrderKey] = ()
) -> OrderChanges:
    """Apply new order events; fold the orders in `anew` from all their events. Writes nothing."""
    touched: Touched = {key: [] for key in anew}
    primaries: set[OrderKey] = set()
    whole = set(touched)
    for arrival in arrivals:
        event = arrival.event
        key = (arrival.strategy_id, event.client_order_id)  # type: ignore[union-attr]  # no position event
        touched.setdefault(key, []).append(arrival)
        if type(event) is OrderInitialized:
            if (primary := event.exec_spawn_id) is not None:
                primaries.add((arrival.strategy_id, primary))
        elif type(event) is QuarantineResolved:
            whole.add(key)
    stored = await load_orders(work, [*touched, *(primaries - touched.keys())])
    for key in whole - stored.keys():
        stored[key] = StoredOrder(waiting=1)  # all that waited for it was dismissed
    await load_trades(
        work, stored, [key for key in stored if any(type(new.event) is OrderFilled for new in touched.get(key, ()))]
    )
    changes = OrderChanges()
    to_fold: list[OrderKey] = []
    for key, news in touched.items():
        if key in primaries or key in whole or not _move_on_top(key, stored.get(key), news, changes):
            to_fold.append(key)
    if to_fold or primaries or any(change.state.exec_spawn_id for change in changes.orders):
        await _Refold(work, touched, stored, changes, whole).run(to_fold, primaries)
    return changes


def known_of(keys: Iterable[OrderKey]) -> BatchQuery[list[OrderKey]]:
    """The keys of orders that exist or have waiting events."""
    given = list(keys)
    return BatchQuery(_KNOWN, arrays_of(given), _ORDINALS, lambda rows: [given[row["ordinal"] - 1] for row in rows])


async def load_states(
    work: WriteConnection, keys: Iterable[OrderKey]
) -> tuple[dict[OrderKey, OrderState], set[OrderKey]]:
    """The orders that exist, and the keys of those with waiting events."""
    stored = await load_orders(work, keys)
    states = {key: order.state for key, order in stored.items() if order.state is not None}
    return states, {key for key, order in stored.items() if order.waiting}


def _move_on_top(key: OrderKey, stored: StoredOrder | None, news: list[Arrival], changes: OrderChanges) -> bool:
    """Apply events to the stored order. Returns False and changes nothing if the order must be folded."""
    fills: list[NewFill] = []
    before = stored.state if stored is not None else None
    first_seq: int | None = None
    if stored is None:
        first = news[0]
        if type(first.event) is not OrderInitialized or first.event.is_routed:
            return False
        moved, rest, trades = open_order(first.event), news[1:], set[TradeKey]()
        first_seq = first.seq
    elif before is None or stored.waiting:
        return False
    else:
        moved, rest, trades = copy(before), news, stored.trades
    amount = moved.quantity if moved.is_quote_quantity else None
    for arrival in rest:
        event: OrderHistoryEvent = arrival.event  # type: ignore[assignment]
        if not comes_in_order(moved, event) or refusal(moved, event) is not None:
            return False
        if type(event) is OrderFilled:
            trade = trade_of(event)
            if trade in trades:
                return False
            trades.add(trade)
            fills.append(NewFill(arrival.strategy_id, arrival.seq, event))
        elif type(event) is OrderInitialized and event.is_routed:
            return False
        decided = moved.authorization_status
        apply(moved, event)
        if moved.authorization_status is not decided and moved.is_overruled:
            first_seq = arrival.seq
    conclude(moved)
    changes.orders.append(OrderChange(key, moved, 0, before, first_seq, news[-1].seq, amount))
    changes.fills += fills
    return True


@dataclass(slots=True)
class _Refold:
    """Folds orders from all their events, and compares the result with the stored orders."""

    work: WriteConnection
    touched: Touched
    stored: dict[OrderKey, StoredOrder]
    changes: OrderChanges
    whole: set[OrderKey]
    """Orders of which every event is read: an admin resolved an event, or the rules changed."""
    folded: dict[OrderKey, FoldedOrder] = field(default_factory=dict)

    async def run(self, to_fold: Sequence[OrderKey], primaries: set[OrderKey]) -> None:
        """Fold orders, then the primaries of spawned ones. Two steps: a spawned order's share depends on no other."""
        await self._fold(to_fold)
        moved = {change.key: change.state for change in self.changes.orders}
        primaries = primaries | {key for key, folded in self.folded.items() if folded.may_spawn}
        # Orders changed in order have no spawned orders.
        primaries |= self._affected() - moved.keys()
        moved |= {key: folded.state for key, folded in self.folded.items() if folded.state is not None}
        await self._fold_primaries(primaries, moved)
        for key, folded in self.folded.items():
            self._note(key, folded)

    def _affected(self) -> set[OrderKey]:
        """The primaries whose spawned orders may take another quantity than before."""
        moved = [(change.key, change.state, change.before) for change in self.changes.orders]
        for key, folded in self.folded.items():
            if folded.state is not None:
                moved.append((key, folded.state, self.stored.get(key, _NOTHING).state))
        return {
            (key[0], state.exec_spawn_id)
            for key, state, before in moved
            if state.exec_spawn_id is not None and (before is None or state.status in UNSENT or before.status in UNSENT)
        }

    async def _fold_primaries(self, primaries: set[OrderKey], moved: Mapping[OrderKey, OrderState]) -> None:
        if not primaries:
            return
        missing = primaries - self.stored.keys() - self.touched.keys()
        self.stored |= await load_orders(self.work, missing)
        spawned = await load_spawned(self.work, primaries)
        for key, state in moved.items():
            if state.exec_spawn_id is not None and (primary := (key[0], state.exec_spawn_id)) in primaries:
                spawned.setdefault(primary, {})[key[1]] = spawned_of(state)
        there = self.stored.keys() | self.touched.keys()
        await self._fold(sorted(key for key in spawned if key in there), spawned)

    async def _fold(
        self, keys: Sequence[OrderKey], spawned: Mapping[OrderKey, Mapping[str, Spawned]] | None = None
    ) -> None:
        """Fold these orders from their applied and new events, and from all events if that changes them."""
        known = {key: self.stored[key] for key in keys if key in self.stored}
        await load_applied(self.work, {key: order for key, order in known.items() if not order.events})
        unread = {key: order for key, order in known.items() if not order.quarantine}
        whole = {key: order for key, order in unread.items() if key in self.whole}
        await load_waiting(self.work, whole, is_everything=True)
        self._fold_each(keys, spawned)
        moved = {
            key: order
            for key, order in unread.items()
            if key not in whole and order.waiting and (spawned or self._is_moved(key))
        }
        await load_waiting(self.work, moved)
        self._fold_each(moved, spawned)
        left = {key: {item.event_id for _, item in self.folded[key].left} for key in moved}
        cut = {key: order for key, order in moved.items() if order.is_cut and not order.quarantine.keys() <= left[key]}
        await load_waiting(self.work, cut, is_everything=True)
        self._fold_each(cut, spawned)

    def _fold_each(self, keys: Iterable[OrderKey], spawned: Mapping[OrderKey, Mapping[str, Spawned]] | None) -> None:
        for key in keys:
            order, news = self.stored.get(key, _NOTHING), self.touched.get(key, ())
            every = [*order.events, *((arrival.seq, arrival.event) for arrival in news)]
            children = (spawned or {}).get(key, {}).values()
            self.folded[key] = fold_order(key, every, children, is_known=order.state is not None)  # type: ignore[arg-type]

    def _is_moved(self, key: OrderKey) -> bool:
        """Whether the new events changed the order, so that waiting events may be allowed now."""
        folded, news = self.folded[key], self.touched.get(key, ())
        if self.stored[key].state is None:
            return folded.state is not None
        return {seq for seq, _ in folded.left} != {arrival.seq for arrival in news}

    def _note(self, key: OrderKey, folded: FoldedOrder) -> None:
        """Collect the differences from the stored order."""
        order, news = self.stored.get(key, _NOTHING), self.touched.get(key, ())
        fresh = {arrival.seq for arrival in news}
        for seq, item in folded.left:
            if seq in fresh:
                self.changes.quarantined.append(item)
            elif order.quarantine.get(item.event_id) != item:
                self.changes.requarantined.append(item)
        still_left = {item.event_id for _, item in folded.left}
        self.changes.released += [(key[0], each, "0") for each in order.quarantine if each not in still_left]
        self.changes.fills += [
            NewFill(key[0], seq, event, is_repeat=event.event_id in folded.repeated)
            for seq, event in folded.applied
            if isinstance(event, OrderFilled) and (seq in fresh or event.event_id in order.quarantine)
        ]
        if folded.state is None:
            return
        before = order.state
        read = sum(item.code is not QuarantineCode.DISMISSED for item in order.quarantine.values())
        unread = order.waiting - read if before else 0
        self.changes.orders.append(
            OrderChange(
                key=key,
                state=folded.state,
                waiting=folded.waiting + unread,
                before=before,
                first_seq=_first_seq(before, folded.state, news),
                last_seq=max(fresh, default=LAST),
                amount=_amount_of(before, folded.applied),
            )
        )


def _first_seq(before: OrderState | None, after: OrderState, news: Iterable[Arrival]) -> int | None:
    """The number of the event from which the order is valued; it does not depend on the batches of other events."""
    if before is None:
        return min((one.seq for one in news if _makes_known(one.event)), default=None)
    if before.is_closed_by_purser and after.is_overruled:
        return min((one.seq for one in news if is_overruling(one.event)), default=None)  # type: ignore[arg-type]
    return None


def _makes_known(event: Any) -> bool:
    if isinstance(event, QuarantineResolved):
        return event.action is QuarantineAction.ACCEPT
    return isinstance(event, OrderInitialized) or is_reconciled(event)


def _amount_of(before: OrderState | None, applied: Iterable[Numbered]) -> Decimal | None:
    if before is not None:
        return before.quantity if before.is_quote_quantity else None
    return next((made.quantity for _, made in applied if isinstance(made, OrderTerms) and made.is_quote_quantity), None)
