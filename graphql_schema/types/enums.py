"""Enumerations: those of the ledger, and the names of orders, groups and buckets; each value with its meaning."""

from enum import Enum
from typing import Any

import strawberry

from app.reads.query import Granularity
from app.rules import enums
from graphql_schema.types.fields import enum_type


def value(name: str, description: str) -> Any:
    """A value of an enumeration of our own."""
    return strawberry.enum_value(name, description=description)


_DESCRIBED_HERE: dict[type[Enum], tuple[str, ...]] = {
    enums.OrderSide: ("Buy.", "Sell.", "No event of the order states its side. Not allowed as input."),
    enums.OrderStatus: (
        "Initialized by the strategy; not yet submitted.",
        "Denied before submission.",
        "Emulated by the engine.",
        "Released from emulation.",
        "Submitted to the venue.",
        "Accepted by the venue.",
        "Rejected by the venue.",
        "Canceled; late fills may still arrive.",
        "Expired: its time in force ended.",
        "Triggered: its trigger price was reached.",
        "A modification is pending.",
        "A cancellation is pending.",
        "Partially filled.",
        "Filled.",
    ),
    enums.OrderType: (
        "Executes at any price.",
        "Executes at its price or better.",
        "Becomes a market order once the trigger price is reached.",
        "Becomes a limit order once the trigger price is reached.",
        "Executes at any price; the rest becomes a limit order.",
        "Becomes a market order once the trigger price is touched from its favorable side.",
        "Becomes a limit order once the trigger price is touched from its favorable side.",
        "Becomes a market order once a trigger price that trails the market is reached.",
        "Becomes a limit order once a trigger price that trails the market is reached.",
        "No event of the order states its type. Not allowed as input.",
    ),
    enums.TimeInForce: (
        "Good till canceled.",
        "Immediate or cancel: the unfilled rest is canceled at once.",
        "Fill or kill: filled completely at once, or canceled.",
        "Good till date.",
        "Good until the end of the trading day.",
        "At the market open.",
        "At the market close.",
        "No event of the order states it. Not allowed as input.",
    ),
    enums.QuantitySource: (
        "An event of the engine or the authorization states it.",
        "Inferred from events that do not state it, and corrected by later events: an amount of the "
        "quote currency that fills used up, a primary order from which others were spawned, or an order "
        "that explains the difference of a position.",
        "No event states it: the engine found the order at the venue and did not publish its initialization.",
    ),
    enums.QuarantineCode: (
        "The order is unknown: no OrderInitialized was recorded.",
        "The order's status does not allow the event; it is retried whenever the order changes.",
        "The order already has a fill with this trade id. If the venue reported two fills under one "
        "trade id, accept the second.",
        "Other content was recorded under this event id before, and stands.",
        "An administrator dismissed the event: it is kept but never applied.",
    ),
    enums.QuarantineAction: (
        "Apply the event: in spite of the order's status, as a separate trade, or to an order created "
        "from what its events state.",
        "Keep the event but never apply it.",
    ),
    enums.LiquiditySide: ("The fill added liquidity.", "The fill took liquidity.", "The engine did not report it."),
    enums.PositionSide: ("Long: gains when prices rise.", "Short: gains when prices fall.", "Flat: no quantity."),
    enums.PositionStatus: ("The position has a quantity.", "The position has no quantity left."),
    enums.TradingState: (
        "Trading is allowed.",
        "Only orders that reduce a position are allowed.",
        "No orders are allowed.",
    ),
    enums.BudgetOverReason: (
        "The cap was set below what was already reserved.",
        "The engine reported fills or orders that cost more than was available.",
    ),
    enums.AuthorizationStatus: (
        "Granted: the order may be submitted.",
        "Denied: the order must not be submitted.",
        "Released before the order was submitted.",
        "Denied or released, but the engine submitted the order nevertheless.",
    ),
    enums.DenyCode: (
        "The order needs more capital than is available.",
        "The strategy has no budget in the currency.",
        "The budget's `reserved` already exceeds its `allocated`.",
        "The strategy, or all trading, is halted.",
        "The strategy, or all trading, may only reduce positions.",
        "No price is known to value the order: request again under a new order id with a `referencePrice`.",
        "Neither the instrument nor its settlement currency is known: request again under a new order id "
        "with a `currency`.",
        "An open order of the strategy has an unknown need for capital; `reason` names it and the remedy.",
    ),
    enums.InstrumentSource: (
        "Recorded by an engine, a person or an API key.",
        "Assumed since the first fill: linear, multiplier 1, settled in the quote currency.",
    ),
    enums.Valuation: (
        "The recorded terms of the instrument.",
        "Assumed terms, confirmed by the engine's own reports of the position. Reports confirm terms "
        "only once the position has realized PnL.",
        "Assumed terms without confirmation: linear, multiplier 1, settled in the quote currency.",
        "None: the instrument or a price is unknown.",
    ),
    enums.Reconciliation: (
        "The engine reported nothing.",
        "The reports agree, within the engine's rounding.",
        "A report differs; see `discrepancies`.",
    ),
    enums.DiscrepancyKind: (
        "The ledger has no fill that explains the report.",
        "The signed quantity.",
        "The average open price.",
        "The average close price.",
        "The currency of the realized PnL: the instrument's terms are wrong or assumed.",
        "The realized PnL, net of commissions in its currency.",
    ),
    Granularity: (
        "One fill, or one commission paid in a currency other than its fill's.",
        "One hour.",
        "One day.",
        "One week, starting on Monday.",
        "One month.",
    ),
}

