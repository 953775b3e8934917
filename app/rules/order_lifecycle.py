"""How an order's status moves: the fold of an order's events through the table of transitions.

Events come late, twice and out of order; what an order ends as must not depend on that. Therefore an order is the fold
of its *set* of events in one canonical order (`fold_place`), not in the order of arrival.

Purser's own events (authorizations) come before all the engine's, whatever the clocks say: an order is authorized
before it leaves. The engine's events are facts: an order that leaves though it was denied or released goes on.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from app.rules.enums import AuthorizationStatus, OrderSide, OrderStatus, OrderType, TimeInForce
from app.rules.events import (
    AnyAuthorizationEvent,
    AuthorizationDenied,
    AuthorizationGranted,
    AuthorizationReleased,
    OrderDenied,
    OrderFilled,
    OrderHistoryEvent,
    OrderInitialized,
    OrderRejected,
    OrderSubmitted,
    OrderUpdated,
    VenueOrderEvent,
)
from app.rules.money import quotient
from app.rules.order_transitions import TERMINAL, TRANSITIONS

_S = OrderStatus
_HELD_BACK = frozenset({_S.INITIALIZED, _S.EMULATED})
_PENDING = frozenset({_S.PENDING_UPDATE, _S.PENDING_CANCEL})
_CLOSING = frozenset({AuthorizationStatus.DENIED, AuthorizationStatus.RELEASED})

_TARGETS: dict[str, OrderStatus] = {
    "OrderDenied": _S.DENIED,
    "OrderEmulated": _S.EMULATED,
    "OrderReleased": _S.RELEASED,
    "OrderSubmitted": _S.SUBMITTED,
    "OrderAccepted": _S.ACCEPTED,
    "OrderRejected": _S.REJECTED,
    "OrderCanceled": _S.CANCELED,
    "OrderExpired": _S.EXPIRED,
    "OrderTriggered": _S.TRIGGERED,
    "OrderPendingUpdate": _S.PENDING_UPDATE,
    "OrderPendingCancel": _S.PENDING_CANCEL,
}

# Which of several events of one instant comes first. A backtest stamps a whole burst with one instant, so the
# clock alone cannot tell; these ranks put causes before their effects and endings last.
_RANKS: dict[str, int] = {
    "OrderInitialized": 2,
    "OrderDenied": 3,
    "OrderEmulated": 3,
    "OrderReleased": 4,
    "OrderSubmitted": 5,
    "OrderAccepted": 6,
    "OrderTriggered": 7,
    "OrderPendingUpdate": 8,
    "OrderUpdated": 9,
    "OrderModifyRejected": 9,
    "OrderPendingCancel": 10,
    "OrderFilled": 10,
    "OrderCancelRejected": 11,
    "OrderRejected": 12,
    "OrderCanceled": 12,
    "OrderExpired": 12,
}
# An order that is emulated is initialized, may be amended while no venue knows it, and is initialized again when it is
# let go: all of that, too, within one instant.
_RANK_EMULATED_INITIALIZED = 0
_RANK_EMULATED_UPDATED = 1
_RANK_INITIALIZED = _RANKS["OrderInitialized"]
RANK_AUTHORIZED = -1
"""No event of the engine has been applied yet."""


class OrderState(Struct):
    """An order after some of its events."""

    trader_id: str
    strategy_name: str
    instrument_id: str
    client_order_id: str
    side: OrderSide
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    reduce_only: bool
    post_only: bool
    tags: list[str]
    ts_init: int
    ts_last: int
    status: OrderStatus = OrderStatus.INITIALIZED
    status_before_pending: OrderStatus | None = None
    account_id: str | None = None
    venue_order_id: str | None = None
    position_id: str | None = None
    filled_qty: Decimal = Decimal(0)
    filled_notional: Decimal = Decimal(0)
    deny_reason: str | None = None
    last_ts_init: int = 0
    last_rank: int = 0
    authorization_status: AuthorizationStatus | None = None
    signal_id: str | None = None
    is_emulated: bool = False
    """Whether its first event said so. Known while events are folded; not stored."""

    @property
    def is_terminal(self) -> bool:
        """Whether only a late fill can still move it."""
        return self.status in TERMINAL

    @property
    def leaves_qty(self) -> Decimal:
        """What is still to be filled; an overfilled order has nothing left, not less than nothing."""
        return max(self.quantity - self.filled_qty, Decimal(0))

    @property
    def is_overruled(self) -> bool:
        """Whether the engine went on though it was denied or released here."""
        return self.authorization_status is AuthorizationStatus.OVERRULED

    @property
    def is_closed_by_us(self) -> bool:
        """Whether it was denied or released here, and the engine has not said otherwise."""
        return self.authorization_status in _CLOSING and self.last_rank <= _RANK_INITIALIZED

    @property
    def is_overfilled(self) -> bool:
        """Whether more was traded than was asked for."""
        return self.filled_qty > self.quantity

    @property
    def avg_px(self) -> Decimal | None:
        """Average fill price, quantity-weighted; None before the first fill."""
        return quotient(self.filled_notional, self.filled_qty) if self.filled_qty else None


def rank_of(event: OrderHistoryEvent) -> int:
    """The event's place among events of the same instant."""
    if isinstance(event, AnyAuthorizationEvent):
        return RANK_AUTHORIZED
    if isinstance(event, OrderInitialized) and event.is_emulated:
        return _RANK_EMULATED_INITIALIZED
    if isinstance(event, OrderUpdated) and event.account_id is None:
        return _RANK_EMULATED_UPDATED
    return _RANKS[type(event).__name__]


