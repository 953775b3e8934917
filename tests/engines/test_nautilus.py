import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.event_codec import EVENT_BYTES_MAX, BadEvent, encode_message
from app.rules.events import OrderFilled, OrderInitialized, PositionClosed, SignalPublished
from tests.events import EVENT_TYPES, decode_line, published


def line(event: Any) -> bytes:
    return json.dumps(event).encode()


def code_of(event: dict[str, Any]) -> str:
    with pytest.raises(BadEvent) as refused:
        decode_line(line(event))
    return refused.value.code


@pytest.mark.parametrize("kind", ["OrderInitialized", *EVENT_TYPES])
def test_every_order_event_is_read(kind: str) -> None:
    assert type(decode_line(line(published(kind, 1)))).__name__ == kind


def test_a_fill_is_read_with_its_exact_amounts() -> None:
    event = decode_line(line(published("OrderFilled", 1, last_qty="0.600", commission="1_000.50 BNB")))
    assert isinstance(event, OrderFilled)
    assert str(event.last_qty) == "0.600"
    assert (event.commission_amount, event.commission_currency) == (Decimal("1000.50"), "BNB")


def test_a_fill_without_a_commission_has_a_commission_of_zero_in_its_currency() -> None:
    event = decode_line(line(published("OrderFilled", 1, commission=None)))
    assert isinstance(event, OrderFilled)
    assert (event.commission_amount, event.commission_currency) == (0, "USDT")


@pytest.mark.parametrize("options", [{"price": "46209.0"}, '{"price": "46209.0"}'])
def test_the_price_is_read_from_the_options(options: Any) -> None:
    event = decode_line(line(published("OrderInitialized", 1, options=options)))
    assert isinstance(event, OrderInitialized)
    assert str(event.price) == "46209.0"


@pytest.mark.parametrize(
    "ts",
    [
        1641000001123456789,
        "1641000001123456789",
        "2022-01-01T01:20:01.123456789Z",
        "2022-01-01T01:20:01.123456789+00:00",
    ],
)
def test_instants_are_read_from_numbers_and_text(ts: Any) -> None:
    event = decode_line(line(published("OrderAccepted", 1, ts=ts)))
    assert (event.ts_event, event.ts_init) == (1641000001123456789, 1641000001123456789)


def test_an_iso_instant_needs_no_fraction() -> None:
    event = decode_line(line(published("OrderAccepted", 1, ts="2022-01-01T01:20:01Z")))  # type: ignore[arg-type]
    assert event.ts_init == 1641000001_000000000


@pytest.mark.parametrize("kind", ["PositionOpened", "PositionClosed", "SignalMomentum"])
def test_position_and_signal_events_accept_digits_as_instants(kind: str) -> None:
    fields = {name: published("OrderFilled", 1)[name] for name in ("trader_id", "strategy_id", "instrument_id")}
    fields |= {"position_id": "P-1", "opening_order_id": "O-1", "event_id": published("OrderFilled", 1)["event_id"]}
    name_of_instant = "ts_closed" if kind == "PositionClosed" else "ts_event"
    event = decode_line(
        line({"type": kind, **fields, "value": 1, name_of_instant: "7", "ts_opened": "6", "ts_init": "9"})
    )
    assert (event.ts_event, event.ts_init) == (7, 9)


def test_the_instant_of_a_closed_position_is_its_closing_time() -> None:
    names = ("trader_id", "strategy_id", "instrument_id")
    event = decode_line(
        line(
            {
                "type": "PositionClosed",
                **{name: published("OrderFilled", 1)[name] for name in names},
                "position_id": "P-1",
                "opening_order_id": "O-1",
                "event_id": "0ce85f65-1ad6-4daa-8712-9b6a793a4fbe",
                "ts_closed": 7,
                "ts_init": 9,
            }
        )
    )
    assert isinstance(event, PositionClosed)
    assert (event.ts_event, event.ts_init) == (7, 9)


@pytest.mark.parametrize("value", [-26.0, "up", {"a": [1, None]}, None, True])
def test_signals_of_any_name_and_value_are_read(value: Any) -> None:
    event = decode_line(line({"type": "SignalMomentum", "value": value, "ts_event": 5, "ts_init": 6}))
    assert isinstance(event, SignalPublished)
    assert (event.name, json.loads(event.value), event.ts_event, event.ts_init) == ("Momentum", value, 5, 6)


