"""A program: a TradingNode with the sandbox execution client, fed with quotes, reported and guarded.

The argument is a JSON object with the fields of `Plan`. The program prints a JSON object: the state of the cache
(`ledger.state_of`) and the gate's counts. With `idles` it prints, and waits to be killed.
"""

import asyncio
import json
import random
import sys
from contextlib import suppress
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import msgspec
from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.factory import SandboxLiveExecClientFactory
from nautilus_trader.config import LiveExecEngineConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.examples.algorithms.twap import TWAPExecAlgorithm
from nautilus_trader.execution.reports import ExecutionMassStatus, FillReport, OrderStatusReport
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderStatus, OrderType, TimeInForce
from nautilus_trader.model.identifiers import AccountId, ClientId, TradeId, TraderId, Venue, VenueOrderId
from nautilus_trader.model.objects import Money

from purser_nautilus import PurserActor, PurserActorConfig, PurserGateConfig, guard
from tests.clients.nautilus.backtests import ETH
from tests.clients.nautilus.ledger import state_of
from tests.clients.nautilus.script import Script, ScriptConfig

_SECONDS_MAX = 100


class Plan(msgspec.Struct, frozen=True):
    """What the node does. `found_orders`: orders that the venue reports and the engine does not know."""

    url: str
    spool_dir: str
    trader_id: str
    kinds: tuple[str, ...]
    quotes: int = 200
    every: int = 3
    seed: int = 1
    pause_seconds: float = 0.01
    is_guarded: bool = True
    unavailable: str = "deny"
    question_seconds_max: float = 2.0
    found_orders: int = 0
    closes: bool = True
    idles: bool = False
    flush_seconds_max: float = 30.0


class Node:
    """The node of a plan."""

    def __init__(self, plan: Plan, loop: asyncio.AbstractEventLoop) -> None:
        self.plan = plan
        sandbox = SandboxExecutionClientConfig(
            venue="BINANCE",
            starting_balances=["5_000_000 USDT"],
            oms_type="HEDGING",
            account_type="MARGIN",
            use_random_ids=True,
        )
        config = TradingNodeConfig(
            trader_id=TraderId(plan.trader_id),
            logging=LoggingConfig(log_level="ERROR", log_colors=False),
            exec_engine=LiveExecEngineConfig(reconciliation=False),
            exec_clients={"BINANCE": sandbox},
            timeout_post_stop=1.0,
        )
        self.node = TradingNode(config=config, loop=loop)
        self.node.add_exec_client_factory("BINANCE", SandboxLiveExecClientFactory)
        self.kernel = self.node.kernel
        self.kernel.cache.add_instrument(ETH)
        self.node.build()
        script = ScriptConfig(
            instrument_id=ETH.id,
            seed=plan.seed,
            lots=900,
            kinds=plan.kinds,
            every=plan.every,
            order_id_tag="001",
            use_uuid_client_order_ids=True,
            twap_seconds=(0.5, 0.1),
            closes=plan.closes,
        )
        self.node.trader.add_strategy(Script(script))
        self.node.trader.add_exec_algorithm(TWAPExecAlgorithm())
        self.actor = PurserActor(
            PurserActorConfig(url=plan.url, spool_dir=plan.spool_dir, flush_seconds_max=plan.flush_seconds_max)
        )
        self.node.trader.add_actor(self.actor)
        self.gate = None
        if plan.is_guarded:
            gate = PurserGateConfig(unavailable=plan.unavailable, question_seconds_max=plan.question_seconds_max)
            self.gate = guard(self.node, self.actor, gate)

    async def run(self) -> None:
        """Run the plan, and print the state."""
        running = asyncio.create_task(self.node.run_async())
        while not self.node.trader.is_running:  # noqa: ASYNC110 - it announces nothing
            await asyncio.sleep(0.01)
        if self.plan.found_orders:
            self._report_found()
        await self._feed()
        if self.plan.idles:
            self._print()
            await asyncio.sleep(3600)
        await self.node.stop_async()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        self._print()

    def _print(self) -> None:
        counts = None if self.gate is None else asdict(self.gate.counts)
        print(json.dumps(state_of(self.kernel.cache) | {"counts": counts}), flush=True)

    async def _feed(self) -> None:
        rng = random.Random(self.plan.seed)
        price = Decimal(2_000)
        for number in range(1, self.plan.quotes + 1):
            price += rng.randint(-90, 90) * ETH.price_increment.as_decimal()
            now = self.kernel.clock.timestamp_ns()
            bid, ask = ETH.make_price(price), ETH.make_price(price + ETH.price_increment.as_decimal())
            size = ETH.make_qty(100)
            self.kernel.data_engine.process(QuoteTick(ETH.id, bid, ask, size, size, now, now))
            if number % 10 == 0:
                print("quote", number, flush=True)
            await asyncio.sleep(self.plan.pause_seconds)
        await asyncio.sleep(1.0)

    def _report_found(self) -> None:
        """What a venue reports at a restart: orders that the engine does not know, filled, open and canceled."""
        now, account = self.kernel.clock.timestamp_ns(), AccountId("BINANCE-001")
        status = ExecutionMassStatus(
            client_id=ClientId("BINANCE"), account_id=account, venue=Venue("BINANCE"), report_id=UUID4(), ts_init=now
        )
        statuses = (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED, OrderStatus.ACCEPTED, OrderStatus.CANCELED)
        for number in range(self.plan.found_orders):
            state = statuses[number % len(statuses)]
            quantity = ETH.make_qty(2 + number)
            share = {OrderStatus.FILLED: Decimal(1), OrderStatus.PARTIALLY_FILLED: Decimal("0.5")}.get(
                state, Decimal(0)
            )
            filled = ETH.make_qty(quantity.as_decimal() * share)
            common: dict[str, Any] = {
                "account_id": account,
                "instrument_id": ETH.id,
                "venue_order_id": VenueOrderId(f"V{number}"),
                "order_side": OrderSide.BUY if number % 3 else OrderSide.SELL,
                "report_id": UUID4(),
                "ts_init": now + number,
            }
            order = OrderStatusReport(
                order_type=OrderType.LIMIT,
                time_in_force=TimeInForce.GTC,
                order_status=state,
                quantity=quantity,
                filled_qty=filled,
                ts_accepted=now + number,
                ts_last=now + number,
                price=ETH.make_price(2_000 + number),
                avg_px=Decimal(2_000 + number),
                **common,
            )
            status.add_order_reports([order])
            if share:
                fill = FillReport(
                    trade_id=TradeId(f"T{number}"),
                    last_qty=filled,
                    last_px=ETH.make_price(2_000 + number),
                    commission=Money(Decimal("0.1"), USDT),
                    liquidity_side=LiquiditySide.MAKER,
                    ts_event=now + number,
                    **common,
                )
                status.add_fill_reports([fill])
        self.kernel.msgbus.send("ExecEngine.reconcile_execution_mass_status", status)


def main() -> None:
    """Run the plan in the argument."""
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    node = Node(plan, loop)
    loop.run_until_complete(asyncio.wait_for(node.run(), _SECONDS_MAX))
    node.node.dispose()


if __name__ == "__main__":
    main()
