"""SQLModel tables, one file per noun. Large tables' keys begin with `strategy_id` so that they can be sharded."""

from sqlmodel import SQLModel

from app.models import administration, feed, instruments, orders, totals
from app.models.columns import add_checks

__all__ = ["administration", "feed", "instruments", "metadata", "orders", "totals"]

metadata = SQLModel.metadata
add_checks(metadata)
