"""Strategies, orders, fills, positions, signals, instruments. A field's Python name is its name in the catalogue."""

from typing import Optional
from uuid import UUID

from app.rules.enums import (
    AuthorizationStatus,
    DiscrepancyKind,
    InstrumentSource,
    LiquiditySide,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    PositionStatus,
    QuantitySource,
    QuarantineAction,
    QuarantineCode,
    Reconciliation,
    TimeInForce,
    TradingState,
    Valuation,
)
from graphql_schema.schema.inputs import FILLS, ORDERS, POSITIONS, STRATEGY_PERFORMANCE
from graphql_schema.types.administration import Budget, Hold
from graphql_schema.types.fields import FORWARD, PAGE, described, object_type, read_field
from graphql_schema.types.relay import Connection, Node
from graphql_schema.types.scalars import Amount, Document, Instant
from graphql_schema.types.statistics import Performance

_ITS_TERMS = (
    "The instrument's terms, assumed if never recorded. Null only if the instrument is missing from the ledger."
)


@object_type
class Instrument(Node):
    """The contract terms that turn quantities of an instrument into amounts of money."""

    instrument_id: str = described("The instrument's id, for example `BTCUSDT.BINANCE`.")
    source: InstrumentSource = described("Whether the terms are recorded or assumed.")
    kind: str | None = described("The engine's instrument class, for example `CryptoPerpetual`; null if not recorded.")
    base_currency: str | None = described("The base currency; null if the instrument has none or it is unknown.")
    quote_currency: str = described("The quote currency: the currency of prices.")
    settlement_currency: str = described("The currency of PnL, position cost and holds.")
    multiplier: Amount = described("The contract multiplier: units of the underlying in one unit of quantity.")
    is_inverse: bool = described(
        "Whether the instrument is inverse: notional value = quantity x multiplier / price, in the base currency."
    )


@object_type
class Strategy(Node):
    """One strategy of a trader."""

    strategy_id: UUID = described(
        "Derived from the trader's id and the strategy's name, and therefore the same in every database."
    )
    name: str = described("The engine's id of the strategy.")
    trader_id: str = described("The trader's id.")
    state: TradingState = described(
        "The effective trading state: the stricter of `ownState` and the global `tradingState`."
    )
    own_state: TradingState = described("The strategy's own trading state; the global `tradingState` may allow less.")
    created_at: Instant = described("When the strategy was first recorded.")
    budgets: list[Budget] = described("The strategy's budgets, one for each currency, oldest first.")

    orders: Connection["Order"] = read_field("The strategy's orders; by default newest first.", **ORDERS)
    fills: Connection["Fill"] = read_field("The strategy's fills; by default newest first.", **FILLS)
    positions: Connection["Position"] = read_field("The strategy's positions, most recently opened first.", **POSITIONS)
    signals: Connection["Signal"] = read_field("The strategy's signals, newest first.", **PAGE)
    performance: list[Performance] = read_field(
        "The strategy's performance by currency. Sums over whole days in UTC are read from kept totals; "
        "drawdowns and single points are computed over all fills of the span.",
        **STRATEGY_PERFORMANCE,
    )


