"""Demonstration data besides the recordings. Every function may be repeated without effect."""

from decimal import Decimal
from uuid import UUID

from app.ledger.commands import AuthorizeOrder
from app.principal import Principal, Role
from app.resolvers import Context
from app.resolvers.authorizations import authorize_orders
from app.resolvers.budgets import set_budget
from app.resolvers.events import record_instruments
from app.resolvers.strategies import register_strategy, set_trading_state
from app.rules.enums import OrderSide, OrderType, TradingState
from app.rules.identity import strategy_id_of
from app.rules.valuation import InstrumentDefinition

DEMO = Principal(Role.ADMIN, "demo")
"""The author of the demonstration's changes in the audit log."""

_TRADERS = {"USDT": "TRADER-001", "USD": "TRADER-002"}
_BUDGETS = (
    ("EMACross-000", "USDT", 1_000),
    ("EMACross-001", "USDT", 150_000),
    # Its position grows beyond this budget: fills are never refused, but no further order is granted.
    ("Maker-100", "USDT", 100_000),
    ("EMACrossBracket-200", "USD", 50_000),
    ("EMACrossBracket-201", "USD", 40_000),
)
_BITCOIN, _ETHER, _POUND = "BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE", "GBP/USD.SIM"
_INSTRUMENTS = tuple(
    InstrumentDefinition(instrument_id=name, base_currency=base, quote_currency=quote, settlement_currency=quote)
    for name, base, quote in ((_BITCOIN, "BTC", "USDT"), (_ETHER, "ETH", "USDT"), (_POUND, "GBP", "USD"))
)


def _strategy(name: str) -> UUID:
    currency = next(currency for strategy, currency, _ in _BUDGETS if strategy == name)
    return strategy_id_of(_TRADERS[currency], name)


def _order(
    number: int, strategy: str, instrument_id: str, side: OrderSide, quantity: str, price: str | None = None
) -> AuthorizeOrder:
    return AuthorizeOrder(
        strategy=_strategy(strategy),
        client_order_id=f"DEMO-{number}",
        instrument_id=instrument_id,
        side=side,
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
        tags=["demo"],
    )


ORDERS = (
    _order(1, "EMACross-000", _BITCOIN, OrderSide.SELL, "0.010", "47400.0"),  # granted
    _order(2, "EMACross-000", _BITCOIN, OrderSide.SELL, "0.010", "47500.0"),  # BUDGET_EXCEEDED by the one before
    _order(3, "EMACross-000", _BITCOIN, OrderSide.BUY, "0.010", "47200.0"),  # reduces a position: holds nothing
    _order(4, "EMACross-001", _BITCOIN, OrderSide.BUY, "0.500"),  # granted, at the last price
    _order(5, "EMACross-001", _ETHER, OrderSide.BUY, "1.000"),  # NO_REFERENCE_PRICE: it was never traded
    _order(6, "Maker-100", _BITCOIN, OrderSide.SELL, "0.100", "47500.0"),  # BUDGET_OVER
    _order(7, "Maker-100", _BITCOIN, OrderSide.BUY, "0.100", "47000.0"),  # reduces: not blocked by that
    _order(8, "EMACrossBracket-200", _POUND, OrderSide.BUY, "10000", "1.58400"),  # TRADING_REDUCING
)
"""Authorized in this order; the last one marks a complete demonstration."""


async def set_up_strategies(context: Context) -> None:
    """Register strategies, instruments and budgets, before the recordings. Raises DatabaseUnavailable, Busy."""
    for name, currency, _ in _BUDGETS:
        await register_strategy(context, DEMO, name, _TRADERS[currency])
    await record_instruments(context, DEMO, _INSTRUMENTS)
    for name, currency, allocated in _BUDGETS:
        await set_budget(context, DEMO, _strategy(name), currency, Decimal(allocated))


async def request_authorizations(context: Context) -> None:
    """Request authorizations, after the recordings. Raises DatabaseUnavailable, Busy."""
    await set_trading_state(context, DEMO, _strategy("EMACrossBracket-200"), TradingState.REDUCING)
    await authorize_orders(context, DEMO, ORDERS)
