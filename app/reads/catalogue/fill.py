"""Fills."""

from sqlalchemy import ColumnElement

from app.models import Fill, FillSum
from app.reads.catalogue.instrument import fill_valuation
from app.reads.catalogue.registry import register
from app.reads.catalogue.strategy import ITS_STRATEGY
from app.reads.columns import Columns
from app.reads.entity import Entity, One, Totals
from app.reads.fields import amount, instant, node_id, plain
from app.reads.filters import column, compare, midnight, strategy_name
from app.reads.query import Compare

_KEY = ("strategy_id", "event_id")


def _settlement_currency(columns: Columns, comparison: Compare) -> ColumnElement[bool]:
    """Compare the currency of a fill's amounts, which totals call just that."""
    known = "settlement_currency" if "settlement_currency" in columns else "currency"
    return compare(columns[known], comparison)


FILL = register(
    Entity(
        name="Fill",
        model=Fill,
        fields={
            "id": node_id("Fill", _KEY),
            "trade_id": plain("trade_id"),
            "client_order_id": plain("client_order_id"),
            "venue_order_id": plain("venue_order_id"),
            "strategy_id": plain("strategy_id"),
            "strategy_name": plain("name", ITS_STRATEGY),
            "account_id": plain("account_id"),
            "instrument_id": plain("instrument_id"),
            "position_id": plain("position_id"),
            "side": plain("side"),
            "last_qty": amount("last_qty"),
            "last_px": amount("last_px"),
            "currency": plain("currency"),
            "commission": amount("commission"),
            "commission_currency": plain("commission_currency"),
            "liquidity_side": plain("liquidity_side"),
            "realized_pnl": amount("realized_pnl"),
            "settlement_currency": plain("settlement_currency"),
            "notional": amount("notional"),
            "valuation": plain(fill_valuation),
            "event_id": plain("event_id"),
            "ts_event": instant("ts_event"),
        },
        links={
            "strategy": One("Strategy", on={"strategy_id": "strategy_id"}),
            "instrument": One("Instrument", on={"instrument_id": "instrument_id"}),
            "order": One("Order", on={"strategy_id": "strategy_id", "client_order_id": "client_order_id"}),
        },
        filters={
            "strategy_id": column("strategy_id"),
            "strategy_name": strategy_name,
            "instrument_id": column("instrument_id"),
            "client_order_id": column("client_order_id"),
            "event_id": column("event_id"),
            "side": column("side"),
            "currency": _settlement_currency,
            "last_qty": column("last_qty"),
            "ts_event": column("ts_event"),
            "ts_event_midnight": midnight("ts_event"),
        },
        sorts={
            "ts_event": "ts_event",
            "last_qty": "last_qty",
            "last_px": "last_px",
            "instrument_id": "instrument_id",
        },
        ties=("event_id", "strategy_id"),
        key=_KEY,
        totals=Totals(
            FillSum,
            "fills",
            frozenset({"strategy_id", "strategy_name", "instrument_id", "side", "currency", "ts_event_midnight"}),
        ),
    )
)
