"""The catalogue: how each entity's fields, filters and orders become SQL. A new column is one name in a list.

Importing any part of it registers all entities: those name each other.
"""

from app.reads.catalogue import administration, budget, fill, instrument, performance, trading

__all__ = ["administration", "budget", "fill", "instrument", "performance", "trading"]
