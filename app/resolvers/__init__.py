"""The use cases that both faces call: plain async functions, one file for each entity.

Each is `(context, principal, ...)`: the process's means, and who asks.

A face says what it wants (`app.reads.ReadQuery` and the values beside it); a resolver answers with JSON as
PostgreSQL wrote it, or raises a domain error of `app.errors`.
"""

from app.resolvers.context import Context
from app.resolvers.names import StrategyNames

__all__ = ["Context", "StrategyNames"]
