"""Which status an order may have after another: NautilusTrader's table (`model/orders`)."""

from app.rules.enums import OrderStatus

_S = OrderStatus

TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.INITIALIZED: frozenset(
        {_S.DENIED, _S.EMULATED, _S.RELEASED, _S.SUBMITTED, _S.REJECTED, _S.ACCEPTED}
        | {_S.CANCELED, _S.EXPIRED, _S.TRIGGERED}
    ),
    _S.EMULATED: frozenset({_S.CANCELED, _S.EXPIRED, _S.RELEASED}),
    _S.RELEASED: frozenset({_S.DENIED, _S.SUBMITTED, _S.CANCELED}),
    _S.SUBMITTED: frozenset(
        {_S.PENDING_UPDATE, _S.PENDING_CANCEL, _S.REJECTED, _S.CANCELED, _S.ACCEPTED} | {_S.PARTIALLY_FILLED, _S.FILLED}
    ),
    _S.ACCEPTED: frozenset(
        {_S.REJECTED, _S.PENDING_UPDATE, _S.PENDING_CANCEL, _S.CANCELED, _S.TRIGGERED, _S.EXPIRED}
        | {_S.PARTIALLY_FILLED, _S.FILLED}
    ),
    # Late fills are real: the venue traded before it saw the cancel.
    _S.CANCELED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED}),
    _S.PENDING_UPDATE: frozenset(
        {_S.REJECTED, _S.ACCEPTED, _S.CANCELED, _S.EXPIRED, _S.TRIGGERED, _S.SUBMITTED}
        | {_S.PENDING_UPDATE, _S.PENDING_CANCEL, _S.PARTIALLY_FILLED, _S.FILLED}
    ),
    _S.PENDING_CANCEL: frozenset(
        {_S.REJECTED, _S.PENDING_CANCEL, _S.CANCELED, _S.EXPIRED, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED}
    ),
    _S.TRIGGERED: frozenset(
        {_S.REJECTED, _S.PENDING_UPDATE, _S.PENDING_CANCEL, _S.CANCELED, _S.EXPIRED} | {_S.PARTIALLY_FILLED, _S.FILLED}
    ),
    _S.PARTIALLY_FILLED: frozenset(
        {_S.PENDING_UPDATE, _S.PENDING_CANCEL, _S.CANCELED, _S.EXPIRED, _S.PARTIALLY_FILLED, _S.FILLED}
    ),
    _S.DENIED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.FILLED: frozenset(),
}

TERMINAL = frozenset({_S.DENIED, _S.REJECTED, _S.CANCELED, _S.EXPIRED, _S.FILLED})

BEFORE_VENUE = frozenset({_S.INITIALIZED, _S.EMULATED, _S.RELEASED})
"""No venue has the order yet."""
