"""Engine events for tests, in NautilusTrader's format."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from app.engines import nautilus
from app.event_codec import encode_message
from app.ledger.batch import Incoming
from app.rules import events as engine_events
from app.rules.events import AnyOrderEvent, EngineEvent

EVENT_TYPES = [kind.__name__ for kind in AnyOrderEvent.__args__ if kind.__name__ != "OrderInitialized"]

_DEFAULTS: dict[str, Any] = {
    "trader_id": "TRADER-001",
    "strategy_id": "EMACross-000",
    "instrument_id": "BTCUSDT-PERP.BINANCE",
    "client_order_id": "O-1",
    "account_id": "BINANCE-001",
    "venue_order_id": "V-1",
    "position_id": "P-1",
    "order_side": "BUY",
    "order_type": "LIMIT",
    "quantity": Decimal(1),
    "time_in_force": "GTC",
    "last_qty": Decimal(1),
    "last_px": Decimal(100),
    "currency": "USDT",
    "commission": "0.10000000 USDT",
    "liquidity_side": "TAKER",
    "reason": "because",
}


def event_id(n: int) -> str:
    """The UUID of the n-th event of a test."""
    return str(UUID(int=n))


def order_event(kind: str, n: int, *, ts_init: int, ts_event: int, **fields: Any) -> Any:
    """The n-th event of a test, an order event of one kind; the quantity of OrderUpdated is 3 by default."""
    model = getattr(engine_events, kind)
    given = {**_DEFAULTS, "trade_id": f"T-{n}"}
    if kind == "OrderUpdated":
        given["quantity"] = Decimal(3)
    given |= {**fields, "event_id": event_id(n), "ts_init": ts_init, "ts_event": ts_event}
    names = {field.encode_name for field in msgspec.structs.fields(model)}
    return msgspec.convert({name: value for name, value in given.items() if name in names}, model, strict=False)


def published(kind: str, n: int, *, ts: int | None = None, **fields: Any) -> dict[str, Any]:
    """The event as the engine publishes it: a JSON object with amounts as strings. `ts` is n seconds by default."""
    instant = n * 1_000_000_000 if ts is None else ts
    given = {
        **_DEFAULTS,
        "trade_id": f"T-{n}",
        "type": kind,
        "event_id": event_id(n),
        "ts_init": instant,
        "ts_event": instant,
    }
    model = getattr(engine_events, kind)
    names = {field.encode_name for field in msgspec.structs.fields(model)} | {"type"}
    given |= fields
    plain = {name: str(value) if isinstance(value, Decimal) else value for name, value in given.items()}
    return {name: value for name, value in plain.items() if name in names}


def decode_line(line: bytes) -> EngineEvent:
    """The event in a message of NautilusTrader."""
    message = nautilus.read_message(line)
    assert isinstance(message, tuple), "the message is an instrument"
    return message[0]


def incoming(place: int, event: dict[str, Any]) -> Incoming:
    """A published event in the form that the ledger records."""
    line = encode_message(event)
    return Incoming(place, decode_line(line), line.decode())
