"""Engine events: those of an order, and those that were not applied."""

from typing import Any

from sqlalchemy import ColumnElement, func

from app.models import OrderEvent, QuarantinedEvent, QuarantineResolution
from app.reads.catalogue.registry import register
from app.reads.columns import Columns
from app.reads.entity import Entity
from app.reads.fields import Join, instant, node_id, plain
from app.reads.filters import column
from app.reads.literals import text_literal

_KEY = ("strategy_id", "event_id", "variant")
_QUARANTINE = Join(QuarantinedEvent, on=_KEY)
_EVENT = Join(OrderEvent, on=_KEY)
_RESOLUTION = Join(QuarantineResolution, on=_KEY)
_RESOLVED = {
    "resolution": plain("action", _RESOLUTION),
    "resolution_reason": plain("reason", _RESOLUTION),
    "resolved_by": plain("actor", _RESOLUTION),
    "resolved_at": instant("ts", _RESOLUTION),
}


def _reason(quarantine: Columns) -> ColumnElement[Any]:
    return quarantine.code.op("||")(text_literal(": ")).op("||")(quarantine.reason)


ORDER_EVENT = register(
    Entity(
        name="OrderEvent",
        model=OrderEvent,
        fields={
            "id": node_id("OrderEvent", _KEY),
            "event_id": plain("event_id"),
            "type": plain("type"),
            # A position event names the order that opened the position.
            "client_order_id": plain(
                lambda e: func.coalesce(e.client_order_id, e.payload.op("->>")(text_literal("opening_order_id")))
            ),
            "ts_event": instant("ts_event"),
            "applied": plain(lambda q: q.event_id.is_(None), _QUARANTINE),
            "quarantine_reason": plain(_reason, _QUARANTINE),
            "payload": plain("payload"),
            "strategy_id": plain("strategy_id"),
            "variant": plain("variant"),
            "quarantine_code": plain("code", _QUARANTINE),
            **_RESOLVED,
        },
        filters={name: column(name) for name in _KEY},
        sorts={"ts_event": "ts_event"},
        # Engines stamp several events of an order with one instant; then the arrival orders them.
        ties=("ts_init", "seq", "event_id", "variant", "strategy_id"),
        key=_KEY,
    )
)

QUARANTINED_EVENT = register(
    Entity(
        name="QuarantinedEvent",
        model=QuarantinedEvent,
        fields={
            "id": node_id("OrderEvent", _KEY),
            "event_id": plain("event_id"),
            "type": plain("type", _EVENT),
            "client_order_id": plain("client_order_id"),
            "ts_event": instant("ts_event"),
            "applied": plain(lambda q: q.event_id.is_(None)),
            "quarantine_reason": plain(_reason),
            "payload": plain("payload", _EVENT),
            "strategy_id": plain("strategy_id"),
            "variant": plain("variant"),
            "quarantine_code": plain("code"),
            **_RESOLVED,
        },
        filters={name: column(name) for name in ("strategy_id", "client_order_id", "code", "ts_event")},
        sorts={"ts_event": "ts_event"},
        ties=("event_id", "variant", "strategy_id"),
    )
)
