"""Fills, and sums over them; the rows behind the sums are those of `app.reads.fill_groups`."""

from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, cast, func, literal_column, select

from app.models.orders import Fill
from app.models.totals import FillSum
from app.reads.catalogue.administration import ITS_STRATEGY, STRATEGY
from app.reads.catalogue.instrument import fill_valuation, sum_valuation
from app.reads.columns import Columns, Derived, number_literal, text_literal
from app.reads.entity import Entity, One, Totals
from app.reads.fields import Source, amount, amounts, instant, node_id, plain, plains
from app.reads.fill_groups import fill_summary
from app.reads.filters import by_columns, compare, midnight, strategy_name
from app.reads.query import Compare

_KEY = ("strategy_id", "event_id")


def _settlement_currency(columns: Columns, comparison: Compare) -> ColumnElement[bool]:
    """Compare the currency of a fill's amounts, which totals call just that."""
    known = "settlement_currency" if "settlement_currency" in columns else "currency"
    return compare(columns[known], comparison)


FILL = Entity(
    name="Fill",
    model=Fill,
    fields={
        "id": node_id("Fill", _KEY),
        **plains("trade_id", "client_order_id", "venue_order_id", "strategy_id", "account_id"),
        **plains("instrument_id", "position_id", "side", "currency", "commission_currency"),
        **plains("liquidity_side", "settlement_currency", "event_id"),
        **amounts("last_qty", "last_px", "commission", "realized_pnl", "notional"),
        "ts_event": instant("ts_event"),
        "strategy_name": plain("name", ITS_STRATEGY),
        "valuation": plain(fill_valuation),
    },
    links={
        "strategy": One("Strategy", on={"strategy_id": "strategy_id"}),
        "instrument": One("Instrument", on={"instrument_id": "instrument_id"}),
        "order": One("Order", on={"strategy_id": "strategy_id", "client_order_id": "client_order_id"}),
    },
    filters={
        **by_columns("strategy_id", "instrument_id", "client_order_id", "event_id", "side", "last_qty", "ts_event"),
        "strategy_name": strategy_name,
        "currency": _settlement_currency,
        "ts_event_midnight": midnight("ts_event"),
    },
    sorts=("ts_event", "last_qty", "last_px", "instrument_id"),
    ties=("event_id", "strategy_id"),
    key=_KEY,
    totals=Totals(
        FillSum,
        "fills",
        frozenset({"strategy_id", "strategy_name", "instrument_id", "side", "currency", "ts_event_midnight"}),
    ),
)


_NONE = number_literal(0)
_OWNED = Columns("owned$", FillSum)
"""The kept sums of one strategy."""


def count_fills(rows: Columns, side: str | None = None) -> Any:
    """How many fills the rows have; with `side`, of that side."""
    fills = func.sum(rows.fills)
    counted = fills if side is None else fills.filter(rows.side == text_literal(side))
    return cast(func.coalesce(counted, _NONE), BigInteger)


def _rests_on(rows: Columns) -> Any:
    """The valuation of sums over the rows; RECORDED without rows."""
    return func.coalesce(sum_valuation(rows.instrument_id), text_literal("RECORDED"))


FILL_SUMMARY = Entity(
    name="FillSummary",
    model=None,
    fields={
        "total_fills": plain(count_fills),
        "buy_fills": plain(lambda rows: count_fills(rows, "BUY")),
        "sell_fills": plain(lambda rows: count_fills(rows, "SELL")),
        # A row without fills holds a commission in another currency.
        "first_ts": instant(lambda rows: func.min(rows.first_ts).filter(rows.fills > _NONE)),
        "last_ts": instant(lambda rows: func.max(rows.last_ts).filter(rows.fills > _NONE)),
        "valuation": plain(lambda rows: sum_valuation(rows.instrument_id)),
        "rests_on": plain(_rests_on),
    },
    computed=fill_summary,
)

FILL_SUMMARY_GROUP = Entity(
    name="FillSummaryGroup",
    model=None,
    fields={
        **plains("strategy_id", "instrument_id", "side", "currency", "valuation"),
        **amounts("quantity", "buy_qty", "sell_qty", "notional", "total_fees"),
        "day": plain(lambda g: cast(g.day, Text).op("||")(literal_column("'T00:00:00.000000000Z'"))),
        "fills": plain(lambda g: cast(g.fills, BigInteger)),
        "realized_pnl": amount(lambda g: func.trim_scale(g.realized_pnl)),
        "untrimmed_pnl": amount("realized_pnl"),
    },
)


def _by_currency(column: str) -> Source:
    """An object of sums over the strategy's fills, by currency; a fee counts under the currency it was paid in."""

    def source(strategy: Columns) -> ColumnElement[Any]:
        sums = select(_OWNED.currency, func.sum(_OWNED[column]).label("sum")).select_from(_OWNED.rows)
        sums = sums.where(_OWNED.strategy_id == strategy.strategy_id).group_by(_OWNED.currency)
        rows = Derived("sums$")
        found = func.coalesce(func.json_object_agg(rows.currency, rows["sum"]), literal_column("'{}'::json"))
        return select(found).select_from(sums.order_by(_OWNED.currency).subquery(rows.name)).scalar_subquery()

    return source


def _valuation_of_strategy(strategy: Columns) -> ColumnElement[Any]:
    valuation = select(_rests_on(_OWNED)).select_from(_OWNED.rows)
    return valuation.where(_OWNED.strategy_id == strategy.strategy_id).scalar_subquery()


REALIZED_PNL = replace(
    STRATEGY,
    fields={
        "strategy_id": plain("strategy_id"),
        "realized_pnl": plain(_by_currency("realized_pnl")),
        "total_fees": plain(_by_currency("total_fees")),
        "valuation": plain(_valuation_of_strategy),
    },
)
"""A strategy's realized PnL, gross of commissions, and its fees."""
