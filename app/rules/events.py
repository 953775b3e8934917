"""The events of orders, positions and signals. Field names and meanings are NautilusTrader's (`model/events`).

Earlier releases ignored the fields of type Any, so stored events may have any value there. A property reads such a
field and treats an unexpected value as missing. Where the property has the engine's name, the field is named
`<name>_raw`.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, final, get_args

from msgspec import Meta, Struct, field

from app.rules.enums import DenyCode, LiquiditySide, OrderSide, OrderType, QuarantineAction, TimeInForce
from app.rules.money import is_storable, read_decimal

IDENTIFIER_LENGTH_MAX = 256
Identifier = Annotated[str, Meta(min_length=1, max_length=IDENTIFIER_LENGTH_MAX)]
Text = Annotated[str, Meta(max_length=16_384)]
_UNKNOWN = OrderType.UNKNOWN
_ORDER_TYPES = {kind.value: kind for kind in OrderType}
if TYPE_CHECKING:
    Instant = int
else:
    # The stored form may also contain RFC 3339 text, which `app.event_codec` converts to nanoseconds.
    Instant = int | str


class OrderEvent(Struct, tag_field="type", tag=True, kw_only=True):
    """The fields of every order event. Instants are nanoseconds since the epoch."""

    trader_id: Identifier
    strategy_id: Identifier
    instrument_id: Identifier
    client_order_id: Identifier
    event_id: str
    ts_event: Instant
    ts_init: Instant


class OrderTerms(OrderEvent, kw_only=True):
    """The terms of an order, as an engine or an authorization states them. `quantity` is in units of the instrument."""

    order_side: OrderSide
    order_type: OrderType
    quantity: Decimal
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    tags: list[Text] | None = None
    quote_quantity: Any = False

    @property
    def is_quote_quantity(self) -> bool:
        """Whether `quantity` is an amount of the quote currency."""
        return self.quote_quantity is True

    @property
    def tag_list(self) -> list[str]:
        """The tags; empty where the event has null."""
        return self.tags or []


class OrderInitialized(OrderTerms, kw_only=True):
    """The engine created the order. `options` contains the prices.

    When the trigger of an emulated order is met, NautilusTrader publishes a second OrderInitialized for the order that
    it then sends, with `emulation_trigger` NO_TRIGGER (`execution/emulator`).
    """

    options: dict[str, Any] | str | None = None
    emulation_trigger: Text | None = None
    exec_algorithm_id: Any = None
    exec_spawn_id_raw: Any = field(default=None, name="exec_spawn_id")

    @property
    def is_routed(self) -> bool:
        """Whether an execution algorithm works the order and may spawn other orders from it."""
        return isinstance(self.exec_algorithm_id, str)

    @property
    def exec_spawn_id(self) -> str | None:
        """The primary order that an execution algorithm spawned this order from; None if it is the primary itself."""
        primary = self.exec_spawn_id_raw
        if isinstance(primary, str) and 1 <= len(primary) <= IDENTIFIER_LENGTH_MAX and primary != self.client_order_id:
            return primary
        return None

    @property
    def spawned_qty(self) -> Decimal | None:
        """The quantity that a spawned order takes from its primary order; None for other orders."""
        return None if self.exec_spawn_id_raw is None or self.exec_spawn_id is None else self.quantity

    @property
    def is_emulated(self) -> bool:
        """Whether the engine's emulator holds the order back until its trigger is met."""
        return self.emulation_trigger not in (None, "NO_TRIGGER")


class AuthorizationDecision(OrderTerms, kw_only=True, omit_defaults=True):
    """Purser's decision on the request of `actor`, with the request's fields. The stored form omits defaults."""

    actor: str
    reference_price: Decimal | None = None
    currency: str | None = None
    signal_id: str | None = None
    budget_currency: str | None = None
    """The currency of the budget that decided; None where no currency is known."""


class AuthorizationGranted(AuthorizationDecision, kw_only=True):
    """The order may be submitted."""


class AuthorizationDenied(AuthorizationDecision, kw_only=True):
    """The order may not be submitted. `reason` states the numbers."""

    code: DenyCode
    reason: str


class AuthorizationReleased(OrderEvent, kw_only=True):
    """Purser's own event: `actor` released an order that was never submitted."""

    actor: str


class QuarantineResolved(OrderEvent, kw_only=True):
    """Purser's own event: the decision of `actor` on the quarantined event `resolves`, `variant`."""

    resolves: str
    variant: int
    action: QuarantineAction
    reason: str
    actor: str


class OrderDenied(OrderEvent, kw_only=True):
    """The engine refused the order before it was sent."""

    reason: Text = ""


class OrderEmulated(OrderEvent, kw_only=True):
    """The engine's emulator holds the order back."""


class OrderReleased(OrderEvent, kw_only=True):
    """The emulator released the order at the market price that met its trigger."""

    released_price: Any = None

    @property
    def price(self) -> Decimal | None:
        """The market price at the release; None if the event has no storable price."""
        price = read_decimal(self.released_price) if isinstance(self.released_price, str) else None
        return price if price is not None and is_storable(price) else None


