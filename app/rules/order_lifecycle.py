"""How one event changes an order: the transition table allows it, and the functions here apply it.

`rules.order_fold` combines a whole set of events; `order_state.conclude` adds what follows from all of them.

Purser's own events (authorizations) precede all events of the engine, whatever the clocks say: an order is authorized
before it is sent. The engine's events are facts: an order that was denied or released and is sent anyway goes on.
"""

from decimal import Decimal
from operator import attrgetter
from typing import Any, get_args, get_type_hints

from app.rules.enums import AuthorizationStatus, OrderSide, OrderStatus, OrderType, QuantitySource, TimeInForce
from app.rules.events import (
    AnyAuthorizationEvent,
    AnyDecision,
    AuthorizationDecision,
    AuthorizationDenied,
    AuthorizationReleased,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderEmulated,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderHistoryEvent,
    OrderInitialized,
    OrderModifyRejected,
    OrderPendingCancel,
    OrderPendingUpdate,
    OrderRejected,
    OrderReleased,
    OrderSubmitted,
    OrderTriggered,
    OrderUpdated,
)
from app.rules.money import quotient
from app.rules.order_state import (
    BEFORE_VENUE,
    RANK_AUTHORIZED,
    RANK_CONCLUDED,
    RANK_INITIALIZED,
    TERMINAL,
    TRANSITIONS,
    OrderState,
)

_S = OrderStatus
_HELD_BACK = frozenset({_S.INITIALIZED, _S.EMULATED})
_PENDING = frozenset({_S.PENDING_UPDATE, _S.PENDING_CANCEL})

# By type of event: its rank in the order of events within one instant, and the status that it leads to. A backtest
# stamps many events with one instant, so the clock cannot order them; the ranks put causes before their effects and
# endings last.
_STEPS: dict[type, tuple[int, OrderStatus | None]] = {
    OrderInitialized: (RANK_INITIALIZED, None),
    OrderDenied: (3, _S.DENIED),
    OrderEmulated: (3, _S.EMULATED),
    OrderReleased: (4, _S.RELEASED),
    OrderSubmitted: (5, _S.SUBMITTED),
    OrderAccepted: (6, _S.ACCEPTED),
    OrderTriggered: (7, _S.TRIGGERED),
    OrderPendingUpdate: (8, _S.PENDING_UPDATE),
    OrderUpdated: (9, None),
    OrderModifyRejected: (9, None),
    OrderPendingCancel: (10, _S.PENDING_CANCEL),
    OrderFilled: (10, None),
    OrderCancelRejected: (11, None),
    OrderRejected: (12, _S.REJECTED),
    OrderCanceled: (12, _S.CANCELED),
    OrderExpired: (12, _S.EXPIRED),
    **dict.fromkeys(get_args(AnyAuthorizationEvent), (RANK_AUTHORIZED, None)),
}
_RANKS = {kind: rank for kind, (rank, _) in _STEPS.items()}
TARGETS = {kind: target for kind, (_, target) in _STEPS.items() if target is not None}

# An emulated order is initialized, may be amended before a venue knows it, and is initialized again at its release:
# all of this may happen within one instant.
_RANK_EMULATED_INITIALIZED = 0
_RANK_EMULATED_UPDATED = 1


# Lookups by exact type: `isinstance` takes six times as long, because these classes have an abstract metaclass.
_AUTHORIZATIONS = frozenset(get_args(AnyAuthorizationEvent))
_WITH_REASON = frozenset({OrderDenied, OrderRejected})


_SOURCES = {"strategy_name": "strategy_id", "side": "order_side", "tags": "tag_list"}
"""Fields of an order's state that have another name in events."""
_ORIGIN = frozenset(
    [
        "trader_id",
        "strategy_name",
        "client_order_id",
        "instrument_id",
        "side",
        "tags",
        "ts_init",
        "exec_spawn_id",
        "spawned_qty",
        "is_emulated",
    ]
)
"""The fields that only the first OrderInitialized sets."""


