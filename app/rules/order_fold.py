"""An order is the fold of its events.

Events arrive late, twice and out of order, and the resulting order must not depend on that. Therefore an order is the
fold of its *set* of events in one canonical order (`fold_place`), not in the order of arrival.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import TypeAlias

from msgspec import Struct

from app.rules.enums import QuantitySource
from app.rules.events import (
    AuthorizationDecision,
    AuthorizationReleased,
    OrderAccepted,
    OrderEmulated,
    OrderFilled,
    OrderHistoryEvent,
    OrderInitialized,
    OrderPendingCancel,
    OrderPendingUpdate,
    OrderReleased,
    OrderSubmitted,
    OrderUpdated,
    VenueOrderEvent,
)
from app.rules.order_lifecycle import (
    TARGETS,
    apply,
    follow_fills,
    open_order,
    open_unreported,
    rank_of,
    reason_of,
    refusal,
)
from app.rules.order_state import BEFORE_VENUE, RANK_CONCLUDED, TERMINAL, OrderState, conclude

Numbered: TypeAlias = tuple[int, OrderHistoryEvent]
"""An event with its number in the order of arrival."""

_SENDING = (OrderEmulated, OrderReleased, OrderSubmitted, OrderAccepted)
_RANK_SPAWNED = 3
"""After the order is initialized and before it is submitted."""


class Spawned(Struct, frozen=True):
    """An order that an execution algorithm spawned from the folded order.

    NautilusTrader takes the spawned quantity off the primary order without an event. Since 1.222 or later it returns
    the quantity if the spawned order is denied or rejected, at `ts_returned`.
    """

    ts_init: int
    quantity: Decimal
    ts_returned: int | None = None


_REQUESTS = frozenset({OrderPendingUpdate, OrderPendingCancel})


class _QuantityChange(Struct, frozen=True):
    """A change of the primary order's quantity by its spawned orders: negative when taken, positive when returned."""

    ts_init: int
    change: Decimal


class Folded(Struct):
    """The folded order (None if no event makes one), the events as applied, and the refused with reasons."""

    state: OrderState | None
    applied: list[Numbered]
    refused: list[tuple[int, OrderHistoryEvent, str]]
    may_spawn: bool = False
    """Whether an execution algorithm works the order, so that spawned orders change its quantity."""


_Foldable: TypeAlias = OrderHistoryEvent | _QuantityChange
_Place: TypeAlias = tuple[int, int, int, int]
_Queues: TypeAlias = dict[type, deque[tuple[_Place, _Foldable]]]
"""Waiting events by type. Whether an event is allowed depends only on its type and the order."""


def fold_place(event: _Foldable, arrival: int) -> _Place:
    """The event's place in the fold of its order.

    Events are sorted by `ts_init`, the engine's clock when it handled the event; `ts_event` is the venue's clock and
    may differ. Within one instant they are sorted by rank, amendments also by the venue's clock because the last one
    counts, then by arrival.
    """
    if isinstance(event, _QuantityChange):
        return event.ts_init, _RANK_SPAWNED, 0, arrival
    return event.ts_init, rank_of(event), event.ts_event if isinstance(event, OrderUpdated) else 0, arrival


def fold(
    events: Iterable[Numbered],
    spawned: Iterable[Spawned] = (),
    *,
    forced: frozenset[str] = frozenset(),
    is_known: bool = False,
) -> Folded:
    """Fold (arrival, event) pairs of one order; their sequence does not matter.

    Each step applies the first event in canonical order that the order's status allows. Within one instant, events
    that end the order come last. If none is allowed, the first event whose id is in `forced` is applied anyway.
    Without an OrderInitialized, other events make the order if one of them comes from reconciliation or is forced, or
    if the order `is_known`, and one of them can be applied.
    """
    entries = sorted(((fold_place(event, arrival), event) for arrival, event in events), key=itemgetter(0))
    spawned = list(spawned)
    folded = _fold(entries, (), forced, is_known=is_known)
    may_spawn = any(isinstance(event, OrderInitialized) and event.is_routed for _, event in folded.applied)
    if spawned and may_spawn:
        folded = _fold_primary(entries, spawned, forced, whole=folded)
    folded.may_spawn = may_spawn
    return folded


def _fold_primary(
    entries: Sequence[tuple[_Place, OrderHistoryEvent]],
    spawned: Sequence[Spawned],
    forced: frozenset[str],
    whole: Folded,
) -> Folded:
    """Fold a primary order with the quantity changes that fit its fills. `whole` has its full quantity."""
    taken = [_QuantityChange(one.ts_init, -one.quantity) for one in spawned]
    returned = [_QuantityChange(one.ts_returned, one.quantity) for one in spawned if one.ts_returned is not None]
    folded = _fold(entries, [*taken, *returned], forced)
    state = _state_of(folded)
    if state.overfilled:
        # The fills exceed the remaining quantity: the spawned orders were made with `reduce_primary=False`.
        if not _state_of(whole).overfilled:
            folded = whole
            _state_of(whole).quantity_source = QuantitySource.INFERRED
    elif returned and state.filled_qty and not state.is_complete:
        kept = _fold(entries, taken, forced)
        if _state_of(kept).filled_qty == _state_of(kept).quantity:
            folded = kept  # NautilusTrader 1.221 gives nothing back
    _state_of(folded).last_rank = RANK_CONCLUDED
    return folded


