"""Reports a NautilusTrader engine to Purser, and asks Purser before an order leaves.

actor = PurserActor(PurserActorConfig(url="http://127.0.0.1:8000", key="..."))
engine.add_actor(actor)                   # a TradingNode: node.trader.add_actor(actor)
gate = guard(engine, actor, PurserGateConfig())
"""

from purser_nautilus.actor import PurserActor
from purser_nautilus.config import PurserActorConfig, PurserGateConfig
from purser_nautilus.gating.gate import PurserGate
from purser_nautilus.guard import guard

__all__ = ["PurserActor", "PurserActorConfig", "PurserGate", "PurserGateConfig", "guard"]
