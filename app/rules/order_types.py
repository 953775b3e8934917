"""Which prices an order of each type has, as NautilusTrader's classes take them (`model/orders`)."""

from enum import Enum

from app.rules.enums import OrderType


class Presence(Enum):
    """Whether an order of a type has a price of a kind."""

    NEVER = "never"
    MAYBE = "maybe"
    ALWAYS = "always"


_NEVER, _MAYBE, _ALWAYS = Presence

LIMIT_PRICE: dict[OrderType, Presence] = {
    OrderType.MARKET: _NEVER,
    OrderType.LIMIT: _ALWAYS,
    OrderType.STOP_MARKET: _NEVER,
    OrderType.STOP_LIMIT: _ALWAYS,
    OrderType.MARKET_TO_LIMIT: _NEVER,
    OrderType.MARKET_IF_TOUCHED: _NEVER,
    OrderType.LIMIT_IF_TOUCHED: _ALWAYS,
    OrderType.TRAILING_STOP_MARKET: _NEVER,
    # It may be left to the offset from the market.
    OrderType.TRAILING_STOP_LIMIT: _MAYBE,
    OrderType.UNKNOWN: _MAYBE,
}

TRIGGER_PRICE: dict[OrderType, Presence] = {
    OrderType.MARKET: _NEVER,
    OrderType.LIMIT: _NEVER,
    OrderType.STOP_MARKET: _ALWAYS,
    OrderType.STOP_LIMIT: _ALWAYS,
    OrderType.MARKET_TO_LIMIT: _NEVER,
    OrderType.MARKET_IF_TOUCHED: _ALWAYS,
    OrderType.LIMIT_IF_TOUCHED: _ALWAYS,
    OrderType.TRAILING_STOP_MARKET: _MAYBE,
    OrderType.TRAILING_STOP_LIMIT: _MAYBE,
    OrderType.UNKNOWN: _MAYBE,
}
