"""The state of an order, its legal transitions, and conclusions that no single event states.

`conclude` runs last, on the folded order, so a later event of any kind corrects it: the order is then folded again from
its events (`RANK_CONCLUDED`).

* An order that was filled before anything said that it was sent: the status that its fills give it. External orders
  are such: NautilusTrader publishes their OrderInitialized and OrderFilled and nothing between.
* An order for an amount of the quote currency. NautilusTrader 1.221 turns the amount into a base quantity at the market
  price of the submission, rounded to the instrument's size precision, and publishes neither that nor the order's end.
  The order is complete when the amount, at a price near those that it traded at, buys no more than was traded
  (docs/adr/0022).
* An order of which nothing says the quantity: at least what was filled.
"""

from decimal import Decimal

from msgspec import Struct

from app.rules.enums import AuthorizationStatus, OrderSide, OrderStatus, OrderType, QuantitySource, TimeInForce
from app.rules.money import quotient

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


RANK_AUTHORIZED = -1
"""The `last_rank` of an order of which no event of the engine has been applied yet."""
RANK_INITIALIZED = 2
RANK_CONCLUDED = 100
"""The `last_rank` of an order of which something was concluded that no event says: the next event folds it anew."""

_ZERO = Decimal(0)
_CLOSING = frozenset({AuthorizationStatus.DENIED, AuthorizationStatus.RELEASED})


class OrderState(Struct):
    """An order after some of its events.

    `quantity` and `leaves_qty` are amounts of the quote currency while `is_quote_quantity`, else units of the
    instrument. `filled_notional` is the sum of quantity x price over the fills.
    """

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
    filled_qty: Decimal = _ZERO
    filled_notional: Decimal = _ZERO
    deny_reason: str | None = None
    last_ts_init: int = 0
    last_rank: int = 0
    authorization_status: AuthorizationStatus | None = None
    signal_id: str | None = None
    is_quote_quantity: bool = False
    quantity_source: QuantitySource = QuantitySource.REPORTED
    exec_spawn_id: str | None = None
    """The primary order that an execution algorithm spawned it from."""
    spawned_qty: Decimal | None = None
    """What it took off its primary order: the quantity that it was initialized with."""
    mismatched: bool = False
    """Whether a fill names another side or instrument than the order."""
    is_emulated: bool = False
    """Whether its first event said so. Known while events are folded, as are the fields below; not stored."""
    reference_price: Decimal | None = None
    """Where the emulator made it an order without a price: the price at its release, before that its last price."""
    submission_px: Decimal | None = None
    """The price at which the engine turned an amount into the quantity that an OrderUpdated states."""
    best_px: Decimal | None = None
    """The best price of a fill: the lowest of a purchase, the highest of a sale."""
    qty_exponent: int = 0
    """The finest place after the point that a fill's quantity was written to, as a negative exponent of ten."""

    @property
    def is_terminal(self) -> bool:
        """Whether only a late fill can still move it."""
        return self.status in TERMINAL

    @property
    def leaves_qty(self) -> Decimal:
        """What is still to be filled, in the unit of `quantity`; 0 where it is overfilled or the quantity unknown."""
        filled = abs(self.filled_notional) if self.is_quote_quantity else self.filled_qty
        return max(self.quantity - filled, _ZERO)

    @property
    def is_complete(self) -> bool:
        """Whether all that is known to be ordered is filled. An amount of the quote currency never is, by itself."""
        if self.is_quote_quantity or self.quantity_source is QuantitySource.UNKNOWN:
            return False
        return self.filled_qty >= self.quantity

    @property
    def overfill_qty(self) -> Decimal:
        """What was traded beyond the quantity, in units of the instrument; 0 where the quantity is not in such."""
        if self.is_quote_quantity or self.quantity_source is QuantitySource.UNKNOWN:
            return _ZERO
        return max(self.filled_qty - self.quantity, _ZERO)

    @property
    def overfilled(self) -> bool:
        """Whether more was traded than was asked for."""
        return self.overfill_qty > 0

    @property
    def is_overruled(self) -> bool:
        """Whether the engine went on though it was denied or released here."""
        return self.authorization_status is AuthorizationStatus.OVERRULED

    @property
    def was_closed_by_us(self) -> bool:
        """Whether it was denied or released here, and did not go on all the same."""
        return self.authorization_status in _CLOSING

    @property
    def is_closed_by_us(self) -> bool:
        """Whether it was denied or released here, and the engine has not moved it: it may still say that it left."""
        return self.was_closed_by_us and self.last_rank <= RANK_INITIALIZED

    @property
    def avg_px(self) -> Decimal | None:
        """Average fill price, quantity-weighted; None before the first fill."""
        return quotient(self.filled_notional, self.filled_qty) if self.filled_qty else None


SLIPPAGE_MAX = Decimal("0.01")
"""How far the price of the submission may lie from the best price that the order traded at, as a part of that."""
POSITION_DIFFERENCE = "INTERNAL-DIFF"
"""The strategy of the orders by which NautilusTrader explains a position's difference: each is one whole fill."""

_HALF = Decimal("0.5")
_OTHER_UNIT = 2


def conclude(state: OrderState) -> None:
    """Add what follows from all events together; changes `state` in place."""
    if state.quantity_source is QuantitySource.UNKNOWN:
        _conclude_quantity(state)
    if state.quantity < 0:
        state.quantity = Decimal(0)  # spawned orders took more off it than it had
    if not state.filled_qty:
        return
    if state.is_quote_quantity:
        _conclude_amount(state)
    if state.status in BEFORE_VENUE:
        state.status = OrderStatus.FILLED if state.is_complete else OrderStatus.PARTIALLY_FILLED
        state.last_rank = RANK_CONCLUDED


def _conclude_quantity(state: OrderState) -> None:
    state.quantity = max(state.quantity, state.filled_qty)
    if state.strategy_name == POSITION_DIFFERENCE and state.filled_qty:
        state.quantity_source = QuantitySource.INFERRED
        _complete(state)


def _conclude_amount(state: OrderState) -> None:
    state.last_rank = RANK_CONCLUDED
    if state.is_terminal:
        return
    if abs(state.filled_notional) > state.quantity * _OTHER_UNIT:
        # No price of the market makes this the amount: its unit is that of the fills, as for an inverse instrument.
        state.is_quote_quantity, state.quantity_source = False, QuantitySource.INFERRED
        if state.is_complete:
            _complete(state)
    elif _is_spent(state):
        state.is_quote_quantity, state.quantity_source = False, QuantitySource.INFERRED
        state.quantity = state.filled_qty
        _complete(state)


def _is_spent(state: OrderState) -> bool:
    """Whether the amount buys no more than was traded, at a price as far from the best one as it may be."""
    best, exponent = state.best_px, state.qty_exponent
    if best is None:  # it was not for an amount yet when it was filled
        best, exponent = state.avg_px, state.filled_qty.as_tuple().exponent  # type: ignore[assignment]
    assert best is not None  # it was filled
    return (state.filled_qty + _HALF.scaleb(exponent)) * abs(best) * (1 + SLIPPAGE_MAX) >= state.quantity


def _complete(state: OrderState) -> None:
    if state.status in BEFORE_VENUE or OrderStatus.FILLED in TRANSITIONS[state.status]:
        state.status = OrderStatus.FILLED
    state.last_rank = RANK_CONCLUDED
