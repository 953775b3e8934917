"""A strategy that sends, amends and cancels what a seed decides, and market data for it."""

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pandas as pd
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import ContingencyType, OrderSide, TimeInForce, TrailingOffsetType, TriggerType
from nautilus_trader.model.identifiers import ExecAlgorithmId, InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.strategy import Strategy

START_NS = 1_700_000_000_000_000_000
_SECOND = 1_000_000_000
_GTD_SECONDS = 90


def random_quotes(instrument: Instrument, seed: int, start: int, count: int, step: int = 90) -> list[QuoteTick]:
    """Quotes of a random walk in whole ticks, ten seconds apart."""
    rng = random.Random(seed)
    tick, lot = instrument.price_increment.as_decimal(), instrument.size_increment.as_decimal()
    price = Decimal(start) // tick
    quotes = []
    for number in range(count):
        price += rng.randint(-step, step)
        bid, ask = (instrument.make_price(level * tick) for level in (price, price + rng.randint(1, 3)))
        sizes = [instrument.make_qty(lot * rng.randint(1, 9_000)) for _ in range(2)]
        ts = START_NS + number * 10 * _SECOND
        quotes.append(QuoteTick(instrument.id, bid, ask, *sizes, ts, ts))
    return quotes


class ScriptConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    seed: int
    lots: int
    kinds: tuple[str, ...]
    every: int = 3
    twap_seconds: tuple[float, float] = (120, 20)
    closes: bool = True


