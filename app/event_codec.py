"""The stored form of engine events and its codec: JSON of `rules.events`, as stored in `order_events.payload`.

An engine's folder (`app.engines`) translates messages into this form. Instants are nanoseconds, as integers or digits,
or RFC 3339 text in UTC; identifiers, amounts and money are text. Events stored by earlier releases stay readable: new
checks apply to new events only (`decode_new`).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar, get_args
from uuid import UUID

import msgspec

from app.rules.enums import OrderSide, OrderType, TimeInForce
from app.rules.events import (
    POSITION_EVENTS,
    AnyOrderEvent,
    AnyOwnEvent,
    AnyPositionEvent,
    EngineEvent,
    OrderFilled,
    OrderInitialized,
    OrderUpdated,
)
from app.rules.money import DIGITS_MAX, is_storable, parse_money
from app.rules.valuation import InstrumentDefinition

EngineMessage: TypeAlias = tuple[EngineEvent, str] | InstrumentDefinition
"""The content of one engine message: an event with its stored form, or the terms of an instrument."""
ReadMessage: TypeAlias = Callable[[bytes], EngineMessage]
"""Translates one message, a JSON text. Raises BadEvent. Every folder of `app.engines` has such a function."""

NOT_A_LEDGER_EVENT = "NOT_A_LEDGER_EVENT"
"""The code of BadEvent for a message that the ledger does not store. Imports count such messages and continue."""
EVENT_BYTES_MAX = 1024 * 1024
INSTANT_MAX = 2**63 - 1
TS_INIT_MAX = INSTANT_MAX - 365 * 24 * 60 * 60 * 10**9
"""The latest instant of an engine's clock: Purser's own events come after it, each at its own instant."""

LedgerEvent: TypeAlias = AnyOrderEvent | AnyPositionEvent
"""The events that the ledger applies. Signals are recorded separately."""

_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(LedgerEvent)
_STORED_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(LedgerEvent | AnyOwnEvent)
_ANY_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(dict[str, Any])
_TYPES = frozenset(kind.__name__ for kind in get_args(LedgerEvent))
_OWN_TYPES = ('"type": "Authorization', '"type": "QuarantineResolved"')
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NO_SIDE, _NO_TYPE = OrderSide.NO_ORDER_SIDE, OrderType.UNKNOWN
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_EXPONENTS = re.compile(rb"[:,\[\s]-?[0-9]+(?:\.[0-9]+)?[eE][+-]?([0-9]+)")
_ZEROS_MAX = 10_000
_ISO_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)", re.ASCII)
_NANOSECONDS = re.compile(r"[0-9]{1,19}")

_Event = TypeVar("_Event", bound=EngineEvent)


class BadEvent(Exception):
    """An event that cannot be recorded. `code` is stable; the message says what is wrong and where."""

    def __init__(self, code: str, message: str, event_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.event_id = event_id


class UnknownType(BadEvent):
    """A JSON object whose `type` is none of the ledger's events. `content` is the parsed object."""

    def __init__(self, kind: str, content: dict[str, Any]) -> None:
        message = f"{kind[:100]!r} is not a known event type"
        super().__init__("UNKNOWN_EVENT_TYPE", message, _event_id_of(content))
        self.kind = kind
        self.content = content


def decode_new(line: bytes) -> LedgerEvent:
    """An order or position event that an engine reports, in the stored form.

    Raises BadEvent (EVENT_TOO_LARGE, MALFORMED_JSON, INVALID_EVENT, INVALID_AMOUNT, INVALID_INSTANT), UnknownType.
    """
    if len(line) > EVENT_BYTES_MAX:
        raise BadEvent("EVENT_TOO_LARGE", f"the event has {len(line)} bytes; at most {EVENT_BYTES_MAX} are accepted")
    return check_new(_decode(line))


def check_new(event: _Event) -> _Event:
    """Return the event unless its id or instant is reserved for Purser's own events. Raises BadEvent."""
    event_id = event.event_id
    if event_id[14:15] == "8":
        # Purser finds its own events of an order by such ids, which are derived from the order's id.
        raise BadEvent(
            "INVALID_EVENT", "event_id must not be a UUID of version 8: they are reserved for Purser", event_id
        )
    if event.ts_init > TS_INIT_MAX:
        raise BadEvent("INVALID_INSTANT", f"ts_init must be at most {TS_INIT_MAX} nanoseconds", event_id)
    return event