class _Copied:
    """Copies the fields that the order's state and an event have in common, so no field can be forgotten."""

    def __init__(self, kind: type[OrderEvent], leaving: frozenset[str] = frozenset()) -> None:
        names = [name for name in OrderState.__struct_fields__ if name not in leaving]
        self._names = tuple(name for name in names if hasattr(kind, _SOURCES.get(name, name)))
        sources = [_SOURCES.get(name, name) for name in self._names]
        hints = get_type_hints(kind)
        if unchecked := [name for name in sources if hints.get(name) is Any]:
            raise TypeError(f"{kind.__name__}: {', '.join(unchecked)} may be anything; a property must read it")
        self._get = attrgetter(*sources)

    def of(self, event: OrderEvent) -> dict[str, Any]:
        """Values by the names of the state's fields."""
        return dict(zip(self._names, self._get(event), strict=True))


_REPORTED = _Copied(OrderInitialized)
_TERMS = _Copied(OrderInitialized, leaving=_ORIGIN)
# The state's `reference_price` is set by the emulator; a requested reference price is stored with the hold.
_AUTHORIZED = _Copied(AuthorizationDecision, leaving=frozenset({"reference_price"}))


def rank_of(event: OrderHistoryEvent) -> int:
    """The event's place among events of the same instant."""
    if type(event) is OrderInitialized and event.is_emulated:
        return _RANK_EMULATED_INITIALIZED
    if type(event) is OrderUpdated and event.account_id is None:
        return _RANK_EMULATED_UPDATED
    return _RANKS[type(event)]


def comes_in_order(state: OrderState, event: OrderHistoryEvent) -> bool:
    """Whether applying the event now gives the same result as folding all events."""
    if type(event) is OrderInitialized:
        return state.last_rank == RANK_AUTHORIZED
    if state.last_rank == RANK_CONCLUDED or (state.filled_qty and state.status in BEFORE_VENUE):
        return False
    if event.ts_init > state.last_ts_init:
        return True
    if event.ts_init < state.last_ts_init or state.status in TERMINAL:
        return False
    rank = rank_of(event)
    return rank > state.last_rank or (rank == state.last_rank and type(event) is not OrderUpdated)


def open_order(event: OrderInitialized | AnyDecision) -> OrderState:
    """The order as its first event describes it."""
    is_reported = isinstance(event, OrderInitialized)
    copied = (_REPORTED if is_reported else _AUTHORIZED).of(event)
    state = OrderState(**copied, ts_last=event.ts_event, last_rank=rank_of(event))
    if is_reported:
        state.last_ts_init = event.ts_init
    else:
        _authorize(state, event)  # type: ignore[arg-type]
    return state


def open_unreported(first: OrderEvent) -> OrderState:
    """An order without OrderInitialized, as its first event shows it. The first fill determines side and type."""
    return OrderState(
        trader_id=first.trader_id,
        strategy_name=first.strategy_id,
        instrument_id=first.instrument_id,
        client_order_id=first.client_order_id,
        side=OrderSide.NO_ORDER_SIDE,
        order_type=OrderType.UNKNOWN,
        time_in_force=TimeInForce.UNKNOWN,
        quantity=Decimal(0),
        ts_init=first.ts_init,
        ts_last=first.ts_event,
        last_ts_init=first.ts_init,
        last_rank=RANK_INITIALIZED,
        quantity_source=QuantitySource.UNKNOWN,
    )


def refusal(state: OrderState, event: OrderHistoryEvent) -> str | None:
    """The reason why the event may not be applied to the order now; None if it may.

    The result depends only on the event's type and the order. Fills are never refused, because money moved. Refused
    amendments and cancels change nothing and are always allowed. Amendments of an ended order are allowed too, as in
    NautilusTrader.
    """
    status = _S.INITIALIZED if state.is_closed_by_purser else state.status
    target = TARGETS.get(type(event))
    if target is not None:
        # An order filled before any event reported it as sent has ended; its status does not show it yet.
        has_ended = status in BEFORE_VENUE and target in TERMINAL and state.filled_qty and state.is_complete
        if target in TRANSITIONS[status] and not has_ended:
            return None
        return reason_of(state, event)
    if type(event) is OrderInitialized:
        is_first = state.last_rank == RANK_AUTHORIZED
        if not is_first and not (state.is_emulated and status in _HELD_BACK):
            return reason_of(state, event)
    return None


