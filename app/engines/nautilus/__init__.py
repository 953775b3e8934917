"""NautilusTrader: what its message bus publishes (`OrderFilled.to_dict` and the like)."""

from app.engines.nautilus.messages import read_message

__all__ = ["read_message"]