def decode_stored(payload: str) -> LedgerEvent | AnyOwnEvent:
    """Decode `order_events.payload`, also Purser's own events. PostgreSQL adds blanks, so no length is refused."""
    if any(own in payload for own in _OWN_TYPES):
        event = _STORED_DECODER.decode(payload)
        if isinstance(event, AnyOwnEvent):
            return event
    return _decode(payload.encode())


def encode_message(value: object) -> bytes:
    """A message of `recordEvents` as JSON text for a ReadMessage. Raises BadEvent.

    `value` is parsed JSON, or its unparsed bytes, which are returned unchanged: their numbers keep all digits.
    """
    if isinstance(value, bytes):
        return value
    if not isinstance(value, dict):
        raise BadEvent("INVALID_EVENT", f"an event is a JSON object, not {type(value).__name__}")
    try:
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, UnicodeEncodeError, TypeError, ValueError, RecursionError) as error:
        raise BadEvent("INVALID_EVENT", str(error)) from None


def _decode(line: bytes) -> LedgerEvent:
    try:
        event = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _decode_slowly(line)
    except RecursionError:
        raise BadEvent("MALFORMED_JSON", "the event is nested too deeply") from None
    if not line.isascii():
        _refuse_invalid_text(line)
    _refuse_unstorable(line)
    return _normalize(event)


def _decode_slowly(line: bytes) -> LedgerEvent:
    """Decode a line that the typed decoder refused, or raise BadEvent with the precise reason."""
    _refuse_invalid_text(line)
    try:
        content = _ANY_DECODER.decode(line)
    except msgspec.ValidationError as error:
        raise BadEvent("INVALID_EVENT", f"an event is a JSON object of values in range: {error}") from None
    except msgspec.DecodeError as error:
        raise BadEvent("MALFORMED_JSON", f"not valid JSON: {error}") from None
    except RecursionError:
        raise BadEvent("MALFORMED_JSON", "the event is nested too deeply") from None
    kind, event_id = content.get("type"), _event_id_of(content)
    _refuse_unstorable(line)
    if not isinstance(kind, str):
        raise BadEvent("UNKNOWN_EVENT_TYPE", "the event has no `type`", event_id)
    if kind not in _TYPES:
        raise UnknownType(kind, content)
    try:
        return _normalize(msgspec.json.decode(line, type=LedgerEvent))
    except msgspec.ValidationError as error:
        raise BadEvent("INVALID_EVENT", f"{kind}: {error}", event_id) from None


def _event_id_of(content: dict[str, Any]) -> str | None:
    event_id = content.get("event_id")
    return event_id if isinstance(event_id, str) else None


def _normalize(event: Any) -> LedgerEvent:
    """Convert instants, ids and amounts of a decoded event to their types, in place."""
    event_id = event.event_id
    if _UUID.fullmatch(event_id) is None:
        event_id = event.event_id = read_uuid(event_id)
    ts_init = event.ts_init
    if type(ts_init) is not int or not 0 <= ts_init <= INSTANT_MAX:
        event.ts_init = read_instant(ts_init, "ts_init", event_id)
    if "\n" in event.trader_id or "\n" in event.strategy_id:
        raise BadEvent("INVALID_EVENT", "trader_id and strategy_id must not contain a line break", event_id)
    kind = type(event)
    if kind in POSITION_EVENTS and event.ts_event is None:
        event.ts_event = event.ts_closed if event.ts_closed is not None else ts_init
    ts_event = event.ts_event
    if type(ts_event) is not int or not 0 <= ts_event <= INSTANT_MAX:
        event.ts_event = read_instant(ts_event, "ts_event", event_id)
    if kind is OrderFilled:
        _normalize_fill(event)
    elif kind is OrderInitialized:
        _normalize_initialized(event)
    elif kind is OrderUpdated:
        _check_prices(event)
    return event  # type: ignore[no-any-return]


def _normalize_fill(event: OrderFilled) -> None:
    if event.order_side is _NO_SIDE:
        raise BadEvent("INVALID_EVENT", "OrderFilled: order_side must be BUY or SELL", event.event_id)
    _check_positive("last_qty", event.last_qty, event.event_id)
    _check_amount("last_px", event.last_px, event.event_id)
    if event.commission is None:
        event.commission_amount, event.commission_currency = Decimal(0), event.currency
        return
    try:
        event.commission_amount, event.commission_currency = parse_money(event.commission)
    except ValueError as error:
        raise BadEvent("INVALID_AMOUNT", f"commission: {error}", event.event_id) from None