def reason_of(state: OrderState, event: OrderHistoryEvent) -> str:
    """The reason stored with an event that the order does not allow."""
    if isinstance(event, OrderInitialized):
        return "the order was initialized before, by another event"
    return f"{type(event).__name__} is not allowed while the order is {state.status}"


def apply(state: OrderState, event: OrderHistoryEvent) -> None:
    """Apply an event even if `refusal` forbids it; changes `state` in place."""
    if type(event) in _AUTHORIZATIONS:
        _authorize(state, event)  # type: ignore[arg-type]
        return
    target = TARGETS.get(type(event))
    is_fill = type(event) is OrderFilled
    is_move = is_fill or target is not None
    if is_move and state.is_closed_by_purser:
        _overrule(state, event)
    if target is not None:
        _move(state, target)
        if type(event) in _WITH_REASON and state.deny_reason is None:
            state.deny_reason = event.reason  # type: ignore[union-attr]
        elif type(event) is OrderReleased and event.price is not None:
            state.reference_price = event.price
    elif type(event) is OrderFilled:
        _fill(state, event)
    elif type(event) is OrderInitialized:
        if state.last_rank == RANK_AUTHORIZED:
            _describe(state, event)
        else:
            _transform(state, event)
    elif type(event) is OrderCancelRejected:
        if state.status is _S.PENDING_CANCEL:
            _restore(state)
    else:
        if state.status is _S.PENDING_UPDATE:
            _restore(state)
        if type(event) is OrderUpdated:
            _amend(state, event)
    # Some event types have neither of these.
    if account_id := getattr(event, "account_id", None):
        state.account_id = account_id
    if (venue_order_id := getattr(event, "venue_order_id", None)) is not None:
        state.venue_order_id = venue_order_id
    follow_fills(state, is_fill=is_fill)
    state.ts_last = max(state.ts_last, event.ts_event)
    # An event that is no transition does not show that a denied or released order was sent.
    rank = rank_of(event) if is_move or not state.was_closed_by_purser else max(state.last_rank, RANK_INITIALIZED)
    if event.ts_init < state.last_ts_init:
        # The event waited for another one. Later events have been applied and still come last.
        state.last_rank = max(state.last_rank, rank)
    else:
        state.last_ts_init, state.last_rank = event.ts_init, rank


def is_overruling(event: OrderHistoryEvent) -> bool:
    """Whether the event shows that a denied or released order was sent."""
    target = TARGETS.get(type(event), _S.DENIED)
    return isinstance(event, OrderFilled) or (target is not _S.DENIED and target in TRANSITIONS[_S.INITIALIZED])


def _authorize(state: OrderState, event: AnyAuthorizationEvent) -> None:
    if isinstance(event, AuthorizationReleased):
        _close(state, event, AuthorizationStatus.RELEASED, _S.CANCELED)
        return
    state.signal_id = event.signal_id
    if isinstance(event, AuthorizationDenied):
        _close(state, event, AuthorizationStatus.DENIED, _S.DENIED)
        state.deny_reason = event.reason
    else:
        state.authorization_status = AuthorizationStatus.GRANTED


def _close(
    state: OrderState, event: AnyAuthorizationEvent, authorization_status: AuthorizationStatus, status: OrderStatus
) -> None:
    """Purser's decision precedes all that the engine did before it sent the order, so none of that revokes it."""
    state.authorization_status, state.status = authorization_status, status
    state.ts_last = max(state.ts_last, event.ts_event)
    if RANK_AUTHORIZED < state.last_rank < RANK_CONCLUDED:
        state.last_rank = RANK_INITIALIZED


