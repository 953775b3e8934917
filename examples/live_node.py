"""A live node with the sandbox execution client: Purser authorizes its orders; at the end, its cache and the ledger."""

import argparse
import asyncio
import random
import tempfile
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.factory import SandboxLiveExecClientFactory
from nautilus_trader.config import LiveExecEngineConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import TraderId
from service import KEY, RUN, URL, client, print_budgets, print_counts
from strategy import ETH, Swing, SwingConfig, quote

from purser_client import OrderFilter, UUIDFilter
from purser_nautilus import PurserActor, PurserActorConfig, guard

NAME = "Swing-001"
START_SECONDS_MAX = 30


def make_node(loop: asyncio.AbstractEventLoop) -> TradingNode:
    """A node without a data client: `feed` gives it quotes."""
    sandbox = SandboxExecutionClientConfig(
        venue="BINANCE", starting_balances=["1_000_000 USDT"], oms_type="NETTING", account_type="MARGIN"
    )
    config = TradingNodeConfig(
        trader_id=TraderId(RUN),
        logging=LoggingConfig(log_level="ERROR"),
        exec_engine=LiveExecEngineConfig(reconciliation=False),
        exec_clients={"BINANCE": sandbox},
        timeout_post_stop=1.0,
    )
    node = TradingNode(config=config, loop=loop)
    node.add_exec_client_factory("BINANCE", SandboxLiveExecClientFactory)
    node.kernel.cache.add_instrument(ETH)
    node.build()
    node.trader.add_strategy(Swing(SwingConfig(instrument_id=ETH.id, quantity=Decimal(4), order_id_tag="001")))
    return node


async def feed(node: TradingNode, seconds: float) -> None:
    """Quotes of a random walk, fifty a second."""
    price = Decimal(2000)
    for _ in range(int(seconds * 50)):
        price += random.randint(-90, 90) * ETH.price_increment.as_decimal()
        node.kernel.data_engine.process(quote(price, node.kernel.clock.timestamp_ns()))
        await asyncio.sleep(0.02)


async def run(node: TradingNode, seconds: float) -> None:
    """Run the node for some seconds. Raises TimeoutError if it does not start."""
    running = asyncio.create_task(node.run_async())
    async with asyncio.timeout(START_SECONDS_MAX):
        while not node.trader.is_running:  # noqa: ASYNC110 - the node announces nothing
            await asyncio.sleep(0.01)
    await feed(node, seconds)
    await node.stop_async()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def main() -> None:
    """Run the node, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="how long the node trades")
    seconds = parser.parse_args().seconds
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with client() as purser, tempfile.TemporaryDirectory() as spool:
        strategy_id = purser.register_strategy(NAME, RUN).strategy_id
        purser.set_budget(strategy_id, "USDT", Decimal(100_000))
        node = make_node(loop)
        actor = PurserActor(PurserActorConfig(url=URL, key=KEY, spool_dir=str(Path(spool))))
        node.trader.add_actor(actor)
        gate = guard(node, actor)
        loop.run_until_complete(run(node, seconds))
        if not actor.flush():
            raise TimeoutError("Purser did not take all events in time; the ledger is incomplete")
        print_counts("engine:", (order.status_string() for order in node.kernel.cache.orders()))
        mine = OrderFilter(strategy_id=UUIDFilter(eq=strategy_id))
        print_counts("ledger:", (order.status.value for order in purser.orders(mine)))
        print(f"asked {gate.counts.asked}, granted {gate.counts.granted}, denied {gate.counts.denied}")
        print_budgets(purser, {strategy_id: NAME})
        node.dispose()


if __name__ == "__main__":
    main()
