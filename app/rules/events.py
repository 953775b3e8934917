"""The events of orders, positions and signals. Field names and meanings are NautilusTrader's (`model/events`).

A field of type Any was ignored by earlier releases, so stored events may have any value there. A property reads it and
takes an unexpected value for none; where the property has the engine's name, the field's own is `<name>_raw`.
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
    # In the stored form also RFC 3339 text, which `app.event_codec` converts to nanoseconds.
    Instant = int | str


def is_identifier(value: object) -> bool:
    """Whether a field of type Any holds what an Identifier may be."""
    return isinstance(value, str) and 1 <= len(value) <= IDENTIFIER_LENGTH_MAX


class OrderEvent(Struct, tag_field="type", tag=True, kw_only=True):
    """What every event of an order carries. Instants are nanoseconds since the epoch."""

    trader_id: Identifier
    strategy_id: Identifier
    instrument_id: Identifier
    client_order_id: Identifier
    event_id: str
    ts_event: Instant
    ts_init: Instant


class OrderInitialized(OrderEvent, tag=True, kw_only=True):
    """An order exists. Amounts are in units of the instrument; `options` has the prices.

    An order that the engine emulates is initialized a second time when its trigger is met: as the order that it then
    sends, with `emulation_trigger` NO_TRIGGER (`execution/emulator`).
    """

    order_side: OrderSide
    order_type: OrderType
    quantity: Decimal
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    options: dict[str, Any] | str | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    tags: list[Text] | None = None
    emulation_trigger: Text | None = None
    quote_quantity: Any = False
    exec_algorithm_id: Any = None
    exec_spawn_id_raw: Any = field(default=None, name="exec_spawn_id")

    @property
    def is_quote_quantity(self) -> bool:
        """Whether `quantity` is an amount of the quote currency."""
        return self.quote_quantity is True

    @property
    def is_routed(self) -> bool:
        """Whether an execution algorithm works the order, and may spawn others from it."""
        return isinstance(self.exec_algorithm_id, str)

    @property
    def exec_spawn_id(self) -> str | None:
        """The primary order that an execution algorithm spawned this one from; None where the order names itself."""
        primary = self.exec_spawn_id_raw
        if primary is None or primary == self.client_order_id or not is_identifier(primary):
            return None
        return primary  # type: ignore[no-any-return]

    @property
    def spawned_qty(self) -> Decimal | None:
        """What the order took off its primary order, if it has one."""
        return None if self.exec_spawn_id_raw is None or self.exec_spawn_id is None else self.quantity

    @property
    def tag_list(self) -> list[str]:
        """The tags, none where the event has null."""
        return self.tags or []

    @property
    def is_emulated(self) -> bool:
        """Whether the engine's own emulator holds the order back until its trigger is met."""
        return self.emulation_trigger not in (None, "NO_TRIGGER")


class AuthorizationGranted(OrderEvent, tag=True, kw_only=True, omit_defaults=True):
    """Purser's own: the order may be submitted. Fields are those of the request by `actor`; defaults are omitted."""

    order_side: OrderSide
    order_type: OrderType
    quantity: Decimal
    actor: str
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reference_price: Decimal | None = None
    currency: str | None = None
    signal_id: str | None = None
    tags: list[Text] | None = None
    quote_quantity: bool = False
    budget_currency: str | None = None
    """Of the budget that decided; None where the currency is not known."""

    @property
    def is_quote_quantity(self) -> bool:
        """Whether `quantity` is an amount of the quote currency."""
        return self.quote_quantity is True

    @property
    def tag_list(self) -> list[str]:
        """The tags, none where the event has null."""
        return self.tags or []


class AuthorizationDenied(AuthorizationGranted, tag=True, kw_only=True, omit_defaults=True):
    """Purser's own: the order may not be submitted. `reason` has the numbers."""

    code: DenyCode
    reason: str


class AuthorizationReleased(OrderEvent, tag=True, kw_only=True):
    """Purser's own: `actor` released an order that was never submitted."""

    actor: str


class QuarantineResolved(OrderEvent, tag=True, kw_only=True):
    """Purser's own: the decision of `actor` on a quarantined event, named by `resolves` and `variant`."""

    resolves: str
    variant: int
    action: QuarantineAction
    reason: str
    actor: str


class OrderDenied(OrderEvent, tag=True, kw_only=True):
    """Refused before it left."""

    reason: Text = ""