class OrderSubmitted(OrderEvent, kw_only=True):
    """The engine sent the order to the venue."""

    account_id: Identifier | None = None


class VenueOrderEvent(OrderEvent, kw_only=True):
    """An event that may contain the venue's order id."""

    venue_order_id: Identifier | None = None
    account_id: Identifier | None = None
    reconciliation: Any = False

    @property
    def is_reconciliation(self) -> bool:
        """Whether the engine derived the event from a venue's report. Such an order may have no OrderInitialized."""
        return self.reconciliation is True


class OrderAccepted(VenueOrderEvent, kw_only=True):
    """The order works at the venue."""


class OrderRejected(VenueOrderEvent, kw_only=True):
    """The venue refused the order."""

    reason: Text = ""


class OrderCanceled(VenueOrderEvent, kw_only=True):
    """The order was canceled at the venue."""


class OrderExpired(VenueOrderEvent, kw_only=True):
    """The order's time in force ended."""


class OrderTriggered(VenueOrderEvent, kw_only=True):
    """The order's trigger price was reached."""


class OrderPendingUpdate(VenueOrderEvent, kw_only=True):
    """An amendment was sent to the venue."""


class OrderPendingCancel(VenueOrderEvent, kw_only=True):
    """A cancel request was sent to the venue."""


class OrderModifyRejected(VenueOrderEvent, kw_only=True):
    """The venue refused an amendment; the order is unchanged."""

    reason: Text = ""


class OrderCancelRejected(VenueOrderEvent, kw_only=True):
    """The venue refused a cancel request; the order is unchanged."""

    reason: Text = ""


class OrderUpdated(VenueOrderEvent, kw_only=True):
    """The order has a new quantity, price or trigger price. A null price is unchanged.

    `is_quote_quantity` is the unit of the quantity; NautilusTrader 1.221 does not send it.
    """

    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    is_quote_quantity: Any = None


class OrderFilled(VenueOrderEvent, kw_only=True):
    """A trade. `commission` is money ("0.13000000 USDT") and may be in another currency than `currency`."""

    account_id: Identifier = ""
    trade_id: Identifier
    position_id: Identifier | None = None
    order_side: OrderSide
    order_type: Any = None
    last_qty: Decimal
    last_px: Decimal
    currency: Identifier
    commission: Text | None = None
    liquidity_side: LiquiditySide = LiquiditySide.NO_LIQUIDITY_SIDE
    commission_amount: Decimal = Decimal(0)
    commission_currency: str = ""

    @property
    def order_type_named(self) -> OrderType:
        """The order's type; UNKNOWN if the fill names no known type."""
        return _ORDER_TYPES.get(self.order_type, _UNKNOWN) if isinstance(self.order_type, str) else _UNKNOWN


class PositionEvent(Struct, tag_field="type", tag=True, kw_only=True):
    """The engine's report of a position: compared with the ledger (`rules.reconciliation`), never adopted."""

    trader_id: Identifier
    strategy_id: Identifier
    instrument_id: Identifier
    position_id: Identifier
    opening_order_id: Identifier
    event_id: str
    ts_event: Instant | None = None
    ts_closed: Instant | None = None
    ts_init: Instant
    entry: Any = None
    quantity: Any = None
    avg_px_open: Any = None
    avg_px_close: Any = None
    realized_pnl: Any = None


class PositionOpened(PositionEvent, kw_only=True):
    """A position was opened."""


class PositionChanged(PositionEvent, kw_only=True):
    """The quantity of a position changed."""


class PositionClosed(PositionEvent, kw_only=True):
    """A position was closed. The event has `ts_closed` instead of `ts_event`."""


@final
class SignalPublished(Struct, kw_only=True):
    """A value that a strategy or an actor published under a name. The engine gives it no id. `value` is JSON text."""

    name: Identifier
    value: str
    ts_event: Instant
    ts_init: Instant
    event_id: str = ""
    trader_id: Identifier | None = None
    strategy_id: Identifier | None = None
    instrument_id: Identifier | None = None


AnyOrderEvent = (
    OrderInitialized
    | OrderDenied
    | OrderEmulated
    | OrderReleased
    | OrderSubmitted
    | OrderAccepted
    | OrderRejected
    | OrderCanceled
    | OrderExpired
    | OrderTriggered
    | OrderPendingUpdate
    | OrderPendingCancel
    | OrderModifyRejected
    | OrderCancelRejected
    | OrderUpdated
    | OrderFilled
)
AnyDecision = AuthorizationGranted | AuthorizationDenied
AnyAuthorizationEvent = AnyDecision | AuthorizationReleased
OrderHistoryEvent = AnyOrderEvent | AnyAuthorizationEvent
"""The events that an order is folded from."""
AnyOwnEvent = AnyAuthorizationEvent | QuarantineResolved
"""The events that Purser adds to an order's history. Engines may not send them."""
AnyPositionEvent = PositionOpened | PositionChanged | PositionClosed
POSITION_EVENTS = frozenset(get_args(AnyPositionEvent))
"""For lookups by exact type: `isinstance` takes six times as long, because these classes have an abstract metaclass."""
EngineEvent = AnyOrderEvent | AnyPositionEvent | SignalPublished
