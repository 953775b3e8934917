"""NautilusTrader: translates the messages of its bus (`OrderFilled.to_dict` and others)."""

from app.engines.nautilus.messages import read_message

__all__ = ["read_message"]