def _state_of(folded: Folded) -> OrderState:
    assert folded.state is not None  # it has an OrderInitialized
    return folded.state


def _fold(
    entries: Sequence[tuple[_Place, OrderHistoryEvent]],
    changes: Iterable[_QuantityChange],
    forced: frozenset[str],
    *,
    is_known: bool = False,
) -> Folded:
    opening = _opening(entries)
    state: OrderState | None = None
    if opening:
        state = open_order(opening[0][1])  # type: ignore[arg-type]
        for _, event in opening[1:]:
            apply(state, event)
    elif entries and (is_known or any(event.event_id in forced or is_reconciled(event) for _, event in entries)):
        state = _open_unreported(entries, forced)
    if state is None:
        reason = "no OrderInitialized for this order yet"
        return Folded(None, [], [(place[-1], event, reason) for place, event in entries])
    queues = _queues([entry for entry in entries if entry not in opening], changes)
    applied = [(place[-1], event) for place, event in opening]
    while (entry := _next(queues, state) or _next_forced(queues, forced)) is not None:
        place, following = entry
        queues[type(following)].remove(entry)
        if isinstance(following, _QuantityChange):
            state.quantity += following.change
            state.quantity_source = QuantitySource.INFERRED
            follow_fills(state, is_fill=False)
        else:
            apply(state, following)
            applied.append((place[-1], following))
    left = sorted((entry for queue in queues.values() for entry in queue), key=itemgetter(0))
    conclude(state)
    refused = [(place[-1], event, reason_of(state, event)) for place, event in left]  # type: ignore[arg-type]
    return Folded(state, applied, refused)  # type: ignore[arg-type]


def _open_unreported(entries: Sequence[tuple[_Place, OrderHistoryEvent]], forced: frozenset[str]) -> OrderState | None:
    """The order as the first applied event shows it. Waiting events do not count, because they are not always read."""
    queues = _queues(entries, ())
    first = _next(queues, open_unreported(entries[0][1])) or _next_forced(queues, forced)
    return None if first is None else open_unreported(first[1])  # type: ignore[arg-type]


def _opening(
    entries: Sequence[tuple[_Place, OrderHistoryEvent]],
) -> list[tuple[_Place, OrderHistoryEvent]]:
    """The events that make the order, and Purser's own events: they come first, whatever the clocks say."""
    kinds = (AuthorizationDecision, OrderInitialized, AuthorizationReleased)
    firsts = [next((entry for entry in entries if isinstance(entry[1], kind)), None) for kind in kinds]
    if firsts[0] is None and firsts[1] is None:
        return []
    return [entry for entry in firsts if entry is not None]


def is_reconciled(event: OrderHistoryEvent) -> bool:
    """Whether the event comes from the engine's reconciliation, which never publishes an OrderInitialized.

    Requests to amend or cancel do not count: they are allowed only for orders that the venue has.
    """
    return isinstance(event, VenueOrderEvent) and event.is_reconciliation and type(event) not in _REQUESTS


def _queues(entries: Sequence[tuple[_Place, _Foldable]], changes: Iterable[_QuantityChange]) -> _Queues:
    queues: _Queues = {}
    changed = sorted(((fold_place(change, 0), change) for change in changes), key=itemgetter(0))
    for entry in (*entries, *changed):
        queues.setdefault(type(entry[1]), deque()).append(entry)
    return queues


def _next(queues: _Queues, state: OrderState) -> tuple[_Place, _Foldable] | None:
    """The first event that the order allows. Within one instant, events that do not end the order come first."""
    heads = (queue[0] for queue in queues.values() if queue)
    legal = [one for one in heads if isinstance(one[1], _QuantityChange) or refusal(state, one[1]) is None]
    legal.sort(key=itemgetter(0))
    if legal and isinstance(legal[0][1], OrderFilled) and _is_early(state, legal[0][1]):
        return next((entry for entry in legal if isinstance(entry[1], _SENDING)), legal[0])
    for first in legal:
        if first[1].ts_init != legal[0][1].ts_init:
            break
        for entry in queues[type(first[1])]:
            if entry[1].ts_init != first[1].ts_init:
                break
            if not _would_end(state, entry[1]):
                return entry
    return legal[0] if legal else None


def _is_early(state: OrderState, fill: OrderFilled) -> bool:
    """Whether the fill precedes the events that report the order as sent, which must have come first."""
    return state.status in BEFORE_VENUE or fill.ts_init < state.last_ts_init


def _next_forced(queues: _Queues, forced: frozenset[str]) -> tuple[_Place, _Foldable] | None:
    if not forced:
        return None
    waiting = (entry for queue in queues.values() for entry in queue)
    accepted = [entry for entry in waiting if getattr(entry[1], "event_id", None) in forced]
    return min(accepted, key=itemgetter(0), default=None)


def _would_end(state: OrderState, event: _Foldable) -> bool:
    if isinstance(event, OrderFilled):
        if state.is_quote_quantity or state.quantity_source is QuantitySource.UNKNOWN:
            return False
        return state.filled_qty + event.last_qty >= state.quantity
    return TARGETS.get(type(event)) in TERMINAL
