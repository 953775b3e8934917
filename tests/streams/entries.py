"""Entries as NautilusTrader adds them to its streams, made from the recordings."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec
import redis

from app.engines.nautilus.streams import is_recorded_key
from tests.engines.test_nautilus_instruments import crypto_derivative
from tests.ledger.test_engine_truth import lines_of_events

TopicEntry: TypeAlias = tuple[str, bytes]
"""(topic, payload)"""
PREFIX = "trader-DESK-021:stream"
UNREADABLE = b"\xc1 neither JSON nor msgpack"
SKIPPED = [(topic, UNREADABLE) for topic in ("data.quotes.BITMEX.BTC/USD", "events.system.RiskEngine", "commands")]
"""Entries of topics that are not recorded. Their payloads would be refused."""
XBT = crypto_derivative("CryptoPerpetual", "BTC", "USD", "BTC", is_inverse=True) | {"id": "BTC/USD.BITMEX"}
_INSTANTS = ("ts_event", "ts_init", "ts_opened", "ts_closed")


def as_json(message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def as_msgpack(message: Any) -> bytes:
    return msgspec.msgpack.encode(message)


def as_digits(nanoseconds: int) -> str:
    return str(nanoseconds)


def as_iso(nanoseconds: int) -> str:
    """Without a fraction if it is zero, as the engine writes it."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:09}Z" if fraction else f"{text}Z"


def entries_of(
    kind: str, encode: Callable[[Any], bytes] = as_msgpack, stamp: Callable[[int], str] = as_digits
) -> list[TopicEntry]:
    """The events of a recording. A fill has two topics."""
    entries, filled = [], set()
    for line in lines_of_events(kind):
        message = json.loads(line)
        for name in _INSTANTS:
            if message.get(name) is not None:
                message[name] = stamp(message[name])
        if message["type"].startswith("Signal"):
            topic = f"data.{message['type']}"
        elif message.get("event_id") in filled:
            topic = f"events.fills.{message['instrument_id']}"
        else:
            topic = (
                f"events.{'position' if message['type'].startswith('Position') else 'order'}.{message['strategy_id']}"
            )
        if message["type"] == "OrderFilled":
            filled.add(message["event_id"])
        entries.append((topic, encode(message)))
    return entries


def instrument_entry(encode: Callable[[Any], bytes] = as_msgpack) -> TopicEntry:
    """The inverse instrument of the recording `inverse`."""
    return "data.instrument.BITMEX.BTC/USD", encode(XBT)


def key_of(topic: str, *, per_topic: bool) -> str:
    return f"{PREFIX}:{topic}" if per_topic else PREFIX


def feed(client: "redis.Redis", entries: Iterable[TopicEntry], *, per_topic: bool = True) -> None:
    pipeline = client.pipeline(transaction=False)
    for topic, payload in entries:
        pipeline.xadd(key_of(topic, per_topic=per_topic), {"topic": topic, "payload": payload})
    pipeline.execute()


def lengths_of(client: "redis.Redis") -> dict[bytes, int]:
    """The number of entries of each of the engine's streams."""
    return {key: int(client.xlen(key)) for key in client.scan_iter("trader-*")}  # type: ignore[arg-type]


def pending_in(client: "redis.Redis", group: str = "purser") -> int:
    """Entries that are read and not acknowledged, over all streams with the group."""
    groups = [one for key in client.scan_iter("*", _type="stream") for one in _groups_of(client, key)]
    return sum(one["pending"] for one in groups if one["name"] == group.encode())


def left_in(client: "redis.Redis", group: str = "purser") -> int:
    """Entries of the engine's streams that the group has not acknowledged. The streams of skipped topics have none."""
    left = 0
    for key in client.scan_iter("trader-*"):
        if found := [one for one in _groups_of(client, key) if one["name"] == group.encode()]:
            unread: Any = client.xrange(key, b"(" + found[0]["last-delivered-id"])
            left += found[0]["pending"] + len(unread)
        elif is_recorded_key(key):
            left += int(client.xlen(key))  # type: ignore[arg-type]
    return left


def _groups_of(client: "redis.Redis", key: str | bytes) -> list[dict[str, Any]]:
    return list(client.xinfo_groups(key))  # type: ignore[arg-type]