def fold_place(event: OrderHistoryEvent, arrival: int) -> tuple[int, int, int]:
    """Where an event stands in its order's fold.

    By `ts_init`, the engine's own clock at the moment it handled the event: `ts_event` is the venue's clock, and
    may run apart from the engine's. Then by rank, then by arrival.
    """
    return event.ts_init, rank_of(event), arrival


def comes_in_order(state: OrderState, event: OrderHistoryEvent) -> bool:
    """Whether applying the event on top gives what folding the whole set would give."""
    if isinstance(event, OrderInitialized):
        return state.last_rank == RANK_AUTHORIZED
    if event.ts_init > state.last_ts_init:
        return True
    if event.ts_init < state.last_ts_init or state.is_terminal:
        return False
    return rank_of(event) >= state.last_rank


def open_order(event: OrderInitialized | AuthorizationGranted) -> OrderState:
    """The order as its first event describes it."""
    state = OrderState(
        trader_id=event.trader_id,
        strategy_name=event.strategy_id,
        instrument_id=event.instrument_id,
        client_order_id=event.client_order_id,
        side=event.order_side,
        order_type=event.order_type,
        time_in_force=event.time_in_force,
        quantity=event.quantity,
        price=event.price,
        trigger_price=event.trigger_price,
        reduce_only=event.reduce_only,
        post_only=event.post_only,
        tags=event.tags or [],
        ts_init=event.ts_init,
        ts_last=event.ts_event,
        last_rank=rank_of(event),
    )
    if isinstance(event, OrderInitialized):
        state.last_ts_init, state.is_emulated = event.ts_init, event.is_emulated
    else:
        _authorize(state, event)
    return state


def refusal(state: OrderState, event: OrderHistoryEvent) -> str | None:
    """Why the event may not be applied to the order as it stands; None if it may.

    A fill is never refused: money moved. Refused amendments and cancels change nothing, so they fit anywhere.
    """
    status = _S.INITIALIZED if state.is_closed_by_us else state.status
    target = _TARGETS.get(type(event).__name__)
    if target is not None:
        if target in TRANSITIONS[status]:
            return None
        return f"{type(event).__name__} is not allowed while the order is {status}"
    if isinstance(event, OrderInitialized):
        is_first = state.last_rank == RANK_AUTHORIZED
        if not is_first and not (state.is_emulated and status in _HELD_BACK):
            return "the order was initialized before, by another event"
    if isinstance(event, OrderUpdated) and status in TERMINAL:
        return f"OrderUpdated is not allowed while the order is {state.status}"
    return None


def apply(state: OrderState, event: OrderHistoryEvent) -> None:
    """Apply an event that `refusal` lets pass; changes `state` in place."""
    if isinstance(event, AnyAuthorizationEvent):
        _authorize(state, event)
        return
    kind = type(event).__name__
    target = _TARGETS.get(kind)
    if state.is_closed_by_us and kind != "OrderInitialized":
        _overrule(state, event)
    if target is not None:
        _move(state, target)
        if isinstance(event, OrderDenied | OrderRejected) and state.deny_reason is None:
            state.deny_reason = event.reason
    elif isinstance(event, OrderFilled):
        state.filled_qty += event.last_qty
        state.filled_notional += event.last_qty * event.last_px
        if event.position_id is not None:
            state.position_id = event.position_id
    elif isinstance(event, OrderInitialized):
        if state.last_rank == RANK_AUTHORIZED:
            _describe(state, event)
        else:
            _transform(state, event)
    elif kind == "OrderCancelRejected":
        if state.status is _S.PENDING_CANCEL:
            _restore(state)
    elif state.status is _S.PENDING_UPDATE:
        _restore(state)
    if isinstance(event, OrderUpdated):
        state.quantity = event.quantity
        state.price = event.price if event.price is not None else state.price
        state.trigger_price = event.trigger_price if event.trigger_price is not None else state.trigger_price
    _note_venue(state, event)
    _settle_fills(state, is_fill=kind == "OrderFilled")
    state.ts_last = max(state.ts_last, event.ts_event)
    state.last_ts_init = event.ts_init
    state.last_rank = rank_of(event)