class OrderEmulated(OrderEvent, tag=True, kw_only=True):
    """Held back by the engine's own order emulator."""


class OrderReleased(OrderEvent, tag=True, kw_only=True):
    """Let go by the emulator, at the market price that met its trigger."""

    released_price: Any = None

    @property
    def price(self) -> Decimal | None:
        """The market's price at that moment; None where the event has none that could be stored."""
        price = read_decimal(self.released_price) if isinstance(self.released_price, str) else None
        return price if price is not None and is_storable(price) else None


class OrderSubmitted(OrderEvent, tag=True, kw_only=True):
    """Sent to the venue."""

    account_id: Identifier | None = None


class VenueOrderEvent(OrderEvent, kw_only=True):
    """An event that the venue may have put its own order id on."""

    venue_order_id: Identifier | None = None
    account_id: Identifier | None = None
    reconciliation: Any = False

    @property
    def is_reconciliation(self) -> bool:
        """Whether the engine made the event from a venue's report. The order may have no OrderInitialized then."""
        return self.reconciliation is True


class OrderAccepted(VenueOrderEvent, tag=True, kw_only=True):
    """Working at the venue."""


class OrderRejected(VenueOrderEvent, tag=True, kw_only=True):
    """Refused by the venue."""

    reason: Text = ""


class OrderCanceled(VenueOrderEvent, tag=True, kw_only=True):
    """Canceled at the venue."""


class OrderExpired(VenueOrderEvent, tag=True, kw_only=True):
    """Its time in force ran out."""


class OrderTriggered(VenueOrderEvent, tag=True, kw_only=True):
    """Its trigger price was touched."""


class OrderPendingUpdate(VenueOrderEvent, tag=True, kw_only=True):
    """An amendment is on its way to the venue."""


class OrderPendingCancel(VenueOrderEvent, tag=True, kw_only=True):
    """A cancel is on its way to the venue."""


class OrderModifyRejected(VenueOrderEvent, tag=True, kw_only=True):
    """The venue refused an amendment; the order stands as before."""

    reason: Text = ""


class OrderCancelRejected(VenueOrderEvent, tag=True, kw_only=True):
    """The venue refused a cancel; the order stands as before."""

    reason: Text = ""


class OrderUpdated(VenueOrderEvent, tag=True, kw_only=True):
    """The order has a new quantity, price or trigger price; null leaves a price as it was.

    `is_quote_quantity` is what unit the quantity is in; NautilusTrader 1.221 does not have it.
    """

    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    is_quote_quantity: Any = None


class OrderFilled(VenueOrderEvent, tag=True, kw_only=True):
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
        """The order's type; UNKNOWN where the fill names none that we know."""
        return _ORDER_TYPES.get(self.order_type, _UNKNOWN) if isinstance(self.order_type, str) else _UNKNOWN


class PositionEvent(Struct, tag_field="type", tag=True, kw_only=True):
    """What the engine says of a position: compared with the ledger's figures, never used to set one.

    Its figures are read by `rules.reconciliation`, which knows what to do with those that it cannot read.
    """

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


class PositionOpened(PositionEvent, tag=True, kw_only=True):
    """A position holds a quantity."""


class PositionChanged(PositionEvent, tag=True, kw_only=True):
    """A position holds another quantity."""


class PositionClosed(PositionEvent, tag=True, kw_only=True):
    """A position is flat. Carries `ts_closed` in place of `ts_event`."""


@final
class SignalPublished(Struct, kw_only=True):
    """A value that a strategy or an actor published under a name; the engine gives it no id. `value` is JSON text."""

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
AnyAuthorizationEvent = AuthorizationGranted | AuthorizationDenied | AuthorizationReleased
OrderHistoryEvent = AnyOrderEvent | AnyAuthorizationEvent
"""What an order is folded from."""
AnyOwnEvent = AnyAuthorizationEvent | QuarantineResolved
"""What Purser itself adds to an order's history; no engine may send these."""
AnyPositionEvent = PositionOpened | PositionChanged | PositionClosed
POSITION_EVENTS = frozenset(get_args(AnyPositionEvent))
"""To look an exact type up: `isinstance` takes six times as long with these classes, whose metaclass is abstract."""
EngineEvent = AnyOrderEvent | AnyPositionEvent | SignalPublished
