"""Instruments, the valuation of amounts in them, and discrepancies."""

from typing import Any

from sqlalchemy import ColumnElement, any_, case, exists, func, select

from app.models.instruments import Discrepancy, Instrument
from app.models.orders import Hold, Position
from app.reads.columns import Columns, number_literal, text_literal
from app.reads.entity import Entity, One
from app.reads.fields import amount, instant, node_id, plains
from app.reads.filters import by_columns, scope_of

_KEY = ("instrument_id",)
_ITS = Columns("its$", Instrument)
"""The instrument of a row: a table inside a subquery of its own, so one name does for all."""
_LIFE = Columns("life$", Position)
_HOLD = Columns("hold$", Hold)
_RECORDED, _REPORTED = text_literal("RECORDED"), text_literal("REPORTED")
_ASSUMED, _UNVALUED = text_literal("ASSUMED"), text_literal("UNVALUED")


def _source_of(row: Columns) -> ColumnElement[Any]:
    its = select(_ITS.source).select_from(_ITS.rows)
    return its.where(_ITS.instrument_id == row.instrument_id).scalar_subquery()


def _valuation(source: ColumnElement[Any], is_reported: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((source == _RECORDED, _RECORDED), (is_reported, _REPORTED), else_=_ASSUMED)


def _is_confirmed(position: Columns) -> ColumnElement[bool]:
    """Whether the engine's reports agree, of amounts too: a report that nothing was realized confirms no multiplier."""
    return (position.reconciliation == text_literal("AGREES")) & (position.realized_pnl != number_literal(0))


def position_valuation(position: Columns) -> ColumnElement[Any]:
    """How a position is valued: REPORTED where only the engine's own reports, which agree, say so."""
    return _valuation(_source_of(position), _is_confirmed(position))


def fill_valuation(fill: Columns) -> ColumnElement[Any]:
    """How a fill is valued: as the position that it was applied to."""
    same = (
        _LIFE.strategy_id == fill.strategy_id,
        _LIFE.position_id == fill.position_id,
        _LIFE.n == fill.position_n,
        _is_confirmed(_LIFE),
    )
    return _valuation(_source_of(fill), exists().where(*same).select_from(_LIFE.rows))


def order_valuation(order: Columns) -> ColumnElement[Any]:
    """How an order's hold is valued; in an unknown instrument, by the currency that its authorization named, if any."""
    same = (_HOLD.strategy_id == order.strategy_id, _HOLD.client_order_id == order.client_order_id)

    def has_hold(condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(*same, condition).select_from(_HOLD.rows)

    source = _source_of(order)
    is_assumed = source.is_not(None) | has_hold(_HOLD.currency.is_not(None) & _HOLD.unit_price.is_not(None))
    return case(
        (has_hold(_HOLD.is_unvalued), _UNVALUED),
        (source == _RECORDED, _RECORDED),
        (is_assumed, _ASSUMED),
        else_=_UNVALUED,
    )


def is_recorded(instrument_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the instrument's terms are recorded."""
    return instrument_id.in_(select(_ITS.instrument_id).select_from(_ITS.rows).where(_ITS.source == _RECORDED))


def sum_valuation(instrument_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of an aggregate: RECORDED where every row's instrument is, else ASSUMED; null of no rows."""
    return case((func.bool_and(is_recorded(instrument_id)), _RECORDED), (func.count() > number_literal(0), _ASSUMED))


def _is_traded_in_scope(instrument: Columns) -> ColumnElement[bool]:
    """Every key may see recorded instruments. An assumed one is visible to keys that may see a fill of it."""
    traded = exists().where(_LIFE.instrument_id == instrument.instrument_id, _LIFE.strategy_id == any_(scope_of()))
    return (instrument.source == _RECORDED) | traded.select_from(_LIFE.rows)


INSTRUMENT = Entity(
    name="Instrument",
    model=Instrument,
    fields={
        "id": node_id("Instrument", _KEY),
        **plains("instrument_id", "source", "kind", "base_currency", "quote_currency"),
        **plains("settlement_currency", "is_inverse"),
        "multiplier": amount("multiplier"),
    },
    filters=by_columns("instrument_id", "source"),
    sorts=("instrument_id",),
    is_oldest_first=True,
    ties=_KEY,
    key=_KEY,
    scope=_is_traded_in_scope,
)


DISCREPANCY = Entity(
    name="Discrepancy",
    model=Discrepancy,
    fields={
        **plains("event_id", "kind", "strategy_id", "position_id", "instrument_id", "ledger_value"),
        **plains("engine_value"),
        "ts_event": instant("ts_event"),
    },
    links={
        "strategy": One("Strategy", on={"strategy_id": "strategy_id"}),
        # Without a fill that explains the report, it is of no life of the position.
        "position": One("Position", on={"strategy_id": "strategy_id", "position_id": "position_id", "n": "position_n"}),
    },
    filters=by_columns("strategy_id", "instrument_id", "position_id", "kind", "ts_event"),
    sorts=("ts_event",),
    ties=("event_id", "kind", "strategy_id"),
)