def test_event_ids_are_normalized() -> None:
    event = decode_line(line(published("OrderAccepted", 1) | {"event_id": "9FDBADA9-1AE6-4582-9B40-CF30059B78C6"}))
    assert event.event_id == "9fdbada9-1ae6-4582-9b40-cf30059b78c6"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"type": "OrderTeleported"}, "UNKNOWN_EVENT_TYPE"),
        ({"type": 7}, "UNKNOWN_EVENT_TYPE"),
        ({"strategy_id": "two\nlines"}, "INVALID_EVENT"),
        ({"info": {"deep": "a\u0000b"}}, "INVALID_EVENT"),
        ({"type": "AccountState"}, "NOT_A_LEDGER_EVENT"),
        ({"event_id": "not-a-uuid"}, "INVALID_EVENT"),
        ({"event_id": None}, "INVALID_EVENT"),
        ({"client_order_id": ""}, "INVALID_EVENT"),
        ({"client_order_id": "x" * 257}, "INVALID_EVENT"),
        ({"client_order_id": "a\u0000b"}, "INVALID_EVENT"),
        ({"order_side": "SIDEWAYS"}, "INVALID_EVENT"),
        ({"last_qty": "abc"}, "INVALID_EVENT"),
        ({"last_qty": "0"}, "INVALID_AMOUNT"),
        ({"last_qty": "-1"}, "INVALID_AMOUNT"),
        ({"last_qty": "NaN"}, "INVALID_AMOUNT"),
        ({"last_qty": "Infinity"}, "INVALID_AMOUNT"),
        ({"last_px": "1e999999"}, "INVALID_AMOUNT"),
        ({"last_px": "-Infinity"}, "INVALID_AMOUNT"),
        ({"commission": "0.1"}, "INVALID_AMOUNT"),
        ({"commission": "NaN USDT"}, "INVALID_AMOUNT"),
        ({"ts_event": -1}, "INVALID_INSTANT"),
        ({"ts_event": 2**63}, "INVALID_INSTANT"),
        ({"ts_event": str(2**63)}, "INVALID_INSTANT"),
        ({"ts_event": "-1"}, "INVALID_INSTANT"),
        ({"ts_event": "1_000"}, "INVALID_INSTANT"),
        ({"ts_event": " 1"}, "INVALID_INSTANT"),
        ({"ts_event": ""}, "INVALID_INSTANT"),
        ({"ts_event": "\u0661"}, "INVALID_INSTANT"),
        ({"ts_event": "1e3"}, "INVALID_INSTANT"),
        ({"ts_init": "yesterday"}, "INVALID_INSTANT"),
        ({"ts_init": "2022-13-41T00:00:00Z"}, "INVALID_INSTANT"),
        ({"ts_init": "1969-12-31T23:59:59Z"}, "INVALID_INSTANT"),
        ({"ts_init": True}, "INVALID_EVENT"),
    ],
)
def test_invalid_input_is_refused_with_its_code(changed: dict[str, Any], code: str) -> None:
    assert code_of(published("OrderFilled", 1) | changed) == code


def test_an_event_with_a_missing_field_is_refused() -> None:
    event = published("OrderFilled", 1)
    del event["last_px"]
    assert code_of(event) == "INVALID_EVENT"


@pytest.mark.parametrize(
    "text", [b"", b"{", b"nonsense", b'"text"', b"[1]", b"\xff\xfe", b'{"type": "Order\xff"}', b"[" * 100_000]
)
def test_a_message_that_is_not_a_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(BadEvent) as refused:
        decode_line(text)
    assert refused.value.code in ("MALFORMED_JSON", "INVALID_EVENT")


@pytest.mark.parametrize("field", [b'"\\ud800"', b'"\xff"', b'"a\x01b"', b"NaN", b"01", b"[" * 5_000 + b"]" * 5_000])
def test_an_event_with_a_malformed_unread_field_is_refused(field: bytes) -> None:
    with pytest.raises(BadEvent) as refused:
        decode_line(line(published("OrderSubmitted", 1))[:-1] + b', "info": ' + field + b"}")
    assert refused.value.code == "MALFORMED_JSON"


def test_an_event_that_is_too_large_is_refused() -> None:
    with pytest.raises(BadEvent, match="at most"):
        decode_line(b" " * (EVENT_BYTES_MAX + 1))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_arbitrary_json_is_refused_as_a_bad_event(value: Any) -> None:
    with pytest.raises(BadEvent):
        decode_line(encode_message(value))


@given(st.sampled_from(["OrderInitialized", *EVENT_TYPES]), st.data())
def test_any_value_in_any_field_is_read_or_refused_as_a_bad_event(kind: str, data: st.DataObject) -> None:
    event = published(kind, 1)
    name = data.draw(st.sampled_from(sorted(event)))
    event[name] = data.draw(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()))
    with suppress(BadEvent):
        assert type(decode_line(encode_message(event))).__name__ in (kind, "SignalPublished")


@pytest.mark.parametrize(
    "number", ["1e10001", "-1.5E+131071", "1e-16000", "1e" + "9" * 50, "1e000010001", "[" + "1e200," * 60 + "0]"]
)
def test_numbers_with_too_many_digits_are_refused(number: str) -> None:
    initialized = line(published("OrderInitialized", 1))[:-1] + b',"x": ' + number.encode() + b"}"
    signal = b'{"type": "SignalX", "ts_event": 1, "value": ' + number.encode() + b"}"
    for sent in (initialized, signal):
        with pytest.raises(BadEvent, match=r"when written out|out of range|in range") as refused:
            decode_line(sent)
        assert refused.value.code == "INVALID_EVENT"


@pytest.mark.parametrize(
    "value", ["1.7976931348623157e+308", "5e-324", '"01e9999999"', '"6a1e9999-91e4-4111-8111-3e9999999999"']
)
def test_floats_of_any_size_and_texts_that_resemble_long_numbers_are_read(value: str) -> None:
    sent = line(published("OrderInitialized", 1))[:-1] + b',"x": ' + value.encode() + b"}"
    assert isinstance(decode_line(sent), OrderInitialized)
