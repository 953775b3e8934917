"""Backtests of one venue and one instrument."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FillModel
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import LoggingConfig
from nautilus_trader.examples.algorithms.twap import TWAPExecAlgorithm
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import TraderId, Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from purser_nautilus import PurserActor, PurserActorConfig
from tests.clients.nautilus.script import Script, ScriptConfig, random_quotes

ETH = TestInstrumentProvider.ethusdt_perp_binance()
PLAIN = ("market", "limit", "cancel", "signal")
AMOUNTS = ("amount", "amount_limit", "market")
CONTINGENT = (
    "twap",
    "trailing",
    "stop_limit",
    "touched",
    "bracket_oco",
    "bracket_ouo",
    "bracket_emulated",
    "gtd",
    "amend",
    "cancel",
    "emulated",
    "emulated_stop",
    "signal",
)


@contextmanager
def backtest(trader_id: str, *, seed: int = 1, quotes: int = 420) -> Iterator[BacktestEngine]:
    """An engine with a venue and quotes, disposed at the end."""
    config = BacktestEngineConfig(trader_id=TraderId(trader_id), logging=LoggingConfig(bypass_logging=True))
    engine = BacktestEngine(config)
    try:
        engine.add_venue(
            venue=Venue("BINANCE"),
            oms_type=OmsType.HEDGING,
            account_type=AccountType.MARGIN,
            base_currency=None,
            starting_balances=[Money(5_000_000, USDT)],
            fill_model=FillModel(prob_fill_on_limit=0.6, prob_slippage=0.3, random_seed=seed),
            use_random_ids=False,
        )
        engine.add_instrument(ETH)
        engine.add_data(random_quotes(ETH, seed, 2_000, quotes))
        yield engine
    finally:
        engine.dispose()


def add_script(engine: BacktestEngine, kinds: tuple[str, ...], *, tag: int = 1, lots: int = 900, every: int = 3) -> str:
    """Adds a strategy with an algorithm for its primary orders. Returns the strategy's id."""
    config = ScriptConfig(
        instrument_id=ETH.id, seed=tag, lots=lots, kinds=kinds, every=every, order_id_tag=f"{tag:03d}"
    )
    strategy = Script(config)
    engine.add_strategy(strategy)
    if not engine.trader.exec_algorithms():
        engine.add_exec_algorithm(TWAPExecAlgorithm())
    return strategy.id.value


class _Interruption(Actor):
    """Calls functions at quotes, by the quotes' numbers."""

    def __init__(self, acts: Mapping[int, Callable[[], object]]) -> None:
        super().__init__()
        self._acts = acts
        self._quotes = 0

    def on_start(self) -> None:
        self.subscribe_quote_ticks(ETH.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self._quotes += 1
        self._acts.get(self._quotes, lambda: None)()


def interrupt(engine: BacktestEngine, acts: Mapping[int, Callable[[], object]]) -> None:
    """Calls functions during the run, at the quotes with these numbers, from 1."""
    engine.add_actor(_Interruption(acts))


def add_reporter(engine: BacktestEngine, url: str, spool_dir: Path, **options: object) -> PurserActor:
    """Adds the actor that reports the engine."""
    actor = PurserActor(PurserActorConfig(url=url, spool_dir=str(spool_dir), **options))
    engine.add_actor(actor)
    return actor