def _normalize_initialized(event: OrderInitialized) -> None:
    if event.order_side is _NO_SIDE or event.order_type is _NO_TYPE or event.time_in_force is TimeInForce.UNKNOWN:
        message = "OrderInitialized: order_side, order_type and time_in_force must be known"
        raise BadEvent("INVALID_EVENT", message, event.event_id)
    options = event.options
    if isinstance(options, str):
        try:
            options = msgspec.json.decode(options, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise BadEvent("INVALID_EVENT", "options is not a JSON object in a string", event.event_id) from None
    if options:
        for name in ("price", "trigger_price"):
            if options.get(name) is not None:
                setattr(event, name, _decimal(f"options.{name}", options[name], event.event_id))
    event.options = None
    _check_prices(event)


def _check_prices(event: OrderInitialized | OrderUpdated) -> None:
    _check_positive("quantity", event.quantity, event.event_id)
    _check_amount("price", event.price, event.event_id)
    _check_amount("trigger_price", event.trigger_price, event.event_id)


def _decimal(name: str, value: Any, event_id: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadEvent("INVALID_AMOUNT", f"{name} must be a decimal in a string, not {value!r}", event_id)
    try:
        return Decimal(value)
    except ArithmeticError:
        raise BadEvent("INVALID_AMOUNT", f"{name}: {value[:100]!r} is not a decimal number", event_id) from None  # type: ignore[index]


def _check_amount(name: str, amount: Decimal | None, event_id: str) -> None:
    if amount is not None and not is_storable(amount):
        raise BadEvent(
            "INVALID_AMOUNT",
            f"{name} must be finite, with at most {DIGITS_MAX} digits on either side of the point",
            event_id,
        )


def _check_positive(name: str, amount: Decimal, event_id: str) -> None:
    _check_amount(name, amount, event_id)
    if amount <= 0:
        raise BadEvent("INVALID_AMOUNT", f"{name} must be above zero, not {amount}", event_id)


def read_uuid(text: str) -> str:
    """The event id in canonical form. Raises BadEvent."""
    try:
        return str(UUID(text))
    except ValueError:
        raise BadEvent("INVALID_EVENT", f"event_id must be a UUID, not {text[:100]!r}", text[:100]) from None


def read_instant(value: int | str | None, name: str, event_id: str | None) -> int:
    """Nanoseconds since the epoch, from an integer, its decimal digits or RFC 3339 text in UTC. Raises BadEvent."""
    if isinstance(value, str) and _NANOSECONDS.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= INSTANT_MAX:
        return value
    match = _ISO_INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        try:
            seconds = int(datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp())
        except ValueError:
            seconds = -1
        nanoseconds = seconds * 1_000_000_000 + int((match[2] or "0").ljust(9, "0"))
        if 0 <= nanoseconds <= INSTANT_MAX and seconds >= 0:
            return nanoseconds
    raise BadEvent(
        "INVALID_INSTANT",
        f"{name} must be nanoseconds since the epoch or like '2022-01-01T00:14:00.000000000Z', not {value!r:.100}",
        event_id,
    )


def _refuse_invalid_text(line: bytes) -> None:
    """Check all text: the typed decoder skips unknown fields, but they are stored too."""
    try:
        line.decode()
    except UnicodeDecodeError:
        raise BadEvent("MALFORMED_JSON", "the event is not UTF-8 text") from None


def _refuse_unstorable(line: bytes) -> None:
    """Refuse NUL characters, which PostgreSQL's text cannot contain, and numbers of too many digits.

    An escaped backslash before u0000 is no NUL. PostgreSQL stores `1e131071` in a few bytes and reads 131,072 digits.
    """
    if b"\\u0000" in line and re.search(rb"(?<!\\)(?:\\\\)*\\u0000", line):
        raise BadEvent("INVALID_EVENT", "the event has a NUL character in a string")
    digits = line.translate(_DIGITS)  # ten times as fast as looking for the numbers themselves
    if b"0e000" not in digits and b"0e+000" not in digits and b"0e-000" not in digits:
        return
    exponents = [exponent.lstrip(b"0") or b"0" for exponent in _EXPONENTS.findall(line)]
    if sum(int(exponent[:6]) for exponent in exponents) > _ZEROS_MAX:
        raise BadEvent("INVALID_EVENT", f"the event's numbers have more than {_ZEROS_MAX} digits when written out")
