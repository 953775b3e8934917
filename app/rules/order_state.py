"""The state of an order, its legal transitions, and conclusions that no single event states.

`conclude` runs last, on the folded order. A later event of any kind corrects the conclusions, because the order is then
folded again from its events (`RANK_CONCLUDED`). They concern:

* Orders that were filled before any event reports them as sent: the fills determine the status. External orders are an
  example: NautilusTrader publishes their OrderInitialized and OrderFilled only.
* Orders for an amount of the quote currency. NautilusTrader 1.221 converts the amount into a base quantity at the
  market price of the submission, rounded to the instrument's size precision, and publishes neither the quantity nor the
  order's end. The order is complete if the amount, at a price near those of its fills, buys no more than was traded
  (docs/adr/0022).
* Orders of unknown quantity: the quantity is at least the filled one.
"""

from decimal import Decimal

from msgspec import Struct

from app.rules.enums import AuthorizationStatus, OrderSide, OrderStatus, OrderType, QuantitySource, TimeInForce
from app.rules.money import quotient

_S = OrderStatus

TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    status: frozenset(map(OrderStatus, targets.split()))
    for status, targets in {
        _S.INITIALIZED: "DENIED EMULATED RELEASED SUBMITTED REJECTED ACCEPTED CANCELED EXPIRED TRIGGERED",
        _S.EMULATED: "CANCELED EXPIRED RELEASED",
        _S.RELEASED: "DENIED SUBMITTED CANCELED",
        _S.SUBMITTED: "PENDING_UPDATE PENDING_CANCEL REJECTED CANCELED ACCEPTED PARTIALLY_FILLED FILLED",
        _S.ACCEPTED: "REJECTED PENDING_UPDATE PENDING_CANCEL CANCELED TRIGGERED EXPIRED PARTIALLY_FILLED FILLED",
        # Late fills happen: the venue traded before it processed the cancel.
        _S.CANCELED: "PARTIALLY_FILLED FILLED",
        _S.PENDING_UPDATE: "REJECTED ACCEPTED CANCELED EXPIRED TRIGGERED SUBMITTED PENDING_UPDATE PENDING_CANCEL "
        "PARTIALLY_FILLED FILLED",
        _S.PENDING_CANCEL: "REJECTED PENDING_CANCEL CANCELED EXPIRED ACCEPTED PARTIALLY_FILLED FILLED",
        _S.TRIGGERED: "REJECTED PENDING_UPDATE PENDING_CANCEL CANCELED EXPIRED PARTIALLY_FILLED FILLED",
        _S.PARTIALLY_FILLED: "PENDING_UPDATE PENDING_CANCEL CANCELED EXPIRED PARTIALLY_FILLED FILLED",
        _S.DENIED: "",
        _S.REJECTED: "",
        _S.EXPIRED: "",
        _S.FILLED: "",
    }.items()
}

TERMINAL = frozenset({_S.DENIED, _S.REJECTED, _S.CANCELED, _S.EXPIRED, _S.FILLED})

BEFORE_VENUE = frozenset({_S.INITIALIZED, _S.EMULATED, _S.RELEASED})
"""The statuses before any venue has the order."""


