"""Translates NautilusTrader's instruments (`Instrument.to_dict`, topic `data.instrument.*`)."""

from decimal import Decimal
from typing import Any

from app.event_codec import BadEvent
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
