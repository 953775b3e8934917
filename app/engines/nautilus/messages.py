"""Translates NautilusTrader's messages into the ledger's events.

Order and position events already have the stored form (`app.event_codec`). A signal's event type contains its name.
Instruments are published as data.
"""

from typing import Any

import msgspec

from app.engines.nautilus.instruments import INSTRUMENT_KINDS, read_instrument
from app.event_codec import (
    NOT_A_LEDGER_EVENT,
    BadEvent,
    EngineMessage,
    UnknownType,
    check_new,
    decode_new,
    read_instant,
    read_uuid,
)
from app.rules.events import SignalPublished

_NOT_LEDGER_TYPES = frozenset({"AccountState", "ComponentStateChanged", "TradingStateChanged", "PositionAdjusted"})
"""Messages that concern no order, fill, position or signal."""

_RAW_DECODER: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_message(line: bytes) -> EngineMessage:
    """Translate one message, a JSON text. Raises BadEvent; NOT_A_LEDGER_EVENT: it is not stored."""
    try:
        return decode_new(line), line.decode()
    except UnknownType as unknown:
        kind, content = unknown.kind, unknown.content
        if kind in _NOT_LEDGER_TYPES:
            raise BadEvent(NOT_A_LEDGER_EVENT, f"{kind} is not stored by the ledger", unknown.event_id) from None
        if kind in INSTRUMENT_KINDS:
            return read_instrument(content)
        if kind.startswith("Signal"):
            return check_new(_signal(kind, line, content, unknown.event_id)), line.decode()
        raise


def _signal(kind: str, line: bytes, content: dict[str, Any], event_id: str | None) -> SignalPublished:
    raw = _RAW_DECODER.decode(line).get("value")
    if raw is None:
        raise BadEvent("INVALID_EVENT", f"{kind} has no `value`", event_id)
    fields = {key: content.get(key) for key in ("trader_id", "strategy_id", "instrument_id")}
    try:
        signal = msgspec.convert(
            {
                "name": kind.removeprefix("Signal") or kind,
                # As text, because the number may be too long for other types. No digit is lost.
                "value": msgspec.json.format(bytes(raw), indent=-1).decode(),
                "ts_event": content.get("ts_event"),
                "ts_init": content.get("ts_init", content.get("ts_event")),
                **fields,
            },
            SignalPublished,
        )
    except msgspec.ValidationError as error:
        raise BadEvent("INVALID_EVENT", f"{kind}: {error}", event_id) from None
    except RecursionError:
        raise BadEvent("INVALID_EVENT", f"{kind}: value is nested too deeply", event_id) from None
    if any("\n" in (name or "") for name in (signal.trader_id, signal.strategy_id)):
        raise BadEvent("INVALID_EVENT", "trader_id and strategy_id must not contain a line break", event_id)
    if event_id is not None:
        signal.event_id = read_uuid(event_id)
    signal.ts_event = read_instant(signal.ts_event, "ts_event", event_id)
    signal.ts_init = read_instant(signal.ts_init, "ts_init", event_id)
    return signal
