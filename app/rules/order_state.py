"""An order after some of its events: what is known of it, and what follows from that."""

from decimal import Decimal

from msgspec import Struct

from app.rules.enums import AuthorizationStatus, OrderSide, OrderStatus, OrderType, QuantitySource, TimeInForce
from app.rules.money import quotient
from app.rules.order_transitions import TERMINAL

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
