"""NautilusTrader's enumerations, by its names."""

from enum import StrEnum


class OrderSide(StrEnum):
    """Which way an order or a fill goes. NO_ORDER_SIDE: no event of the order has said it."""

    BUY = "BUY"
    SELL = "SELL"
    NO_ORDER_SIDE = "NO_ORDER_SIDE"


TRADED_SIDES = (OrderSide.BUY, OrderSide.SELL)
"""The sides that a fill, a position, or an order that is to be sent can have."""


class OrderStatus(StrEnum):
    """Where an order stands. DENIED: refused before it left; REJECTED: refused by the venue."""

    INITIALIZED = "INITIALIZED"
    DENIED = "DENIED"
    EMULATED = "EMULATED"
    RELEASED = "RELEASED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    TRIGGERED = "TRIGGERED"
    PENDING_UPDATE = "PENDING_UPDATE"
    PENDING_CANCEL = "PENDING_CANCEL"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"


class OrderType(StrEnum):
    """How an order is priced and triggered. UNKNOWN: no event of the order has said it."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_MARKET = "STOP_MARKET"
    STOP_LIMIT = "STOP_LIMIT"
    MARKET_TO_LIMIT = "MARKET_TO_LIMIT"
    MARKET_IF_TOUCHED = "MARKET_IF_TOUCHED"
    LIMIT_IF_TOUCHED = "LIMIT_IF_TOUCHED"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"
    TRAILING_STOP_LIMIT = "TRAILING_STOP_LIMIT"
    UNKNOWN = "UNKNOWN"


class TimeInForce(StrEnum):
    """How long an order stays open. UNKNOWN: no event of the order has said it."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"
    DAY = "DAY"
    AT_THE_OPEN = "AT_THE_OPEN"
    AT_THE_CLOSE = "AT_THE_CLOSE"
    UNKNOWN = "UNKNOWN"


class QuantitySource(StrEnum):
    """How an order's quantity is known: an event states it, it follows from events that do not, or not at all."""

    REPORTED = "REPORTED"
    INFERRED = "INFERRED"
    UNKNOWN = "UNKNOWN"


class LiquiditySide(StrEnum):
    """Whether a fill added or took liquidity."""

    MAKER = "MAKER"
    TAKER = "TAKER"
    NO_LIQUIDITY_SIDE = "NO_LIQUIDITY_SIDE"


class PositionSide(StrEnum):
    """Which way a position stands."""

    LONG = "LONG"
    SHORT = "SHORT"
    FLAT = "FLAT"


class PositionStatus(StrEnum):
    """Whether a position still holds a quantity."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class TradingState(StrEnum):
    """What a strategy may do: anything, only reduce risk, or nothing."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class AuthorizationStatus(StrEnum):
    """What became of the question whether an order may leave. OVERRULED: it left all the same."""

    GRANTED = "GRANTED"
    DENIED = "DENIED"
    RELEASED = "RELEASED"
    OVERRULED = "OVERRULED"


class DenyCode(StrEnum):
    """Why an order may not leave."""

    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    NO_BUDGET = "NO_BUDGET"
    BUDGET_OVER = "BUDGET_OVER"
    TRADING_HALTED = "TRADING_HALTED"
    TRADING_REDUCING = "TRADING_REDUCING"
    NO_REFERENCE_PRICE = "NO_REFERENCE_PRICE"
    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
    UNVALUED_ORDER = "UNVALUED_ORDER"


class BudgetOverReason(StrEnum):
    """What made a budget tie up more than it allows: its cap was cut, or the engine reported facts."""

    CUT = "CUT"
    FILL = "FILL"


class JournalReason(StrEnum):
    """What changed a budget."""

    SET = "SET"
    DELETED = "DELETED"
    AUTHORIZED = "AUTHORIZED"
    RELEASED = "RELEASED"
    HELD = "HELD"
    REPRICED = "REPRICED"
    FILLED = "FILLED"
    VOIDED = "VOIDED"
    REVALUED = "REVALUED"


class InstrumentSource(StrEnum):
    """How the terms of an instrument are known. ASSUMED: linear, multiplier 1, settled in its fills' currency."""

    RECORDED = "RECORDED"
    ASSUMED = "ASSUMED"


class Reconciliation(StrEnum):
    """How a position compares with what the engine reports of it."""

    NOT_REPORTED = "NOT_REPORTED"
    AGREES = "AGREES"
    DIFFERS = "DIFFERS"


class DiscrepancyKind(StrEnum):
    """In what the engine's report of a position differs from the ledger."""

    FILL_MISSING = "FILL_MISSING"
    QUANTITY = "QUANTITY"
    AVG_PX_OPEN = "AVG_PX_OPEN"
    AVG_PX_CLOSE = "AVG_PX_CLOSE"
    CURRENCY = "CURRENCY"
    REALIZED_PNL = "REALIZED_PNL"


class Valuation(StrEnum):
    """What an amount rests on."""

    RECORDED = "RECORDED"
    REPORTED = "REPORTED"
    ASSUMED = "ASSUMED"
    UNVALUED = "UNVALUED"


class QuarantineCode(StrEnum):
    """Why a stored event is not applied."""

    ORDER_UNKNOWN = "ORDER_UNKNOWN"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    REPEATED_TRADE = "REPEATED_TRADE"
    CONFLICTING_CONTENT = "CONFLICTING_CONTENT"
    DISMISSED = "DISMISSED"


class QuarantineAction(StrEnum):
    """What to do with an event in quarantine."""

    ACCEPT = "ACCEPT"
    DISMISS = "DISMISS"
