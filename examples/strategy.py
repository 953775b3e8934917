"""A strategy for the examples, quotes for it, and a backtest: it buys and sells by turns."""

import random
from collections.abc import Sequence
from decimal import Decimal

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common.config import MessageBusConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, TraderId, Venue
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

ETH: Instrument = TestInstrumentProvider.ethusdt_perp_binance()
QUOTES = 200
START_NS, SECOND = 1_700_000_000_000_000_000, 1_000_000_000


def quotes(count: int, seed: int = 1) -> list[QuoteTick]:
    """A random walk, ten seconds apart."""
    rng = random.Random(seed)
    price, made = Decimal(2000), []
    for number in range(count):
        price += rng.randint(-90, 90) * ETH.price_increment.as_decimal()
        made.append(quote(price, START_NS + number * 10 * SECOND))
    return made


def quote(price: Decimal, ts: int) -> QuoteTick:
    """A quote one tick wide."""
    size = ETH.make_qty(100)
    bid, ask = ETH.make_price(price), ETH.make_price(price + ETH.price_increment.as_decimal())
    return QuoteTick(ETH.id, bid, ask, size, size, ts, ts)


class SwingConfig(StrategyConfig, frozen=True):  # type: ignore[call-arg]
    """`quantity`: the size of each order, in the base currency."""

    instrument_id: InstrumentId
    quantity: Decimal
    every: int = 5


class Swing(Strategy):
    """Sends a market order at each fifth quote: first a purchase, then a sale, and so on."""

    def on_start(self) -> None:
        """Follow the quotes."""
        self.seen = 0
        self.subscribe_quote_ticks(self.config.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Buy or sell."""
        self.seen += 1
        if self.seen % self.config.every:
            return
        side = OrderSide.BUY if (self.seen // self.config.every) % 2 else OrderSide.SELL
        self.submit_order(self.order_factory.market(tick.instrument_id, side, ETH.make_qty(self.config.quantity)))


def make_engine(trader_id: str, tags: Sequence[str], message_bus: MessageBusConfig | None = None) -> BacktestEngine:
    """A backtest of 200 quotes, with one strategy for each tag."""
    config = BacktestEngineConfig(
        trader_id=TraderId(trader_id), logging=LoggingConfig(log_level="ERROR"), message_bus=message_bus
    )
    engine = BacktestEngine(config)
    engine.add_venue(
        venue=Venue("BINANCE"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=None,
        starting_balances=[Money(1_000_000, USDT)],
    )
    engine.add_instrument(ETH)
    engine.add_data(quotes(QUOTES))
    for tag in tags:
        engine.add_strategy(Swing(SwingConfig(instrument_id=ETH.id, quantity=Decimal(4), order_id_tag=tag)))
    return engine
