"""The use cases that both APIs call: plain async functions `(context, principal, ...)`.

An API passes an `app.reads.ReadQuery` and the values of its slots; a resolver returns JSON as
PostgreSQL wrote it, or raises a domain error of `app.errors`.
"""

from app.resolvers.context import Context, StrategyNames

__all__ = ["Context", "StrategyNames"]
