"""Installs a gate in an engine."""

from typing import Protocol

from nautilus_trader.common import Environment
from nautilus_trader.system.kernel import NautilusKernel

from purser_nautilus.actor import PurserActor
from purser_nautilus.config import PurserGateConfig
from purser_nautilus.gating.backtest_gate import BacktestGate
from purser_nautilus.gating.gate import PurserGate
from purser_nautilus.gating.live_gate import LiveGate


class Engine(Protocol):
    """A BacktestEngine or a TradingNode."""

    @property
    def kernel(self) -> NautilusKernel:
        """What the engine is built of."""


def guard(engine: Engine, actor: PurserActor, config: PurserGateConfig | None = None) -> PurserGate:
    """Make a gate that is installed when the actor starts. Call it before the engine runs, with its added actor."""
    kernel = engine.kernel
    kind = BacktestGate if kernel.environment == Environment.BACKTEST else LiveGate
    gate = kind(kernel, actor.undecided, actor.config, config or PurserGateConfig())
    actor.guard_with(gate.guards, gate.install, gate.close)
    return gate
