"""Strategies, the state of all trading, the counts of everything, and the audit log."""

from typing import Any

from sqlalchemy import ColumnElement, Text, case, func, select, type_coerce

from app.models.administration import AuditEntry, Strategy, TradingControl
from app.reads.columns import Columns, text_literal
from app.reads.entity import Computed, Count, Entity, Every, Many
from app.reads.fields import Join, Source, instant, node_id, plain, plains
from app.reads.filters import by_columns, compare
from app.rules.enums import TradingState

_CONTROL = Columns("control$", TradingControl)
"""A table inside a subquery of its own, so one name does for all."""
_ACTIVE, _REDUCING, _HALTED = (text_literal(state.value) for state in TradingState)


def _stored(column: str) -> ColumnElement[Any]:
    return select(_CONTROL[column]).select_from(_CONTROL.rows).scalar_subquery()


def _of(column: str) -> Source:
    return lambda _: _stored(column)


def effective(strategy: Columns) -> ColumnElement[Any]:
    """The effective trading state of a strategy: the stricter of its own and the global one."""
    reducing = case((strategy.state == _HALTED, _HALTED), else_=_REDUCING)
    states = ((_ACTIVE, strategy.state), (_REDUCING, reducing))
    # Where the row is missing nothing may trade.
    return type_coerce(case(*states, value=_stored("state"), else_=_HALTED), Text())


GLOBAL_TRADING_STATE = Entity(
    name="GlobalTradingState",
    model=None,
    fields={
        "state": plain(lambda _: func.coalesce(_stored("state"), _HALTED)),
        "since": instant(_of("since")),
        "actor": plain(_of("actor")),
    },
)


ITS_STRATEGY = Join(Strategy, on=("strategy_id",))
"""The strategy of an order, a fill or a position."""


STRATEGY = Entity(
    name="Strategy",
    model=Strategy,
    fields={
        "id": node_id("Strategy", ("strategy_id",)),
        **plains("strategy_id", "name", "trader_id"),
        "created_at": instant("created_at"),
        "state": plain(effective),
        "own_state": plain("state"),
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
        **by_columns("strategy_id", "name", "trader_id"),
        "state": lambda columns, comparison: compare(effective(columns), comparison),
        "own_state": lambda columns, comparison: compare(columns.state, comparison),
    },
    sorts=("created_at",),
    ties=("strategy_id",),
    key=("strategy_id",),
)


SUMMARY = Entity(
    name="Summary",
    model=None,
    fields={},
    links={
        "signals": Count("Signal"),
        "orders": Count("Order"),
        "fills": Count("Fill"),
        "instruments": Count("Instrument"),
        "discrepancies": Count("Discrepancy"),
    },
)


AUDIT_ENTRY = Entity(
    name="AuditEntry",
    model=AuditEntry,
    fields={
        "id": node_id("AuditEntry", ("id",)),
        **plains("actor", "action", "entity_type", "entity_id", "strategy_id", "before", "after"),
        **plains("request_id", "hash"),
        "ts": instant("ts"),
        "number": plain("id"),
    },
    filters=by_columns("id", "actor", "action", "strategy_id", "ts"),
    sorts=("ts",),
    ties=("id",),
    key=("id",),
)