class Script(Strategy):
    """Acts at every n-th quote: one of `kinds`, each a method of this class."""

    def __init__(self, config: ScriptConfig) -> None:
        super().__init__(config)
        self.rng = random.Random(config.seed)
        self.quotes_seen = 0
        self.working: list[Order] = []

    def on_start(self) -> None:
        self.instrument = self.cache.instrument(self.config.instrument_id)
        self.subscribe_quote_ticks(self.config.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self.quotes_seen += 1
        if self.quotes_seen % self.config.every:
            return
        self.working = [order for order in self.working if order.is_open]
        self.side = self.rng.choice([OrderSide.BUY, OrderSide.SELL])
        self.other, self.sign = (OrderSide.SELL, 1) if self.side == OrderSide.BUY else (OrderSide.BUY, -1)
        self.near = tick.ask_price if self.side == OrderSide.BUY else tick.bid_price
        act: Callable[[], Any] = getattr(self, self.rng.choice(self.config.kinds))
        act()

    def on_stop(self) -> None:
        if not self.config.closes:
            return
        self.cancel_all_orders(self.config.instrument_id)
        self.close_all_positions(self.config.instrument_id)

    def market(self) -> None:
        self.submit_order(self.order_factory.market(self.config.instrument_id, self.side, self.size()))

    def amount(self) -> None:
        amount = self.instrument.make_qty(Decimal(self.rng.randint(5, 60)) * 50)
        order = self.order_factory.market(self.config.instrument_id, self.side, amount, quote_quantity=True)
        self.submit_order(order)

    def amount_limit(self) -> None:
        amount = self.instrument.make_qty(Decimal(self.rng.randint(5, 60)) * 50)
        price = self.level(-self.sign * self.rng.randint(1, 200))
        order = self.order_factory.limit(self.config.instrument_id, self.side, amount, price, quote_quantity=True)
        self.submit_order(order)
        if self.rng.random() < 0.5:
            self.cancel_order(order)

    def limit(self) -> None:
        price = self.level(-self.sign * self.rng.randint(-4, 4))
        self.work(self.order_factory.limit(self.config.instrument_id, self.side, self.size(2), price, tags=["limit"]))

    def queued_canceled(self) -> None:
        """A limit order that is canceled while it waits for its question (live only)."""
        self.submit_order(order := self.resting())
        self.soon(2, lambda: self.cancel_order(order))

    def asked_canceled(self) -> None:
        """A limit order that is canceled while it waits for its answer (live only)."""
        self.submit_order(order := self.resting())
        self.soon(6, lambda: self.cancel_order(order))

    def asked_amended(self) -> None:
        """A limit order that is amended while it waits for its answer (live only)."""
        self.work(order := self.resting())
        quantity = self.instrument.make_qty(order.quantity.as_decimal() * 2)
        self.soon(6, lambda: self.modify_order(order, quantity=quantity))

    def batch_canceled(self) -> None:
        """An order that works, and one that waits for its answer, canceled by one command (live only)."""
        self.submit_order(order := self.resting())
        self.soon(6, lambda: self.cancel_orders([*self.working[-1:], order]))

    def soon(self, turns: int, act: Callable[[], object]) -> None:
        """Act after turns of the event loop: at the second one the gate has the order, at the sixth it has asked."""
        following = act if turns == 1 else partial(self.soon, turns - 1, act)
        asyncio.get_running_loop().call_soon(following)

    def resting_limit(self) -> None:
        """A limit order far from the market."""
        self.work(self.resting())

    def resting(self) -> Order:
        price = self.level(-self.sign * 5_000)
        return self.order_factory.limit(self.config.instrument_id, self.side, self.size(), price)

    def twap(self) -> None:
        horizon, interval = self.config.twap_seconds
        order = self.order_factory.market(
            self.config.instrument_id,
            self.side,
            self.size(6),
            exec_algorithm_id=ExecAlgorithmId("TWAP"),
            exec_algorithm_params={"horizon_secs": horizon, "interval_secs": interval},
        )
        self.submit_order(order)

    def trailing(self) -> None:
        order = self.order_factory.trailing_stop_market(
            self.config.instrument_id,
            self.side,
            self.size(),
            trailing_offset=self.instrument.price_increment.as_decimal() * self.rng.randint(3, 12),
            trailing_offset_type=TrailingOffsetType.PRICE,
            trigger_type=TriggerType.BID_ASK,
            trigger_price=self.level(self.sign * 8),
        )
        self.submit_order(order)

    def stop_limit(self) -> None:
        price, trigger = self.level(self.sign * 5), self.level(self.sign * 4)
        order = self.order_factory.stop_limit(self.config.instrument_id, self.side, self.size(), price, trigger)
        self.work(order)

    def touched(self) -> None:
        trigger = self.level(-self.sign * 4)
        order = self.order_factory.market_if_touched(self.config.instrument_id, self.side, self.size(), trigger)
        self.submit_order(order)

    def bracket_oco(self) -> None:
        self.bracket(ContingencyType.OCO)

    def bracket_ouo(self) -> None:
        self.bracket(ContingencyType.OUO)

    def bracket_emulated(self) -> None:
        self.bracket(ContingencyType.OUO, emulation_trigger=TriggerType.BID_ASK)

    def bracket(self, contingency: ContingencyType, **options: Any) -> None:
        orders = self.order_factory.bracket(
            self.config.instrument_id,
            self.side,
            self.size(2),
            sl_trigger_price=self.level(-self.sign * 9),
            tp_price=self.level(self.sign * 7),
            contingency_type=contingency,
            **options,
        )
        self.submit_order_list(orders)

    def gtd(self) -> None:
        expiry = pd.Timestamp(self.clock.timestamp_ns() + _GTD_SECONDS * _SECOND, tz="UTC")
        order = self.order_factory.limit(
            self.config.instrument_id,
            self.side,
            self.size(3),
            self.level(-self.sign * 2),
            time_in_force=TimeInForce.GTD,
            expire_time=expiry,
        )
        self.work(order)

    def emulated(self) -> None:
        order = self.order_factory.limit(
            self.config.instrument_id,
            self.other,
            self.size(),
            self.level(self.sign * 3),
            emulation_trigger=TriggerType.BID_ASK,
        )
        self.work(order)

    def emulated_stop(self) -> None:
        trigger = self.level(self.sign * 40)
        order = self.order_factory.stop_market(
            self.config.instrument_id, self.side, self.size(), trigger, emulation_trigger=TriggerType.BID_ASK
        )
        self.work(order)

    def amend(self) -> None:
        if self.working:
            order = self.rng.choice(self.working)
            quantity = self.instrument.make_qty(order.quantity.as_decimal() + self.size().as_decimal())
            self.modify_order(order, quantity=quantity)

    def cancel(self) -> None:
        if self.working:
            self.cancel_order(self.rng.choice(self.working))

    def signal(self) -> None:
        self.publish_signal("momentum", self.rng.random(), ts_event=self.clock.timestamp_ns())

    def work(self, order: Order) -> None:
        self.working.append(order)
        self.submit_order(order)

    def size(self, times: int = 1) -> Quantity:
        lots = self.rng.randint(1, self.config.lots) * times
        return self.instrument.make_qty(self.instrument.size_increment.as_decimal() * lots)

    def level(self, ticks: int) -> Price:
        return self.instrument.make_price(self.near.as_decimal() + ticks * self.instrument.price_increment.as_decimal())