def _overrule(state: OrderState, event: OrderHistoryEvent) -> None:
    """The engine sent a denied or released order; its events prevail. Amendments do not show that it was sent."""
    state.status = _S.INITIALIZED
    if isinstance(event, OrderDenied):
        return  # The engine agrees; Purser's reason stays.
    state.authorization_status = AuthorizationStatus.OVERRULED
    state.deny_reason = None


def _describe(state: OrderState, event: OrderInitialized) -> None:
    """The engine's description and clock replace those of the authorization."""
    _transform(state, event)
    for name, value in _REPORTED.of(event).items():
        setattr(state, name, value)
    is_granted = state.authorization_status is AuthorizationStatus.GRANTED
    state.ts_last = event.ts_event if is_granted else max(state.ts_last, event.ts_event)


def _transform(state: OrderState, event: OrderInitialized) -> None:
    """The emulator releases the order as another type (a stop as a market order), valued by its last price."""
    price = state.price if state.price is not None else state.trigger_price
    state.reference_price = price if price is not None else state.reference_price
    for name, value in _TERMS.of(event).items():
        setattr(state, name, value)
    state.quantity_source = QuantitySource.REPORTED
    state.is_emulated = False


def _amend(state: OrderState, event: OrderUpdated) -> None:
    amount = state.quantity if state.is_quote_quantity else None
    state.quantity, state.quantity_source = event.quantity, QuantitySource.REPORTED
    state.price = event.price if event.price is not None else state.price
    state.trigger_price = event.trigger_price if event.trigger_price is not None else state.trigger_price
    if isinstance(event.is_quote_quantity, bool):
        state.is_quote_quantity = event.is_quote_quantity
    elif state.status not in BEFORE_VENUE and not state.is_closed_by_purser:
        # NautilusTrader 1.221 converts an amount into a base quantity at the submission, without an event.
        state.is_quote_quantity = False
    if amount is not None and not state.is_quote_quantity and event.quantity:
        state.submission_px = quotient(amount, event.quantity)


def _fill(state: OrderState, event: OrderFilled) -> None:
    state.filled_qty += event.last_qty
    state.filled_notional += event.last_qty * event.last_px
    if event.position_id is not None:
        state.position_id = event.position_id
    if state.side is OrderSide.NO_ORDER_SIDE:
        state.side = event.order_side
    if event.order_side is not state.side or event.instrument_id != state.instrument_id:
        state.mismatched = True
    if state.order_type is OrderType.UNKNOWN:
        state.order_type = event.order_type_named
    if state.is_quote_quantity:
        best = min if state.side is OrderSide.BUY else max
        state.best_px = event.last_px if state.best_px is None else best(state.best_px, event.last_px)
        state.qty_exponent = min(state.qty_exponent, int(event.last_qty.as_tuple().exponent))


def _move(state: OrderState, target: OrderStatus) -> None:
    if target in _PENDING and state.status not in _PENDING:
        state.status_before_pending = state.status
    if state.status is _S.PENDING_UPDATE and target is _S.SUBMITTED:
        # The amendment preceded the report of the submission: the order stays pending, on top of SUBMITTED.
        state.status_before_pending = target
        return
    state.status = target


def _restore(state: OrderState) -> None:
    if state.status_before_pending is not None:
        state.status = state.status_before_pending


def follow_fills(state: OrderState, *, is_fill: bool) -> None:
    """Derive the status from the filled quantity, if the transition table allows it.

    A fill before OrderSubmitted takes effect after a later event. A pending or canceled order changes only by a new
    fill.
    """
    if not state.filled_qty:
        return
    target = _S.FILLED if state.is_complete else _S.PARTIALLY_FILLED
    may_follow = is_fill or state.status not in (_S.CANCELED, *_PENDING)
    if may_follow and state.status is not target and target in TRANSITIONS[state.status]:
        state.status = target
