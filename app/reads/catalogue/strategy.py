"""Strategies."""

from app.models import Strategy
from app.reads.catalogue.registry import register
from app.reads.catalogue.trading_state import effective
from app.reads.entity import Computed, Entity, Every, Many
from app.reads.fields import Join, instant, node_id, plain
from app.reads.filters import column, compare

ITS_STRATEGY = Join(Strategy, on=("strategy_id",))
"""The strategy of an order, a fill or a position."""

_KEY = ("strategy_id",)

STRATEGY = register(
    Entity(
        name="Strategy",
        model=Strategy,
        fields={
            "id": node_id("Strategy", _KEY),
            "strategy_id": plain("strategy_id"),
            "name": plain("name"),
            "trader_id": plain("trader_id"),
            "state": plain(effective),
            "own_state": plain("state"),
            "created_at": instant("created_at"),
        },
        links={
            "budgets": Every("Budget", on={"strategy_id": "strategy_id"}),
            "orders": Many("Order", on={"strategy_id": "strategy_id"}),
            "fills": Many("Fill", on={"strategy_id": "strategy_id"}),
            "positions": Many("Position", on={"strategy_id": "strategy_id"}),
            "signals": Many("Signal", on={"strategy_id": "strategy_id"}),
            "performance": Computed("Performance"),
        },
        filters={
            "strategy_id": column("strategy_id"),
            "name": column("name"),
            "trader_id": column("trader_id"),
            "state": lambda columns, comparison: compare(effective(columns), comparison),
            "own_state": column("state"),
        },
        sorts={"created_at": "created_at"},
        ties=("strategy_id",),
        key=_KEY,
    )
)
