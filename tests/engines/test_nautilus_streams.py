"""Topics, keys and payloads of NautilusTrader's external streams."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engines.nautilus import read_message
from app.engines.nautilus.streams import is_recorded_key, is_recorded_topic, read_payload
from app.event_codec import EVENT_BYTES_MAX, BadEvent
from app.rules.valuation import InstrumentDefinition
from tests.engines.test_nautilus_instruments import crypto_derivative
from tests.events import EVENT_TYPES, published


@pytest.mark.parametrize(
    ("topic", "is_recorded"),
    [
        (b"events.order.EMACross-000", True),
        (b"events.position.EMACross-000", True),
        (b"events.fills.BTCUSDT-PERP.BINANCE", True),
        (b"data.instrument.BINANCE.BTCUSDT-PERP", True),
        (b"data.SignalMomentum", True),
        (b"events.account.BINANCE-001", False),
        (b"events.system.RiskEngine", False),
        (b"data.quotes.BINANCE.BTCUSDT-PERP", False),
        (b"data.instrument_status.BINANCE", False),
        (b"commands.trading", False),
        (b"", False),
    ],
)
def test_only_topics_of_the_ledger_are_recorded(topic: bytes, is_recorded: bool) -> None:
    assert is_recorded_topic(topic) is is_recorded
    if topic.startswith((b"events", b"data")):
        for prefix in (b"trader-T-001:stream", b"trader-T-001:0e1b:stream", b"stream", b"own:prefix"):
            assert is_recorded_key(prefix + b":" + topic) is is_recorded


@pytest.mark.parametrize("key", [b"trader-T-001:stream", b"trader-stream", b"own", b"trader-T-001:stream:commands"])
def test_a_stream_of_unknown_topics_is_read(key: bytes) -> None:
    assert is_recorded_key(key)


@pytest.mark.parametrize("kind", ["OrderInitialized", *EVENT_TYPES])
def test_both_encodings_give_the_same_event(kind: str) -> None:
    message = published(kind, 1)
    expected = read_message(json.dumps(message).encode())
    from_json = read_payload(json.dumps(message).encode())
    from_msgpack = read_payload(msgspec.msgpack.encode(message))
    assert isinstance(expected, tuple)
    assert isinstance(from_json, tuple)
    assert isinstance(from_msgpack, tuple)
    assert msgspec.to_builtins(from_json[0]) == msgspec.to_builtins(from_msgpack[0]) == msgspec.to_builtins(expected[0])
    assert json.loads(from_json[1]) == json.loads(from_msgpack[1]) == message


def test_an_instrument_is_read_from_both_encodings() -> None:
    message = crypto_derivative("CryptoPerpetual", "BTC", "USD", "BTC", is_inverse=True)
    found = {read_payload(encode(message)) for encode in (msgspec.json.encode, msgspec.msgpack.encode)}
    assert len(found) == 1
    assert isinstance(found.pop(), InstrumentDefinition)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "MALFORMED_JSON"),
        (b"\xc1", "MALFORMED_JSON"),
        (b"\x81\xa4type", "MALFORMED_MSGPACK"),
        (b"\x81\x01\xa1a", "MALFORMED_MSGPACK"),
        (b"\x81\xa4type\xa1\xff", "MALFORMED_MSGPACK"),
        (b"\x81\xa4type\xc4\x0cOrderDenied!", "MALFORMED_MSGPACK"),
        (b"\x81\xa1a" * 100_000, "MALFORMED_MSGPACK"),
        (b"\xde" + b"\x00" * EVENT_BYTES_MAX, "EVENT_TOO_LARGE"),
        (msgspec.msgpack.encode({"type": "OrderTeleported"}), "UNKNOWN_EVENT_TYPE"),
    ],
)
def test_a_payload_that_cannot_be_read_is_refused(payload: bytes, code: str) -> None:
    with pytest.raises(BadEvent) as refused:
        read_payload(payload)
    assert refused.value.code == code


@given(st.binary(max_size=200) | st.binary(max_size=200).map(b"\x84".__add__))
def test_any_bytes_are_refused_as_a_bad_event(payload: bytes) -> None:
    with pytest.raises(BadEvent):
        read_payload(payload)
