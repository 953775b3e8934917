"""A program: a live node whose orders pass the gate, measured from within its event loop.

Arguments: the address of Purser, the port of the bare server (bench/peers/committed_write.py), a folder. Prints a JSON
object of lists of seconds. `python -m bench gate` runs it.
"""

import asyncio
import gc
import json
import sys
import time
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import (
    LiveExecClientConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.live.factories import LiveExecClientFactory
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import AccountId, ClientId, TraderId
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from purser_client import AsyncPurser, AuthorizeOrderInput, Purser, StrategyRef
from purser_client import OrderSide as Side
from purser_client import OrderType as Type
from purser_nautilus import PurserActor, PurserActorConfig, PurserGateConfig, guard

ETH = TestInstrumentProvider.ethusdt_perp_binance()
TRADER = "BENCH-001"
SINGLES, BURSTS, TOGETHER = 400, 30, 100
BEAT_SECONDS = 0.001
SECONDS_MAX = 240
BODY = b'{"query": "%s"}' % (b"x" * 900)
"""As long as an authorization."""


class Sender(Strategy):
    """Submits limit orders, and notes when they were submitted."""

    def __init__(self, tag: str) -> None:
        super().__init__(StrategyConfig(order_id_tag=tag))
        self.missing = 0
        self.all_submitted = asyncio.Event()

    async def send(self, count: int) -> float:
        """Seconds until all of these orders were submitted."""
        orders = [
            self.order_factory.limit(ETH.id, OrderSide.BUY, ETH.make_qty(1), ETH.make_price(1_000))
            for _ in range(count)
        ]
        self.missing = count
        self.all_submitted.clear()
        started = time.perf_counter()
        for order in orders:
            self.submit_order(order)
        await self.all_submitted.wait()
        return time.perf_counter() - started

    def on_order_submitted(self, event: object) -> None:
        self.missing -= 1
        if not self.missing:
            self.all_submitted.set()

    def on_order_denied(self, event: object) -> None:
        raise AssertionError(event)


class Venue(LiveExecutionClient):
    """A venue that rejects every order at once, so that no order stays open and slows the engine down."""

    async def _connect(self) -> None:
        self._set_account_id(AccountId("BINANCE-001"))

    async def _disconnect(self) -> None:
        """Nothing to disconnect."""

    async def _submit_order(self, command: SubmitOrder) -> None:
        order, now = command.order, self._clock.timestamp_ns()
        names = order.strategy_id, order.instrument_id, order.client_order_id
        self.generate_order_submitted(*names, now)
        self.generate_order_rejected(*names, "bench", now)


class VenueFactory(LiveExecClientFactory):
    """Makes the venue."""

    @staticmethod
    def create(loop, name, config, msgbus, cache, clock) -> Venue:  # type: ignore[no-untyped-def]
        return Venue(
            loop=loop,
            client_id=ClientId(name),
            venue=ETH.id.venue,
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            base_currency=None,
            instrument_provider=InstrumentProvider(),
            msgbus=msgbus,
            cache=cache,
            clock=clock,
        )


class Heartbeat:
    """How late the event loop is, beyond the time that was asked for, and how long its thread computed in between.

    Other processes delay the loop too, but do not make its thread compute.
    """

    def __init__(self) -> None:
        self.late: list[float] = []
        self.computed: list[float] = []

    async def beat(self) -> None:
        """Beat until canceled."""
        while True:
            started, computed = time.perf_counter(), time.thread_time()
            await asyncio.sleep(BEAT_SECONDS)
            self.late.append(time.perf_counter() - started - BEAT_SECONDS)
            self.computed.append(time.thread_time() - computed)

    def take(self, name: str) -> dict[str, list[float]]:
        """The beats since the last call."""
        taken = {f"late_{name}": self.late, f"computed_{name}": self.computed}
        self.late, self.computed = [], []
        return taken


def build(loop: asyncio.AbstractEventLoop, url: str, folder: str) -> tuple[TradingNode, Sender, Sender]:
    """A node with a guarded and a free strategy."""
    config = TradingNodeConfig(
        trader_id=TraderId(TRADER),
        logging=LoggingConfig(log_level="ERROR"),
        exec_engine=LiveExecEngineConfig(reconciliation=False),
        risk_engine=LiveRiskEngineConfig(bypass=True),
        exec_clients={"BINANCE": LiveExecClientConfig()},
        timeout_post_stop=1.0,
    )
    node = TradingNode(config=config, loop=loop)
    node.add_exec_client_factory("BINANCE", VenueFactory)
    node.kernel.cache.add_instrument(ETH)
    node.build()
    guarded, free = Sender("001"), Sender("002")
    node.trader.add_strategies([guarded, free])
    actor = PurserActor(PurserActorConfig(url=url, spool_dir=folder))
    node.trader.add_actor(actor)
    guard(node, actor, PurserGateConfig(strategies=[guarded.id.value], question_seconds_max=10.0))
    return node, guarded, free


def order() -> AuthorizeOrderInput:
    """An order of the guarded strategy that no engine has."""
    return AuthorizeOrderInput(
        strategy=StrategyRef(name="Sender-001"),
        client_order_id=str(uuid4()),
        instrument_id=ETH.id.value,
        side=Side.BUY,
        type=Type.LIMIT,
        quantity=Decimal("1.000"),
        price=Decimal("1000.00"),
    )


async def measure(node: TradingNode, guarded: Sender, free: Sender, url: str, bare_port: int) -> dict[str, list[float]]:
    """All figures, in turns."""
    running = asyncio.create_task(node.run_async())
    while not node.trader.is_running:  # noqa: ASYNC110 - it announces nothing
        await asyncio.sleep(0.01)
    now = node.kernel.clock.timestamp_ns()
    price, size = ETH.make_price(2_000), ETH.make_qty(10)
    node.kernel.data_engine.process(QuoteTick(ETH.id, price, price, size, size, now, now))
    heartbeat = Heartbeat()
    beating = asyncio.create_task(heartbeat.beat())
    async with httpx.AsyncClient() as client, AsyncPurser(url) as purser:
        bare = f"http://127.0.0.1:{bare_port}/"
        for _ in range(50):
            await client.post(bare, content=BODY)
            await guarded.send(1)
            await free.send(1)
            await purser.authorize(order())
        gc.freeze()
        figures: dict[str, list[float]] = {"bare": [], "ask": [], "gate": [], "free": []}
        heartbeat.take("")
        await asyncio.sleep(2.0)
        figures |= heartbeat.take("idle")
        for _ in range(SINGLES):
            started = time.perf_counter()
            await client.post(bare, content=BODY)
            figures["bare"].append(time.perf_counter() - started)
            asked = order()
            started = time.perf_counter()
            await purser.authorize(asked)
            figures["ask"].append(time.perf_counter() - started)
            figures["free"].append(await free.send(1))
            figures["gate"].append(await guarded.send(1))
        figures |= heartbeat.take("singles")
    figures |= {"burst": [], "free_burst": []}
    for _ in range(BURSTS):
        for name, sender in (("burst", guarded), ("free_burst", free)):
            heartbeat.take("")
            figures[name].append(await sender.send(TOGETHER))
            await asyncio.sleep(0.3)
            for beats, seconds in heartbeat.take(name).items():
                figures.setdefault(beats, []).extend(seconds)
    beating.cancel()
    await node.stop_async()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    return figures


def main() -> None:
    """Run with the arguments of the command line."""
    url, bare_port, folder = sys.argv[1:]
    with Purser(url) as purser:
        purser.register_strategy("Sender-001", TRADER)
        purser.set_budget("Sender-001", "USDT", Decimal(10) ** 15)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    node, guarded, free = build(loop, url, folder)
    measuring = asyncio.wait_for(measure(node, guarded, free, url, int(bare_port)), SECONDS_MAX)
    figures: Any = loop.run_until_complete(measuring)
    print("FIGURES", json.dumps(figures))
    node.dispose()


if __name__ == "__main__":
    main()