@object_type
class Order(Node):
    """An order in its current state."""

    client_order_id: str = described("The engine's order id, unique within the strategy.")
    venue_order_id: str | None = described("The venue's order id; null until the venue assigned one.")
    strategy: Strategy = described("The strategy.")
    strategy_id: UUID = described("The strategy's id.")
    trader_id: str = described("The trader's id.")
    account_id: str | None = described("The account's id; null while unknown.")
    instrument_id: str = described("The instrument's id, for example `BTCUSDT.BINANCE`.")
    position_id: str | None = described("The id of the position that the order belongs to; null while unknown.")
    side: OrderSide = described("The order side.")
    order_type: OrderType = described("The order type.", "type")
    time_in_force: TimeInForce = described("How long the order remains in force.")
    status: OrderStatus = described("The order status.")
    quantity: Amount = described(
        "The ordered quantity, in units of the instrument or, while `isQuoteQuantity` is true, in the "
        "quote currency. If no event states it (`quantitySource`), at least the filled quantity."
    )
    is_quote_quantity: bool = described(
        "Whether `quantity` and `leavesQty` are amounts of the quote currency. It turns false when an "
        "event states the quantity in units, or when the fills have used the amount up."
    )
    quantity_source: QuantitySource = described("Whether `quantity` is reported, inferred or unknown.")
    filled_qty: Amount = described("The filled quantity, in units of the instrument.")
    filled_notional: Amount = described("The sum of quantity x price over the order's fills, without the multiplier.")
    leaves_qty: Amount = described(
        "The quantity left to fill, in the unit of `quantity`. 0 if the order is overfilled or its quantity unknown."
    )
    price: Amount | None = described("The limit price.")
    trigger_price: Amount | None = described("The trigger price.")
    avg_px: Amount | None = described("The average fill price.")
    reduce_only: bool = described("Whether the order may only reduce a position.")
    post_only: bool = described("Whether the order may only add liquidity.")
    overfilled: bool = described("Whether more was filled than ordered.")
    overfill_qty: Amount = described(
        "The quantity filled beyond the ordered quantity; 0 if that is an amount of the quote currency or unknown."
    )
    mismatched: bool = described(
        "Whether a fill names another side or instrument than the order. Such a fill counts as reported "
        "in positions and PnL, and in the order's filled quantity."
    )
    exec_spawn_id: str | None = described(
        "The `clientOrderId` of the primary order that an execution algorithm spawned this order from. "
        "The engine does not publish by how much spawned orders reduce the primary's quantity: the "
        "primary's `quantitySource` is INFERRED."
    )
    authorization_status: AuthorizationStatus | None = described(
        "The outcome of the order's authorization; null if none was requested."
    )
    deny_reason: str | None = described("Why the order was denied or rejected.")
    tags: list[str] = described("Free-form labels of the strategy.")
    instrument: Instrument | None = described(
        "The instrument's terms; null if it was neither recorded nor traded within the scope of the API key."
    )
    valuation: Valuation = described("The basis of the order's hold; `UNVALUED` if its need for capital is unknown.")
    ts_init: Instant = described("When the order was initialized.")
    ts_last: Instant = described("When it last changed.")
    signal: Optional["Signal"] = described("The signal that caused the order; null if none was named.")
    hold: Hold | None = described(
        "The order's hold, including released ones; null if the order cannot be valued or never had one."
    )

    fills: Connection["Fill"] = read_field("The fills, newest first.", **PAGE)
    events: Connection["OrderEvent"] = read_field(
        "The engine's events of the order and Purser's own decisions on it, newest first.", **PAGE
    )


@object_type
class Fill(Node):
    """One fill of an order."""

    trade_id: str = described("The venue's trade id.")
    order: Order = described("The order.")
    client_order_id: str = described("The engine's order id.")
    venue_order_id: str | None = described("The venue's order id.")
    strategy: Strategy = described("The strategy.")
    strategy_id: UUID = described("The strategy's id.")
    account_id: str | None = described("The account's id.")
    instrument_id: str = described("The instrument's id.")
    position_id: str | None = described("The id of the position that the fill changed.")
    side: OrderSide = described("The order side.")
    last_qty: Amount = described("The filled quantity.")
    last_px: Amount = described("The fill price.")
    currency: str = described(
        "The currency of the price. `FillFilter.currency` and `FillGroup.CURRENCY` refer to "
        "`settlementCurrency` instead."
    )
    commission: Amount = described("The commission; negative for a rebate.")
    commission_currency: str = described("The currency of the commission.")
    liquidity_side: LiquiditySide = described("Whether the fill added or took liquidity.")
    realized_pnl: Amount = described("The PnL realized by the fill, gross of commissions, in `settlementCurrency`.")
    settlement_currency: str = described(
        "The currency of `realizedPnl` and `notional`. `FillFilter.currency` and `FillGroup.CURRENCY` refer to it."
    )
    notional: Amount = described("The value of the filled quantity at the fill price, in `settlementCurrency`.")
    instrument: Instrument | None = described(_ITS_TERMS)
    valuation: Valuation = described("The basis of `realizedPnl` and `notional`.")
    event_id: UUID = described("The id of the engine's event.")
    ts_event: Instant = described("When the event happened.")


