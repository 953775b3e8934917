"""A backtest of two strategies. The budget of the second one is too small: its orders are denied, visibly at once."""

import tempfile
import threading
from contextlib import closing
from decimal import Decimal
from uuid import UUID

from nautilus_trader.common.actor import Actor
from nautilus_trader.model.data import QuoteTick
from service import KEY, RUN, URL, client, print_budgets, print_counts
from strategy import ETH, make_engine

from purser_client import OrderFilter, OrderStatus, OrderStatusFilter, UUIDFilter
from purser_nautilus import PurserActor, PurserActorConfig, guard

BUDGETS = {"Swing-001": Decimal(100_000), "Swing-002": Decimal(5_000)}


class Pacer(Actor):
    """Holds the simulated clock at each quote until Purser has all reports.

    Otherwise simulated minutes pass before fills are recorded, and orders are denied for capital that is free again.
    """

    def __init__(self, reporter: PurserActor) -> None:
        super().__init__()
        self._reporter = reporter

    def on_start(self) -> None:
        """Follow the quotes. Actors start, and get each quote, before strategies do."""
        self.subscribe_quote_ticks(ETH.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Wait for Purser."""
        self._reporter.flush()


class Denials:
    """Prints each denied order of some strategies as it comes, in a thread."""

    def __init__(self, strategy_ids: list[UUID], after: str) -> None:
        self._filter = OrderFilter(
            strategy_id=UUIDFilter(in_=strategy_ids), status=OrderStatusFilter(eq=OrderStatus.DENIED)
        )
        self._after = after
        self._printed: set[str] = set()
        self._changed = threading.Condition()
        threading.Thread(target=self._follow, daemon=True).start()

    def wait_for(self, count: int) -> None:
        """Wait until so many denials are printed."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._printed) >= count, timeout=30):
                raise TimeoutError(f"{len(self._printed)} of {count} denials came")

    def _follow(self) -> None:
        with client() as purser, closing(purser.order_updates(self._filter, after=self._after)) as updates:
            for change in updates:
                name = change.order.client_order_id
                if name not in self._printed:  # the order changes again when the engine reports its OrderDenied
                    with self._changed:
                        print(f"{name}: {change.order.deny_reason}")
                        self._printed.add(name)
                        self._changed.notify_all()


def main() -> None:
    """Run the backtest."""
    with client() as purser, tempfile.TemporaryDirectory() as spool:
        names = {}
        for name, allocated in BUDGETS.items():
            strategy = purser.register_strategy(name, RUN)
            purser.set_budget(strategy.strategy_id, "USDT", allocated)
            names[strategy.strategy_id] = name
        denials = Denials([*names], purser.feed_cursor())
        engine = make_engine(RUN, ["001", "002"])
        actor = PurserActor(PurserActorConfig(url=URL, key=KEY, spool_dir=spool, rest_seconds=0.001))
        engine.add_actor(actor)
        engine.add_actor(Pacer(actor))
        gate = guard(engine, actor)
        engine.run()
        if not actor.flush():
            raise TimeoutError("Purser did not take all events in time; the ledger is incomplete")
        denials.wait_for(gate.counts.denied)
        print_counts("engine:", (order.status_string() for order in engine.cache.orders()))
        mine = OrderFilter(strategy_id=UUIDFilter(in_=[*names]))
        print_counts("ledger:", (order.status.value for order in purser.orders(mine)))
        print(f"asked {gate.counts.asked}, granted {gate.counts.granted}, denied {gate.counts.denied}")
        print_budgets(purser, names)
        engine.dispose()


if __name__ == "__main__":
    main()
