"""Translates NautilusTrader's messages into the ledger's events, and its instruments (topic `data.instrument.*`).

Order and position events already have the stored form (`app.event_codec`). A signal's event type contains its name.
"""

from decimal import Decimal
from typing import Any

import msgspec

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
from app.rules.money import is_storable
from app.rules.valuation import InstrumentDefinition

_KINDS = """
BettingInstrument BinaryOption Cfd Commodity CryptoFuture CryptoFuturesSpread CryptoOption CryptoOptionSpread
CryptoPerpetual CurrencyPair Equity FuturesContract FuturesSpread IndexInstrument OptionContract OptionSpread
PerpetualContract TokenizedAsset
"""
INSTRUMENT_KINDS = frozenset(_KINDS.split())
"""NautilusTrader's classes of traded instruments; a SyntheticInstrument is not traded."""

_NOT_VALUED = {
    "BettingInstrument": "the engine values it as quantity x multiplier without a price, which the ledger cannot do"
}

_WITH_CURRENCY_UNDERLYING = frozenset({"CryptoFuture", "CryptoFuturesSpread", "CryptoOption", "CryptoOptionSpread"})


class BadInstrument(BadEvent):
    """An instrument that cannot be recorded."""

    def __init__(self, message: str) -> None:
        super().__init__("INVALID_INSTRUMENT", message)


def read_instrument(value: dict[str, Any]) -> InstrumentDefinition:
    """The terms of an instrument in the form of `Instrument.to_dict`. Raises BadInstrument.

    The settlement currency is that of the engine's PnL (`get_cost_currency`): base for an inverse instrument,
    settlement for a quanto one, else quote. An instrument without a base currency is no quanto, as in the engine.
    """
    kind = value["type"]
    if kind in _NOT_VALUED:
        raise BadInstrument(f"{kind}: {_NOT_VALUED[kind]}")
    quote = _text(value, "quote_currency" if "quote_currency" in value else "currency")
    base = value.get("underlying") if kind in _WITH_CURRENCY_UNDERLYING else value.get("base_currency")
    if base is not None and not isinstance(base, str):
        raise BadInstrument(f"{kind}: base_currency must be text, not {base!r:.100}")
    is_inverse = value.get("is_inverse", False)
    if not isinstance(is_inverse, bool):
        raise BadInstrument(f"{kind}: is_inverse must be true or false, not {is_inverse!r:.100}")
    settled = value.get("settlement_currency", quote)
    if is_inverse and base is None:
        raise BadInstrument(f"{kind}: an inverse instrument must have a base currency")
    is_quanto = base is not None and settled not in (base, quote)
    settlement = base if is_inverse else settled if is_quanto else quote
    if not isinstance(settlement, str):
        raise BadInstrument(f"{kind}: settlement_currency must be text, not {settlement!r:.100}")
    return InstrumentDefinition(
        instrument_id=_text(value, "id"),
        kind=kind,
        base_currency=base,
        quote_currency=quote,
        settlement_currency=settlement,
        multiplier=_multiplier(kind, value.get("multiplier", "1")),
        is_inverse=is_inverse,
    )


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise BadInstrument(f"{value['type']}: {name} must be text, not {found!r:.100}")
    return found


def _multiplier(kind: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadInstrument(f"{kind}: multiplier must be a decimal in a string, not {value!r:.100}")
    try:
        multiplier = Decimal(value)
    except ArithmeticError:
        raise BadInstrument(f"{kind}: multiplier {value!r:.100} is not a decimal number") from None
    if not is_storable(multiplier) or multiplier <= 0:
        raise BadInstrument(f"{kind}: multiplier must be finite and above zero, not {value!r:.100}")
    return multiplier


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
