"""Signals, orders, positions, and engine events: those of an order, and those that were not applied."""

from typing import Any

from sqlalchemy import ColumnElement, Numeric, Uuid, and_, case, cast, func, or_

from app.models.instruments import Signal
from app.models.orders import Order, OrderEvent, Position, QuarantinedEvent, QuarantineResolution
from app.models.totals import OrderTotal, PositionTotal, SignalTotal
from app.reads.catalogue.administration import ITS_STRATEGY
from app.reads.catalogue.instrument import order_valuation, position_valuation
from app.reads.columns import Columns, number_literal, text_literal
from app.reads.entity import Entity, Many, One, Totals
from app.reads.fields import Join, amount, amounts, instant, node_id, plain, plains
from app.reads.filters import by_columns, strategy_name
from app.rules.identity import NO_STRATEGY

_SIGNAL_KEY = ("strategy_id", "signal_id")
_NO_STRATEGY: ColumnElement[Any] = cast(text_literal(str(NO_STRATEGY)), Uuid())


def signal_of_order(signal: Columns, order: Columns) -> ColumnElement[bool]:
    """A signal of the order's own strategy, or one that the engine published for no strategy in particular."""
    return signal.strategy_id.in_([order.strategy_id, _NO_STRATEGY])


SIGNAL = Entity(
    name="Signal",
    model=Signal,
    fields={
        "id": node_id("Signal", _SIGNAL_KEY),
        **plains("signal_id", "strategy_id", "instrument_id", "name", "value"),
        "ts_event": instant("ts_event"),
    },
    links={
        "strategy": One("Strategy", on={"strategy_id": "strategy_id"}),
        "orders": Many(
            "Order", on={"signal_id": "signal_id"}, also=lambda order, signal: signal_of_order(signal, order)
        ),
    },
    filters={
        **by_columns("strategy_id", "signal_id", "name"),
        "strategy_name": strategy_name,
    },
    sorts=("ts_event",),
    ties=("signal_id", "strategy_id"),
    key=_SIGNAL_KEY,
    totals=Totals(SignalTotal, "signals", frozenset({"strategy_id", "strategy_name", "name"})),
)


_ORDER_KEY = ("strategy_id", "client_order_id")


def _filled(order: Columns) -> ColumnElement[Any]:
    """The filled amount, in the unit of the quantity."""
    return case((order.is_quote_quantity, func.abs(order.filled_notional)), else_=order.filled_qty)


ORDER = Entity(
    name="Order",
    model=Order,
    fields={
        "id": node_id("Order", _ORDER_KEY),
        **plains("client_order_id", "venue_order_id", "strategy_id", "trader_id", "account_id"),
        **plains("instrument_id", "position_id", "side", "order_type", "time_in_force", "status"),
        **plains("is_quote_quantity", "quantity_source", "exec_spawn_id", "reduce_only", "post_only"),
        **plains("overfilled", "mismatched", "authorization_status", "tags"),
        **amounts("quantity", "filled_qty", "filled_notional", "price", "trigger_price", "avg_px"),
        "ts_init": instant("ts_init"),
        "ts_last": instant("ts_last"),
        "strategy_name": plain("name", ITS_STRATEGY),
        # An overfilled order has nothing left, not less than nothing.
        "leaves_qty": amount(lambda o: func.greatest(o.quantity - _filled(o), number_literal(0), type_=Numeric())),
        "overfill_qty": amount(lambda o: case((o.overfilled, o.filled_qty - o.quantity), else_=number_literal(0))),
        "deny_reason": plain(
            lambda o: case((o.status.in_([text_literal("DENIED"), text_literal("REJECTED")]), o.deny_reason))
        ),
        "valuation": plain(order_valuation),
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
        **by_columns("strategy_id", "instrument_id", "client_order_id", "status", "authorization_status"),
        **by_columns("side", "order_type", "quantity", "quantity_source", "ts_init", "ts_last"),
        "strategy_name": strategy_name,
    },
    sorts=("ts_init", "ts_last", "client_order_id", "quantity", "instrument_id", "status"),
    ties=("client_order_id", "strategy_id"),
    key=_ORDER_KEY,
    totals=Totals(OrderTotal, "orders", frozenset({"strategy_id", "strategy_name", "instrument_id", "status"})),
)