def fold(
    events: Iterable[tuple[int, OrderHistoryEvent]],
) -> tuple[OrderState | None, list[tuple[int, OrderHistoryEvent]], list[tuple[int, OrderHistoryEvent, str]]]:
    """Fold (arrival, event) pairs of one order, whatever order they come in.

    Takes, again and again, the first event in canonical order that the order's status allows; of one instant, an event
    that ends the order goes last. Answers the order (None without an OrderInitialized), the applied events in the
    order of application, and those left over with the reason.
    """
    left = sorted(events, key=lambda pair: fold_place(pair[1], pair[0]))
    decided = next((pair for pair in left if isinstance(pair[1], AuthorizationGranted)), None)
    initialized = next((pair for pair in left if isinstance(pair[1], OrderInitialized)), None)
    released = next((pair for pair in left if isinstance(pair[1], AuthorizationReleased)), None)
    applied = [pair for pair in (decided, initialized, released) if pair is not None]
    if decided is None and initialized is None:
        return None, [], [(arrival, event, "no OrderInitialized for this order yet") for arrival, event in left]
    state = open_order(applied[0][1])  # type: ignore[arg-type]
    for pair in applied:
        left.remove(pair)
    for pair in applied[1:]:
        apply(state, pair[1])
    while (place := _next_place(state, left)) is not None:
        pair = left.pop(place)
        apply(state, pair[1])
        applied.append(pair)
    refused = [(arrival, event, refusal(state, event) or "") for arrival, event in left]
    return state, applied, refused


def _next_place(state: OrderState, left: Sequence[tuple[int, OrderHistoryEvent]]) -> int | None:
    ending: int | None = None
    for place, (_, event) in enumerate(left):
        if ending is not None and event.ts_init != left[ending][1].ts_init:
            return ending
        if refusal(state, event) is not None:
            continue
        if not _would_end(state, event):
            return place
        ending = place if ending is None else ending
    return ending


def _would_end(state: OrderState, event: OrderHistoryEvent) -> bool:
    if isinstance(event, OrderFilled):
        return state.filled_qty + event.last_qty >= state.quantity
    return _TARGETS.get(type(event).__name__) in TERMINAL


def _authorize(state: OrderState, event: AnyAuthorizationEvent) -> None:
    if isinstance(event, AuthorizationReleased):
        state.authorization_status, state.status = AuthorizationStatus.RELEASED, _S.CANCELED
        state.ts_last = max(state.ts_last, event.ts_event)
        return
    state.signal_id = event.signal_id
    if isinstance(event, AuthorizationDenied):
        state.authorization_status, state.status = AuthorizationStatus.DENIED, _S.DENIED
        state.deny_reason = event.reason
        state.ts_last = max(state.ts_last, event.ts_event)
    else:
        state.authorization_status = AuthorizationStatus.GRANTED


def _overrule(state: OrderState, event: OrderHistoryEvent) -> None:
    """The engine speaks of an order that was denied or released here: what it says, holds."""
    state.status = _S.INITIALIZED
    if isinstance(event, OrderDenied):
        return  # As we said, and in our words.
    state.authorization_status = AuthorizationStatus.OVERRULED
    state.deny_reason = None


def _describe(state: OrderState, event: OrderInitialized) -> None:
    """The engine's own description takes the place of what was authorized, its clock that of ours."""
    state.instrument_id, state.side, state.tags = event.instrument_id, event.order_side, event.tags or []
    _transform(state, event)
    state.is_emulated = event.is_emulated
    is_granted = state.authorization_status is AuthorizationStatus.GRANTED
    state.ts_init = event.ts_init
    state.ts_last = event.ts_event if is_granted else max(state.ts_last, event.ts_event)


def _transform(state: OrderState, event: OrderInitialized) -> None:
    """The emulator lets the order go as another one: a stop becomes a market order, say."""
    state.order_type, state.time_in_force = event.order_type, event.time_in_force
    state.quantity, state.price, state.trigger_price = event.quantity, event.price, event.trigger_price
    state.reduce_only, state.post_only = event.reduce_only, event.post_only
    state.is_emulated = False


def _move(state: OrderState, target: OrderStatus) -> None:
    if target in _PENDING and state.status not in _PENDING:
        state.status_before_pending = state.status
    if state.status is _S.PENDING_UPDATE and target is _S.SUBMITTED:
        # The amendment overtook the submission's report: the order stays pending, on top of SUBMITTED.
        state.status_before_pending = target
        return
    state.status = target


def _restore(state: OrderState) -> None:
    if state.status_before_pending is not None:
        state.status = state.status_before_pending


def _settle_fills(state: OrderState, *, is_fill: bool) -> None:
    """Let the status follow the filled quantity where the table has the way.

    A fill that came where the table has no way (before OrderSubmitted) is caught up after a later event. A pending or
    canceled order goes on only by a new fill.
    """
    if not state.filled_qty:
        return
    complete = state.filled_qty >= state.quantity
    target = _S.FILLED if complete else _S.PARTIALLY_FILLED
    may_follow = is_fill or state.status not in (_S.CANCELED, *_PENDING)
    if may_follow and state.status is not target and target in TRANSITIONS[state.status]:
        state.status = target


def _note_venue(state: OrderState, event: OrderHistoryEvent) -> None:
    if isinstance(event, OrderSubmitted | VenueOrderEvent) and event.account_id:
        state.account_id = event.account_id
    if isinstance(event, VenueOrderEvent) and event.venue_order_id is not None:
        state.venue_order_id = event.venue_order_id
