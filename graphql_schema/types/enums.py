"""Enumerations: the engine's, and the names of orders, groups and buckets. Every value says what it means."""

from enum import Enum
from typing import Any

import strawberry

from app.rules import enums


def value(name: str, description: str) -> Any:
    """A value of an enumeration of our own."""
    return strawberry.enum_value(name, description=description)


_ENGINES: dict[type[Enum], tuple[str, ...]] = {
    enums.OrderSide: ("Buys.", "Sells.", "No event of the order tells its side. No value to ask with."),
    enums.OrderStatus: (
        "Made by the strategy, not yet on its way.",
        "Refused by us, before it left.",
        "Held by the engine, which emulates its type.",
        "Released from emulation.",
        "On its way to the venue.",
        "Working at the venue.",
        "Refused by the venue.",
        "Canceled; late fills may still come.",
        "Ended by its time in force.",
        "Its trigger price was reached.",
        "A change was asked for.",
        "Its cancellation was asked for.",
        "Filled in part.",
        "Filled.",
    ),
    enums.OrderType: (
        "At any price.",
        "At its price or better.",
        "At any price, once the trigger price is reached.",
        "At its price or better, once the trigger price is reached.",
        "At any price; what is left becomes a limit order.",
        "At any price, once the trigger price is touched from its favourable side.",
        "At its price or better, once the trigger price is touched from its favourable side.",
        "At any price, once a trigger price that follows the market is reached.",
        "At its price or better, once a trigger price that follows the market is reached.",
        "No event of the order tells its type. No value to ask with.",
    ),
    enums.TimeInForce: (
        "Until it is canceled.",
        "At once, the rest is canceled.",
        "At once and whole, or not at all.",
        "Until an instant.",
        "Until the trading day ends.",
        "At the opening.",
        "At the close.",
        "No event of the order tells it. No value to ask with.",
    ),
    enums.QuantitySource: (
        "By an event of the engine, or by what was authorized.",
        "It follows from events that do not state it, and a later event may correct it: an amount of the quote "
        "currency that its fills used up, a primary order that others were spawned from, an order that explains a "
        "position's difference.",
        "No event tells it: the engine found the order at the venue, and did not publish how it was made.",
    ),
    enums.QuarantineCode: (
        "Its order is not known: no OrderInitialized has come.",
        "The order's status does not allow it; it is tried again each time the order moves.",
        "The order has a fill of the same trade already. Where a venue reported two fills under one trade id, accept "
        "the second.",
        "Another content under its event id was recorded before, and stands.",
        "An admin dismissed it: it is kept, and never applied.",
    ),
    enums.QuarantineAction: (
        "Apply it as if it had come so: against the order's status, as a trade of its own, or to an order that is made "
        "from what its events tell.",
        "Keep it and never apply it.",
    ),
    enums.LiquiditySide: ("Added liquidity.", "Took liquidity.", "The engine did not say."),
    enums.PositionSide: ("Holds what gains as prices rise.", "Owes what gains as prices fall.", "Holds nothing."),
    enums.PositionStatus: ("Holds a quantity.", "Holds nothing any more."),
    enums.TradingState: ("May trade.", "May only reduce what it holds.", "May not trade."),
    enums.BudgetOverReason: ("Its cap was cut below what was reserved.", "The engine reported what cost more."),
    enums.AuthorizationStatus: (
        "It may leave.",
        "It may not leave.",
        "It was given up before it left.",
        "It was denied or released, and left all the same.",
    ),
    enums.DenyCode: (
        "It takes more than is available.",
        "The strategy has no budget in the currency.",
        "The budget ties up more than it allows.",
        "The strategy is halted, or all trading is.",
        "The strategy, or all trading, may only reduce what is held.",
        "There is no price to value it at: ask under a new id with a `referencePrice`.",
        "The instrument is not known, nor what it settles in: ask under a new id with a `currency`.",
        "An open order of the strategy has a need that is not known; the reason names it and what would mend it.",
    ),
    enums.InstrumentSource: (
        "Recorded, by an engine or a person.",
        "Assumed since its first fill: linear, multiplier 1, settled in the currency of its prices.",
    ),
    enums.Valuation: (
        "By the recorded terms of the instrument.",
        "By assumed terms, and the engine's own reports of the position give the same amounts. That is so once it "
        "realized something: a report without a realized amount confirms no terms.",
        "By assumed terms, which nothing confirms: linear, multiplier 1, settled in the currency of its prices.",
        "Not at all: the instrument or a price is not known.",
    ),
    enums.Reconciliation: (
        "The engine reported nothing of it.",
        "The reports agree, within the engine's rounding.",
        "A report differs: `discrepancies` has the figures.",
    ),
    enums.DiscrepancyKind: (
        "The ledger has no fill that explains the report.",
        "The held quantity, signed.",
        "The average open price.",
        "The average close price.",
        "The currency of the realized PnL: the instrument's terms are wrong or assumed.",
        "The realized PnL, net of commissions in its currency.",
    ),
}