for _enum, _descriptions in _DESCRIBED_HERE.items():
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())
    for _value, _description in zip(
        _enum.__strawberry_definition__.values,  # type: ignore[attr-defined]
        _descriptions,
        strict=True,
    ):
        _value.description = _description


@enum_type
class SortDirection(Enum):
    """The sort direction."""

    ASC = value("ASC", "Smallest or earliest first.")
    DESC = value("DESC", "Largest or latest first.")


@enum_type
class TradingScope(Enum):
    """The scope of a trading state."""

    ALL = value("ALL", "All trading: every strategy, including future ones.")


@enum_type
class OrderSortField(Enum):
    """The fields that orders can be sorted by."""

    TS_INIT = value("ts_init", "When the order was initialized.")
    TS_LAST = value("ts_last", "When it last changed.")
    CLIENT_ORDER_ID = value("client_order_id", "The engine's order id.")
    QUANTITY = value("quantity", "By ordered quantity.")
    INSTRUMENT_ID = value("instrument_id", "The instrument's id.")
    STATUS = value("status", "The order status, by name.")


@enum_type
class FillSortField(Enum):
    """The fields that fills can be sorted by."""

    TS_EVENT = value("ts_event", "When the event happened.")
    LAST_QTY = value("last_qty", "The filled quantity.")
    LAST_PX = value("last_px", "The fill price.")
    INSTRUMENT_ID = value("instrument_id", "The instrument's id.")


@enum_type
class FillGroup(Enum):
    """The dimensions that fills can be grouped by."""

    STRATEGY = value("strategy_id", "The strategy.")
    INSTRUMENT = value("instrument_id", "The instrument's id.")
    SIDE = value("side", "The order side.")
    CURRENCY = value(
        "currency",
        "The settlement currency, `Fill.settlementCurrency`; a commission counts in its own currency.",
    )
    DAY = value("day", "The day in UTC.")


@enum_type
class PerformanceGroup(Enum):
    """The dimensions, besides the currency, that performance can be grouped by."""

    STRATEGY = value("strategy_id", "The strategy.")
    INSTRUMENT = value("instrument_id", "The instrument's id.")


@enum_type
class TimeBucket(Enum):
    """The length of one bar of the equity curve."""

    HOUR = value("hour", "One hour.")
    DAY = value("day", "One day.")
    WEEK = value("week", "One week, starting on Monday.")
    MONTH = value("month", "One month.")
