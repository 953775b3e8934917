"""A second engine needs only a `read_message` of its own; the ledger is the same."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.database import Database
from app.event_codec import BadEvent, EngineMessage, decode_new
from app.ledger.batch import Rejected
from app.ledger.importing import import_file
from app.rules.valuation import InstrumentDefinition
from tests.events import event_id
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import rows

pytestmark = pytest.mark.anyio

_KINDS = {"new": "OrderInitialized", "ack": "OrderAccepted", "trade": "OrderFilled"}


def read_message(line: bytes) -> EngineMessage:
    """Reads messages like `{"is": "trade", "at": 3, "of": "O-1"}`, with instants in seconds and prices in cents."""
    message = json.loads(line)
    if message["is"] == "listing":
        return InstrumentDefinition(instrument_id=message["name"], quote_currency="EUR", settlement_currency="EUR")
    if message["is"] not in _KINDS:
        raise BadEvent("UNKNOWN_EVENT_TYPE", f"{message['is']!r} is no message of this engine")
    stored = json.dumps(_stored_event(message))
    return decode_new(stored.encode()), stored


def _stored_event(message: dict[str, Any]) -> dict[str, Any]:
    instant = message["at"] * 10**9
    known = {"trader_id": "T", "strategy_id": "S", "instrument_id": "ACME", "account_id": "A", "venue_order_id": "V"}
    event = {"type": _KINDS[message["is"]], **known, "client_order_id": message["of"], "ts_init": instant}
    event |= {"event_id": event_id(message["at"]), "ts_event": instant, "order_side": "BUY", "order_type": "LIMIT"}
    if message["is"] == "new":
        return {**event, "quantity": str(message["size"]), "options": {"price": str(Decimal(message["cents"]) / 100)}}
    if message["is"] == "trade":
        event |= {"trade_id": str(message["at"]), "last_qty": str(message["size"]), "currency": "EUR"}
        event["last_px"] = str(Decimal(message["cents"]) / 100)
    return event


MESSAGES: list[dict[str, Any]] = [
    {"is": "listing", "name": "ACME"},
    {"is": "new", "at": 1, "of": "O-1", "size": 10, "cents": 1250},
    {"is": "ack", "at": 2, "of": "O-1"},
    {"is": "trade", "at": 3, "of": "O-1", "size": 4, "cents": 1249},
    {"is": "weather"},
]


async def test_an_engine_with_its_own_message_format_fills_the_ledger(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text("".join(json.dumps(message) + "\n" for message in MESSAGES))
    refused: list[Rejected] = []
    progress = await import_file(database, file, read_message, on_rejected=refused.append)
    assert (progress.accepted, progress.instruments, progress.rejected) == (3, 1, 1)
    assert [(one.place, one.code) for one in refused] == [(5, "UNKNOWN_EVENT_TYPE")]
    [order] = await rows(database, "SELECT status, filled_qty, avg_px FROM orders")
    assert tuple(order) == ("PARTIALLY_FILLED", 4, Decimal("12.49"))
    [position] = await rows(database, "SELECT signed_qty, cost FROM positions")
    assert tuple(position) == (4, Decimal("49.96"))
    assert await broken_invariants(database) == []