for _enum, _descriptions in _ENGINES.items():
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())
    for _value, _description in zip(
        _enum.__strawberry_definition__.values,  # type: ignore[attr-defined]
        _descriptions,
        strict=True,
    ):
        _value.description = _description


@strawberry.enum(description="Smallest first, or largest first.")
class SortDirection(Enum):
    """Smallest first, or largest first."""

    ASC = value("ASC", "Smallest or earliest first.")
    DESC = value("DESC", "Largest or latest first.")


@strawberry.enum(description="How far an act reaches beyond what it names.")
class TradingScope(Enum):
    """How far an act reaches."""

    ALL = value("ALL", "All trading: every strategy, those to come included.")


@strawberry.enum(description="What orders can be sorted by.")
class OrderSortField(Enum):
    """What orders can be sorted by; the values are the catalogue's names."""

    TS_INIT = value("ts_init", "When it was made.")
    TS_LAST = value("ts_last", "When it changed last.")
    CLIENT_ORDER_ID = value("client_order_id", "The engine's id.")
    QUANTITY = value("quantity", "The ordered quantity.")
    INSTRUMENT_ID = value("instrument_id", "The instrument.")
    STATUS = value("status", "The status, by its name.")


@strawberry.enum(description="What fills can be sorted by.")
class FillSortField(Enum):
    """What fills can be sorted by; the values are the catalogue's names."""

    TS_EVENT = value("ts_event", "When it happened.")
    LAST_QTY = value("last_qty", "The filled quantity.")
    LAST_PX = value("last_px", "The price.")
    INSTRUMENT_ID = value("instrument_id", "The instrument.")


@strawberry.enum(description="What fills can be grouped by.")
class FillGroup(Enum):
    """What fills can be grouped by; the values are the catalogue's names."""

    STRATEGY = value("strategy_id", "The strategy.")
    INSTRUMENT = value("instrument_id", "The instrument.")
    SIDE = value("side", "Bought or sold.")
    CURRENCY = value(
        "currency",
        "The currency of the amounts: `Fill.settlementCurrency`, not `Fill.currency`; a commission counts under its "
        "own.",
    )
    DAY = value("day", "The day, in UTC.")


@strawberry.enum(description="What performance can be grouped by, besides the currency.")
class PerformanceGroup(Enum):
    """What performance can be grouped by; the values are the catalogue's names."""

    STRATEGY = value("strategy_id", "The strategy.")
    INSTRUMENT = value("instrument_id", "The instrument.")


@strawberry.enum(description="What one point of an equity curve stands for. Bars begin where they do in the time zone.")
class Granularity(Enum):
    """What one point of an equity curve stands for; the values are the read side's."""

    FILL = value("fill", "A fill; or a commission that was paid in another currency than its fill's.")
    HOUR = value("hour", "An hour.")
    DAY = value("day", "A day.")
    WEEK = value("week", "A week from Monday on.")
    MONTH = value("month", "A month.")


@strawberry.enum(description="How long one point of a curve lasts. `Granularity` has the same, and fills.")
class TimeBucket(Enum):
    """How long one point of a curve lasts; the values are the read side's."""

    HOUR = value("hour", "An hour.")
    DAY = value("day", "A day.")
    WEEK = value("week", "A week from Monday on.")
    MONTH = value("month", "A month.")