@object_type
class Position(Node):
    """One position, computed from its fills."""

    position_id: str = described(
        "The engine's position id; a netting account reuses it whenever the position reopens. If one id "
        "was used for two instruments, the second instrument's position is `ID@INSTRUMENT`."
    )
    strategy: Strategy = described("The strategy.")
    strategy_id: UUID = described("The strategy's id.")
    account_id: str | None = described("The account's id.")
    instrument_id: str = described("The instrument's id.")
    status: PositionStatus = described("Whether the position is open.")
    entry: OrderSide = described("The side of the opening order.")
    side: PositionSide = described("The current side.")
    signed_qty: Amount = described(
        "The signed quantity, negative if short; net of commissions in the base currency where the "
        "engine deducts them from the position."
    )
    quantity: Amount = described("The absolute quantity.")
    peak_qty: Amount = described("The largest absolute quantity so far.")
    avg_px_open: Amount = described("The average open price, weighted by quantity, as in NautilusTrader.")
    avg_px_close: Amount | None = described("The average close price.")
    currency: str = described("The currency of the amounts: the instrument's settlement currency.")
    realized_pnl: Amount = described("The realized PnL, gross of commissions; see `totalFees`.")
    total_fees: Amount = described("The commissions paid in `currency`.")
    instrument: Instrument | None = described(_ITS_TERMS)
    valuation: Valuation = described("The basis of the amounts.")
    reconciliation: Reconciliation = described(
        "Whether the engine's own reports of the position agree with the ledger."
    )
    ts_opened: Instant = described("When the position was opened.")
    ts_closed: Instant | None = described("When the position was closed; null while it is open.")

    fills: Connection[Fill] = read_field(
        "The fills, newest first; a fill that flips the position also belongs to the next one.", **PAGE
    )


@object_type
class Signal(Node):
    """A published signal of a strategy."""

    signal_id: UUID = described("The publisher's id, or one derived from the content.")
    strategy: Strategy | None = described("The strategy; null if the engine named none.")
    instrument_id: str | None = described("The instrument's id.")
    name: str = described("The signal's name.")
    value: Document = described("The signal's value.")
    ts_event: Instant = described("When the signal was published.")

    orders: Connection[Order] = read_field("The orders that the signal caused, newest first.", **FORWARD)


@object_type
class OrderEvent(Node):
    """An event of an order: reported by the engine, or a decision of Purser (`AuthorizationGranted`,
    `AuthorizationDenied`, `AuthorizationReleased`, `QuarantineResolved`). Events are immutable.
    """

    event_id: UUID = described("The event's id, assigned by the engine or by Purser.")
    type: str = described("The event type: the engine's name, for example `OrderFilled`, or one of Purser's own.")
    client_order_id: str = described("The engine's id of the order.")
    ts_event: Instant = described("When the event happened.")
    applied: bool = described("Whether the event is applied to the order.")
    quarantine_reason: str | None = described(
        "Why the event is not applied: a code, a colon and an explanation. The event is retried when its "
        "order changes, unless it was dismissed."
    )
    payload: Document = described("The complete event.")
    strategy_id: UUID = described("The strategy's id.")
    variant: int = described(
        "0 for the first content recorded under the event's id; further contents are quarantined and count from 1."
    )
    quarantine_code: QuarantineCode | None = described("Why the event is not applied; null if it is.")
    resolution: QuarantineAction | None = described("The action of an administrator (`resolveQuarantine`).")
    resolution_reason: str | None = described("The administrator's reason.")
    resolved_by: str | None = described("The API key that resolved the event, or `local`.")
    resolved_at: Instant | None = described("When the event was resolved.")


@object_type
class Discrepancy:
    """One figure that differs between the engine's report of a position and the ledger. It disappears when a late
    fill or a recorded instrument makes both agree.
    """

    event_id: UUID = described(
        "The id of the engine's report: a `PositionOpened`, `PositionChanged` or `PositionClosed` event."
    )
    kind: DiscrepancyKind = described("The figure that differs.")
    strategy: Strategy = described("The position's strategy.")
    strategy_id: UUID = described("The strategy's id.")
    position: Position | None = described(
        "The position in the ledger; null if no fill explains the report (`FILL_MISSING`)."
    )
    position_id: str = described("The position's id in the engine's report.")
    instrument_id: str = described("The instrument's id.")
    ts_event: Instant = described("The instant of the fill that the report follows.")
    ledger_value: str | None = described("The ledger's figure; null if the ledger has no such fill.")
    engine_value: str = described("The engine's figure.")
