"""The state of all trading, and the effective state of a strategy, by the rule that authorizations apply."""

from typing import Any

from sqlalchemy import ColumnElement, Text, case, func, select, type_coerce

from app.models import TradingControl
from app.reads.catalogue.registry import register
from app.reads.columns import Columns
from app.reads.entity import Entity
from app.reads.fields import Source, instant, plain
from app.reads.literals import text_literal
from app.rules.enums import TradingState

_CONTROL = Columns("control$", TradingControl)
"""A table inside a subquery of its own, so one name does for all."""
_ACTIVE, _REDUCING, _HALTED = (text_literal(state.value) for state in TradingState)


def _stored(column: str) -> ColumnElement[Any]:
    row = TradingControl.__table__.alias(_CONTROL.name)  # type: ignore[attr-defined]
    return select(_CONTROL[column]).select_from(row).scalar_subquery()


def _of(column: str) -> Source:
    return lambda _: _stored(column)


def effective(strategy: Columns) -> ColumnElement[Any]:
    """What a strategy may do: the stricter of its own state and that of all trading."""
    reducing = case((strategy.state == _HALTED, _HALTED), else_=_REDUCING)
    states = ((_ACTIVE, strategy.state), (_REDUCING, reducing))
    # Where the row is missing nothing may trade.
    return type_coerce(case(*states, value=_stored("state"), else_=_HALTED), Text())


GLOBAL_TRADING_STATE = register(
    Entity(
        name="GlobalTradingState",
        model=None,
        fields={
            "state": plain(lambda _: func.coalesce(_stored("state"), _HALTED)),
            "since": instant(_of("since")),
            "actor": plain(_of("actor")),
        },
    )
)
