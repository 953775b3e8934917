"""Orders."""

from typing import Any

from sqlalchemy import ColumnElement, Numeric, case, func

from app.models import Order, OrderTotal
from app.reads.catalogue.instrument import order_valuation
from app.reads.catalogue.registry import register
from app.reads.catalogue.signal import signal_of_order
from app.reads.catalogue.strategy import ITS_STRATEGY
from app.reads.columns import Columns
from app.reads.entity import Entity, Many, One, Totals
from app.reads.fields import amount, instant, node_id, plain
from app.reads.filters import column, strategy_name
from app.reads.literals import number_literal, text_literal

_KEY = ("strategy_id", "client_order_id")


def _filled(order: Columns) -> ColumnElement[Any]:
    """What is filled, in the unit of the quantity."""
    return case((order.is_quote_quantity, func.abs(order.filled_notional)), else_=order.filled_qty)


ORDER = register(
    Entity(
        name="Order",
        model=Order,
        fields={
            "id": node_id("Order", _KEY),
            "client_order_id": plain("client_order_id"),
            "venue_order_id": plain("venue_order_id"),
            "strategy_id": plain("strategy_id"),
            "strategy_name": plain("name", ITS_STRATEGY),
            "trader_id": plain("trader_id"),
            "account_id": plain("account_id"),
            "instrument_id": plain("instrument_id"),
            "position_id": plain("position_id"),
            "side": plain("side"),
            "order_type": plain("order_type"),
            "time_in_force": plain("time_in_force"),
            "status": plain("status"),
            "quantity": amount("quantity"),
            "filled_qty": amount("filled_qty"),
            "filled_notional": amount("filled_notional"),
            # An overfilled order has nothing left, not less than nothing.
            "leaves_qty": amount(lambda o: func.greatest(o.quantity - _filled(o), number_literal(0), type_=Numeric())),
            "is_quote_quantity": plain("is_quote_quantity"),
            "quantity_source": plain("quantity_source"),
            "exec_spawn_id": plain("exec_spawn_id"),
            "price": amount("price"),
            "trigger_price": amount("trigger_price"),
            "avg_px": amount("avg_px"),
            "reduce_only": plain("reduce_only"),
            "post_only": plain("post_only"),
            "overfilled": plain("overfilled"),
            "overfill_qty": amount(lambda o: case((o.overfilled, o.filled_qty - o.quantity), else_=number_literal(0))),
            "mismatched": plain("mismatched"),
            "authorization_status": plain("authorization_status"),
            "deny_reason": plain(
                lambda o: case((o.status.in_([text_literal("DENIED"), text_literal("REJECTED")]), o.deny_reason))
            ),
            "tags": plain("tags"),
            "valuation": plain(order_valuation),
            "ts_init": instant("ts_init"),
            "ts_last": instant("ts_last"),
        },
        links={
            "strategy": One("Strategy", on={"strategy_id": "strategy_id"}),
            "instrument": One("Instrument", on={"instrument_id": "instrument_id"}),
            "signal": One("Signal", on={"signal_id": "signal_id"}, also=signal_of_order),
            "hold": One("Hold", on={"strategy_id": "strategy_id", "client_order_id": "client_order_id"}),
            "events": Many("OrderEvent", on={"strategy_id": "strategy_id", "client_order_id": "client_order_id"}),
            "fills": Many("Fill", on={"strategy_id": "strategy_id", "client_order_id": "client_order_id"}),
        },
        filters={
            "strategy_id": column("strategy_id"),
            "strategy_name": strategy_name,
            "instrument_id": column("instrument_id"),
            "client_order_id": column("client_order_id"),
            "status": column("status"),
            "authorization_status": column("authorization_status"),
            "side": column("side"),
            "order_type": column("order_type"),
            "quantity": column("quantity"),
            "quantity_source": column("quantity_source"),
            "ts_init": column("ts_init"),
            "ts_last": column("ts_last"),
        },
        sorts={
            "ts_init": "ts_init",
            "ts_last": "ts_last",
            "client_order_id": "client_order_id",
            "quantity": "quantity",
            "instrument_id": "instrument_id",
            "status": "status",
        },
        ties=("client_order_id", "strategy_id"),
        key=_KEY,
        totals=Totals(OrderTotal, "orders", frozenset({"strategy_id", "strategy_name", "instrument_id", "status"})),
    )
)