_EVENT_KEY = ("strategy_id", "event_id", "variant")
_QUARANTINE = Join(QuarantinedEvent, on=_EVENT_KEY)
_EVENT = Join(OrderEvent, on=_EVENT_KEY)
_RESOLUTION = Join(QuarantineResolution, on=_EVENT_KEY)
_OF_EVENT = {
    "id": node_id("OrderEvent", _EVENT_KEY),
    **plains("event_id", "strategy_id", "variant"),
    "ts_event": instant("ts_event"),
    "resolution": plain("action", _RESOLUTION),
    "resolution_reason": plain("reason", _RESOLUTION),
    "resolved_by": plain("actor", _RESOLUTION),
    "resolved_at": instant("ts", _RESOLUTION),
}


def _reason(quarantine: Columns) -> ColumnElement[Any]:
    return quarantine.code.op("||")(text_literal(": ")).op("||")(quarantine.reason)


ORDER_EVENT = Entity(
    name="OrderEvent",
    model=OrderEvent,
    fields={
        **_OF_EVENT,
        **plains("type", "payload"),
        # A position event names the order that opened the position.
        "client_order_id": plain(
            lambda e: func.coalesce(e.client_order_id, e.payload.op("->>")(text_literal("opening_order_id")))
        ),
        "applied": plain(lambda q: q.event_id.is_(None), _QUARANTINE),
        "quarantine_reason": plain(_reason, _QUARANTINE),
        "quarantine_code": plain("code", _QUARANTINE),
    },
    filters=by_columns(*_EVENT_KEY),
    sorts=("ts_event",),
    # Engines stamp several events of an order with one instant; then the arrival orders them.
    ties=("ts_init", "seq", "event_id", "variant", "strategy_id"),
    key=_EVENT_KEY,
)

QUARANTINED_EVENT = Entity(
    name="QuarantinedEvent",
    model=QuarantinedEvent,
    fields={
        **_OF_EVENT,
        "client_order_id": plain("client_order_id"),
        "type": plain("type", _EVENT),
        "applied": plain(lambda q: q.event_id.is_(None)),
        "quarantine_reason": plain(_reason),
        "payload": plain("payload", _EVENT),
        "quarantine_code": plain("code"),
    },
    filters=by_columns("strategy_id", "client_order_id", "code", "ts_event"),
    sorts=("ts_event",),
    ties=("event_id", "variant", "strategy_id"),
)


_POSITION_KEY = ("strategy_id", "n", "position_id")

POSITION = Entity(
    name="Position",
    model=Position,
    fields={
        "id": node_id("Position", _POSITION_KEY),
        **plains("position_id", "strategy_id", "account_id", "instrument_id", "status", "entry", "side"),
        **plains("currency", "reconciliation"),
        **amounts("signed_qty", "peak_qty", "avg_px_open", "avg_px_close", "realized_pnl", "total_fees"),
        "ts_opened": instant("ts_opened"),
        "ts_closed": instant("ts_closed"),
        "strategy_name": plain("name", ITS_STRATEGY),
        "quantity": amount(lambda p: func.abs(p.signed_qty)),
        "valuation": plain(position_valuation),
        "duration_ns": plain(lambda p: p.ts_closed - p.ts_opened),
    },
    links={
        "strategy": One("Strategy", on={"strategy_id": "strategy_id"}),
        "instrument": One("Instrument", on={"instrument_id": "instrument_id"}),
        # The fill that flips a position closes one life and opens the next: both have it.
        "fills": Many(
            "Fill",
            on={"strategy_id": "strategy_id", "position_id": "position_id"},
            also=lambda fill, position: and_(
                # One position_id may have thousands of lives: the instants are what an index finds.
                fill.ts_event >= position.ts_opened,
                fill.ts_event <= position.last_ts_event,
                or_(
                    fill.position_n == position.n,
                    and_(fill.flip_qty > number_literal(0), fill.position_n == position.n - number_literal(1)),
                ),
            ),
        ),
    },
    filters={
        **by_columns("strategy_id", "instrument_id", "status", "position_id", "reconciliation", "n", "ts_opened"),
        "strategy_name": strategy_name,
    },
    sorts=("ts_opened",),
    ties=("position_id", "n", "strategy_id"),
    key=_POSITION_KEY,
    totals=Totals(PositionTotal, "positions", frozenset({"strategy_id", "strategy_name", "instrument_id", "status"})),
)
