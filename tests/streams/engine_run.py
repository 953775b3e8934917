"""A program: runs a real NautilusTrader backtest that publishes to Redis, and records the same events in a file.

The argument is a JSON object: `port` of Redis, `file` for the recording (one JSON object per line), and the options of
the engine's MessageBusConfig: `encoding`, `stream_per_topic`, `timestamps_as_iso8601`.
"""

import json
import random
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import ActorConfig, DatabaseConfig, MessageBusConfig
from nautilus_trader.config import CacheConfig, LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import TraderId, Venue
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

START_NS = 1_700_000_000_000_000_000
QUOTES = 400


class TraderConfig(StrategyConfig, frozen=True):
    """`lots`: the largest order, in multiples of the instrument's smallest size."""

    instrument_id: object
    lots: int
    seed: int


class Trader(Strategy):
    """Sends market, limit and bracket orders, amends and cancels them, by a seeded random choice."""

    def on_start(self) -> None:
        self.random = random.Random(self.config.seed)
        self.instrument = self.cache.instrument(self.config.instrument_id)
        self.subscribe_quote_ticks(self.config.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        factory, instrument = self.order_factory, self.instrument
        side = self.random.choice((OrderSide.BUY, OrderSide.SELL))
        quantity = instrument.make_qty(
            Decimal(str(instrument.size_increment)) * self.random.randint(1, self.config.lots)
        )
        step, away = Decimal(str(instrument.price_increment)), 1 if side == OrderSide.BUY else -1
        near = Decimal(str(tick.bid_price if side == OrderSide.BUY else tick.ask_price))
        working = self.cache.orders_open(strategy_id=self.id)
        match self.random.randrange(5):
            case 0:
                self.submit_order(factory.market(instrument.id, side, quantity))
            case 1:
                price = instrument.make_price(near - away * step * self.random.randint(-2, 4))
                self.submit_order(factory.limit(instrument.id, side, quantity, price))
            case 2:
                stop, target = (instrument.make_price(near + away * step * ticks) for ticks in (-20, 15))
                self.submit_order_list(
                    factory.bracket(instrument.id, side, quantity, sl_trigger_price=stop, tp_price=target)
                )
            case 3 if working:
                order = self.random.choice(working)
                self.modify_order(order, quantity=instrument.make_qty(Decimal(str(order.quantity)) + quantity))
            case 4 if working:
                self.cancel_order(self.random.choice(working))

    def on_stop(self) -> None:
        self.cancel_all_orders(self.config.instrument_id)


class Recorder(Actor):
    """Keeps the events of orders, positions and accounts as they are published."""

    def on_start(self) -> None:
        self.lines: list[str] = []
        self.msgbus.subscribe("events.*", self.keep)

    def keep(self, event: Any) -> None:
        """Keeps one event."""
        if type(event).__name__ != "ComponentStateChanged":
            self.lines.append(json.dumps(type(event).to_dict(event)))


def quotes_of(instrument: Instrument, first_tick: int, offset_ns: int) -> list[QuoteTick]:
    """A seeded random walk in steps of the instrument's smallest price difference."""
    walk, step, tick = random.Random(first_tick), Decimal(str(instrument.price_increment)), first_tick
    quotes = []
    for number in range(QUOTES):
        tick += walk.randint(-6, 6)
        bid, ask = instrument.make_price(tick * step), instrument.make_price((tick + 2) * step)
        sizes = [instrument.make_qty(Decimal(str(instrument.size_increment)) * walk.randint(1, 9_000)) for _ in "ba"]
        instant = START_NS + offset_ns + number * 1_000_000_000
        quotes.append(QuoteTick(instrument.id, bid, ask, *sizes, instant, instant))
    return quotes


def run(port: int, file: Path, options: dict[str, Any]) -> None:
    """Runs the backtest. The engine has written everything to Redis when it is disposed of."""
    database = DatabaseConfig(type="redis", host="127.0.0.1", port=port)
    config = BacktestEngineConfig(
        trader_id=TraderId("REDIS-001"),
        logging=LoggingConfig(log_level="ERROR"),
        message_bus=MessageBusConfig(database=database, buffer_interval_ms=20, **options),
        cache=CacheConfig(),
    )
    engine = BacktestEngine(config)
    linear, inverse = TestInstrumentProvider.btcusdt_perp_binance(), TestInstrumentProvider.xbtusd_bitmex()
    for number, (instrument, first_tick, lots, money) in enumerate(
        ((linear, 360_000, 4_000, Money(9_000_000, USDT)), (inverse, 72_000, 2_000, Money(90, BTC)))
    ):
        engine.add_venue(
            venue=Venue(instrument.id.venue.value),
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            base_currency=None,
            starting_balances=[money],
        )
        engine.add_instrument(instrument)
        engine.add_data(quotes_of(instrument, first_tick, number))
        trader = TraderConfig(instrument_id=instrument.id, lots=lots, seed=number, order_id_tag=f"{number:03d}")
        engine.add_strategy(Trader(trader))
    recorder = Recorder(ActorConfig())
    engine.add_actor(recorder)
    engine.run()
    file.write_text("\n".join(recorder.lines) + "\n")
    engine.dispose()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    run(given.pop("port"), Path(given.pop("file")), given)