RANK_AUTHORIZED = -1
"""The `last_rank` of an order without an applied event of the engine."""
RANK_INITIALIZED = 2
RANK_CONCLUDED = 100
"""The `last_rank` of an order with a conclusion that no event states. The next event folds the order again."""

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
    ts_init: int
    ts_last: int
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reduce_only: bool = False
    post_only: bool = False
    tags: list[str] = []
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
    """The primary order that an execution algorithm spawned this order from."""
    spawned_qty: Decimal | None = None
    """The quantity taken off the primary order: the order's initial quantity."""
    mismatched: bool = False
    """Whether a fill names another side or instrument than the order."""
    is_emulated: bool = False
    """Whether the first event has an emulation trigger. From here on fields are known while folding, not stored."""
    reference_price: Decimal | None = None
    """The price of an order that the emulator left without one: at the release, before that its last price."""
    submission_px: Decimal | None = None
    """The price at which the engine converted an amount into the quantity of an OrderUpdated."""
    best_px: Decimal | None = None
    """The best price of a fill: the lowest for a buy order, the highest for a sell order."""
    qty_exponent: int = 0
    """The finest decimal place of a fill's quantity, as a negative exponent of ten."""

    @property
    def is_terminal(self) -> bool:
        """Whether only a late fill can still change the order."""
        return self.status in TERMINAL

    @property
    def leaves_qty(self) -> Decimal:
        """The unfilled quantity, in the unit of `quantity`; 0 if the order is overfilled or its quantity unknown."""
        filled = abs(self.filled_notional) if self.is_quote_quantity else self.filled_qty
        return max(self.quantity - filled, _ZERO)

    @property
    def is_complete(self) -> bool:
        """Whether the whole known quantity is filled. False for an amount of the quote currency."""
        if self.is_quote_quantity or self.quantity_source is QuantitySource.UNKNOWN:
            return False
        return self.filled_qty >= self.quantity

    @property
    def overfill_qty(self) -> Decimal:
        """The quantity traded beyond the order's, in units of the instrument; 0 for amounts and unknown quantities."""
        if self.is_quote_quantity or self.quantity_source is QuantitySource.UNKNOWN:
            return _ZERO
        return max(self.filled_qty - self.quantity, _ZERO)

    @property
    def overfilled(self) -> bool:
        """Whether more was traded than ordered."""
        return self.overfill_qty > 0

    @property
    def is_overruled(self) -> bool:
        """Whether the engine sent the order although Purser had denied or released it."""
        return self.authorization_status is AuthorizationStatus.OVERRULED

    @property
    def was_closed_by_purser(self) -> bool:
        """Whether Purser denied or released the order and the engine did not overrule that."""
        return self.authorization_status in _CLOSING

    @property
    def is_closed_by_purser(self) -> bool:
        """Whether Purser denied or released the order and no event so far shows that it was sent."""
        return self.was_closed_by_purser and self.last_rank <= RANK_INITIALIZED

    @property
    def avg_px(self) -> Decimal | None:
        """The quantity-weighted average fill price; None before the first fill."""
        return quotient(self.filled_notional, self.filled_qty) if self.filled_qty else None


SLIPPAGE_MAX = Decimal("0.01")
"""Largest relative distance between the price at submission and the best price of a fill."""
POSITION_DIFFERENCE = "INTERNAL-DIFF"
"""The strategy of the orders by which NautilusTrader explains a position's difference. Each order is one fill."""

_HALF = Decimal("0.5")
_OTHER_UNIT = 2


def conclude(state: OrderState) -> None:
    """Add the conclusions from all events together; changes `state` in place."""
    if state.quantity_source is QuantitySource.UNKNOWN:
        state.quantity = max(state.quantity, state.filled_qty)
        if state.strategy_name == POSITION_DIFFERENCE and state.filled_qty:
            state.quantity_source = QuantitySource.INFERRED
            _complete(state)
    if state.quantity < 0:
        state.quantity = Decimal(0)  # spawned orders took more off it than it had
    if not state.filled_qty:
        return
    if state.is_quote_quantity:
        _conclude_amount(state)
    if state.status in BEFORE_VENUE:
        state.status = OrderStatus.FILLED if state.is_complete else OrderStatus.PARTIALLY_FILLED
        state.last_rank = RANK_CONCLUDED


def _conclude_amount(state: OrderState) -> None:
    state.last_rank = RANK_CONCLUDED
    if state.is_terminal:
        return
    # If no market price turns this quantity into the amount, its unit is that of the fills (inverse).
    is_in_units = abs(state.filled_notional) > state.quantity * _OTHER_UNIT
    if is_in_units or _is_spent(state):
        state.is_quote_quantity, state.quantity_source = False, QuantitySource.INFERRED
        state.quantity = state.quantity if is_in_units else state.filled_qty
        if state.is_complete:
            _complete(state)


def _is_spent(state: OrderState) -> bool:
    """Whether the amount buys no more than was traded, at the allowed distance from the best price."""
    best, exponent = state.best_px, state.qty_exponent
    if best is None:  # it was not for an amount yet when it was filled
        best, exponent = state.avg_px, state.filled_qty.as_tuple().exponent  # type: ignore[assignment]
    assert best is not None  # it was filled
    return (state.filled_qty + _HALF.scaleb(exponent)) * abs(best) * (1 + SLIPPAGE_MAX) >= state.quantity


def _complete(state: OrderState) -> None:
    if state.status in BEFORE_VENUE or OrderStatus.FILLED in TRANSITIONS[state.status]:
        state.status = OrderStatus.FILLED
    state.last_rank = RANK_CONCLUDED
