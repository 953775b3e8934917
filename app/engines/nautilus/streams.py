"""NautilusTrader's external streams in Redis: which topics concern the ledger, and their payloads.

An entry has the fields `topic` and `payload`. The payload is the message in the form of `to_dict`, as JSON or as a map
of msgpack. The key of a stream that has one topic only ends with that topic (`stream_per_topic`).
"""

import re
from typing import Any, TypeAlias

import msgspec

from app.engines.nautilus.messages import read_message
from app.event_codec import EVENT_BYTES_MAX, BadEvent, EngineMessage

_RECORDED = (b"events.order.", b"events.position.", b"events.fills.", b"data.instrument.", b"data.Signal")
_TOPIC_IN_KEY = re.compile(rb":((?:events|data)\..+)", re.DOTALL)
_Value: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any] | None
_MSGPACK: msgspec.msgpack.Decoder[dict[str, _Value]] = msgspec.msgpack.Decoder(dict[str, _Value])
"""Refuses binary values, which JSON would show as base64."""


def is_recorded_topic(topic: bytes) -> bool:
    """Whether messages of the topic may be recorded: orders, fills, positions, signals and instruments.

    A fill is published under two topics, with one event id.
    """
    return topic.startswith(_RECORDED)


def is_recorded_key(key: bytes) -> bool:
    """Whether the stream may contain such messages: it has several topics, or one that is recorded."""
    topic = _TOPIC_IN_KEY.search(key)
    return topic is None or is_recorded_topic(topic[1])


def read_payload(payload: bytes) -> EngineMessage:
    """Translate a payload of either encoding. Raises BadEvent."""
    return read_message(_json_of_msgpack(payload) if _is_msgpack_map(payload) else payload.strip())


def _is_msgpack_map(payload: bytes) -> bool:
    """Whether the first byte begins a map; none of these bytes begins a JSON text."""
    first = payload[0] if payload else 0
    return 0x80 <= first <= 0x8F or first in (0xDE, 0xDF)


def _json_of_msgpack(payload: bytes) -> bytes:
    if len(payload) > EVENT_BYTES_MAX:
        raise BadEvent("EVENT_TOO_LARGE", f"the event has {len(payload)} bytes; at most {EVENT_BYTES_MAX} are accepted")
    try:
        return msgspec.json.encode(_MSGPACK.decode(payload))
    except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError, RecursionError) as error:
        raise BadEvent("MALFORMED_MSGPACK", f"not a valid msgpack map: {error}") from None
