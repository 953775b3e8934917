"""Signals."""

from typing import Any

from sqlalchemy import ColumnElement, Uuid, cast

from app.models import Signal, SignalTotal
from app.reads.catalogue.registry import register
from app.reads.columns import Columns
from app.reads.entity import Entity, Many, One, Totals
from app.reads.fields import instant, node_id, plain
from app.reads.filters import column, strategy_name
from app.reads.literals import text_literal
from app.rules.identity import NO_STRATEGY

_KEY = ("strategy_id", "signal_id")
_NO_STRATEGY: ColumnElement[Any] = cast(text_literal(str(NO_STRATEGY)), Uuid())


def signal_of_order(signal: Columns, order: Columns) -> ColumnElement[bool]:
    """A signal of the order's own strategy, or one that the engine published for no strategy in particular."""
    return signal.strategy_id.in_([order.strategy_id, _NO_STRATEGY])


SIGNAL = register(
    Entity(
        name="Signal",
        model=Signal,
        fields={
            "id": node_id("Signal", _KEY),
            "signal_id": plain("signal_id"),
            "strategy_id": plain("strategy_id"),
            "instrument_id": plain("instrument_id"),
            "name": plain("name"),
            "value": plain("value"),
            "ts_event": instant("ts_event"),
        },
        links={
            "strategy": One("Strategy", on={"strategy_id": "strategy_id"}),
            "orders": Many(
                "Order", on={"signal_id": "signal_id"}, also=lambda order, signal: signal_of_order(signal, order)
            ),
        },
        filters={
            "strategy_id": column("strategy_id"),
            "strategy_name": strategy_name,
            "signal_id": column("signal_id"),
            "name": column("name"),
        },
        sorts={"ts_event": "ts_event"},
        ties=("signal_id", "strategy_id"),
        key=_KEY,
        totals=Totals(SignalTotal, "signals", frozenset({"strategy_id", "strategy_name", "name"})),
    )
)
