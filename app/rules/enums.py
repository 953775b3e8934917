"""NautilusTrader's enumerations under its names, Purser's own, and the prices that each order type has."""

from enum import Enum, StrEnum


class OrderSide(StrEnum):
    """The side of an order or fill."""

    BUY = "BUY"
    SELL = "SELL"
    NO_ORDER_SIDE = "NO_ORDER_SIDE"


TRADED_SIDES = (OrderSide.BUY, OrderSide.SELL)
"""The sides that a fill, a position or an order to submit can have."""


class OrderStatus(StrEnum):
    """The status of an order."""

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
    """The type of an order."""

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
    """How long an order remains in force."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"
    DAY = "DAY"
    AT_THE_OPEN = "AT_THE_OPEN"
    AT_THE_CLOSE = "AT_THE_CLOSE"
    UNKNOWN = "UNKNOWN"


class QuantitySource(StrEnum):
    """How the quantity of an order is known."""

    REPORTED = "REPORTED"
    INFERRED = "INFERRED"
    UNKNOWN = "UNKNOWN"


class LiquiditySide(StrEnum):
    """Whether a fill added or took liquidity."""

    MAKER = "MAKER"
    TAKER = "TAKER"
    NO_LIQUIDITY_SIDE = "NO_LIQUIDITY_SIDE"


class PositionSide(StrEnum):
    """The side of a position."""

    LONG = "LONG"
    SHORT = "SHORT"
    FLAT = "FLAT"


class PositionStatus(StrEnum):
    """The status of a position."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class TradingState(StrEnum):
    """What a strategy is allowed to do."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class AuthorizationStatus(StrEnum):
    """The outcome of an order's authorization."""

    GRANTED = "GRANTED"
    DENIED = "DENIED"
    RELEASED = "RELEASED"
    OVERRULED = "OVERRULED"


class DenyCode(StrEnum):
    """Why an order was denied."""

    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    NO_BUDGET = "NO_BUDGET"
    BUDGET_OVER = "BUDGET_OVER"
    TRADING_HALTED = "TRADING_HALTED"
    TRADING_REDUCING = "TRADING_REDUCING"
    NO_REFERENCE_PRICE = "NO_REFERENCE_PRICE"
    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
    UNVALUED_ORDER = "UNVALUED_ORDER"


class BudgetOverReason(StrEnum):
    """Why a budget's `reserved` exceeds its `allocated`."""

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
    """The source of an instrument's terms."""

    RECORDED = "RECORDED"
    ASSUMED = "ASSUMED"


class Reconciliation(StrEnum):
    """Whether the engine's reports of a position agree with the ledger."""

    NOT_REPORTED = "NOT_REPORTED"
    AGREES = "AGREES"
    DIFFERS = "DIFFERS"


class DiscrepancyKind(StrEnum):
    """The figure that differs between an engine's report of a position and the ledger."""

    FILL_MISSING = "FILL_MISSING"
    QUANTITY = "QUANTITY"
    AVG_PX_OPEN = "AVG_PX_OPEN"
    AVG_PX_CLOSE = "AVG_PX_CLOSE"
    CURRENCY = "CURRENCY"
    REALIZED_PNL = "REALIZED_PNL"


class Valuation(StrEnum):
    """The basis of an amount."""

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
    """The action to take on an event in quarantine."""

    ACCEPT = "ACCEPT"
    DISMISS = "DISMISS"


_STRICTNESS = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}


def stricter(one: TradingState, other: TradingState) -> TradingState:
    """The stricter of two states: HALTED before REDUCING before ACTIVE."""
    return one if _STRICTNESS[one] >= _STRICTNESS[other] else other


class Presence(Enum):
    """Whether an order of a given type has a price."""

    NEVER = "never"
    MAYBE = "maybe"
    ALWAYS = "always"


_NEVER, _MAYBE, _ALWAYS = Presence

PRICES: dict[OrderType, tuple[Presence, Presence]] = {
    OrderType.MARKET: (_NEVER, _NEVER),
    OrderType.LIMIT: (_ALWAYS, _NEVER),
    OrderType.STOP_MARKET: (_NEVER, _ALWAYS),
    OrderType.STOP_LIMIT: (_ALWAYS, _ALWAYS),
    OrderType.MARKET_TO_LIMIT: (_NEVER, _NEVER),
    OrderType.MARKET_IF_TOUCHED: (_NEVER, _ALWAYS),
    OrderType.LIMIT_IF_TOUCHED: (_ALWAYS, _ALWAYS),
    OrderType.TRAILING_STOP_MARKET: (_NEVER, _MAYBE),
    # A trailing stop may state its offset from the market instead.
    OrderType.TRAILING_STOP_LIMIT: (_MAYBE, _MAYBE),
    OrderType.UNKNOWN: (_MAYBE, _MAYBE),
}
"""Whether an order of a type has a limit price, and whether it has a trigger price."""
