"""Instruments of every kind, as NautilusTrader's `Instrument.to_dict` writes them."""

import json
from decimal import Decimal, localcontext
from typing import Any

import pytest

from app.engines.nautilus import read_message
from app.engines.nautilus.messages import INSTRUMENT_KINDS
from app.event_codec import BadEvent
from app.rules.money import EXACT
from app.rules.valuation import InstrumentDefinition

Message = dict[str, Any]

_FEES = {"margin_init": "0.05", "margin_maint": "0.025", "maker_fee": "0.0002", "taker_fee": "0.0004"}
_ENDS = {"ts_event": 0, "ts_init": 0, "tick_scheme_name": None, "info": None}
_SIZES = {"price_precision": 2, "price_increment": "0.01", "size_precision": 0, "size_increment": "1"}
_BOUNDS = dict.fromkeys(("max_quantity", "min_quantity", "max_price", "min_price"))
_NOTIONALS = {"max_notional": None, "min_notional": "10.00 USD"}
_DATES = {"activation_ns": 0, "expiration_ns": 1_711_065_600_000_000_000}


def message_of(kind: str, **terms: Any) -> Message:
    """A message with the fields that all kinds share, and the terms of one kind."""
    name = f"{kind}.VENUE"
    return {"type": kind, "id": name, "raw_symbol": kind, **_SIZES, **_BOUNDS, **_FEES, **_ENDS, **terms}


def crypto_derivative(
    kind: str, base: str, quote: str, settlement: str, *, is_inverse: bool = False, **more: Any
) -> Message:
    """A derivative with a settlement currency. All kinds but perpetuals call their base currency `underlying`."""
    base_name = "base_currency" if kind == "CryptoPerpetual" else "underlying"
    currencies = {base_name: base, "quote_currency": quote, "settlement_currency": settlement}
    terms = {"multiplier": "1", "lot_size": "1", **_NOTIONALS, **more}
    return message_of(kind, **currencies, is_inverse=is_inverse, **terms)


def perpetual_contract(base: str | None, quote: str, settlement: str, *, is_inverse: bool = False) -> Message:
    currencies = {"base_currency": base, "quote_currency": quote, "settlement_currency": settlement}
    terms = {"underlying": "GOLD", "asset_class": "COMMODITY", "multiplier": "10", "lot_size": "1", **_NOTIONALS}
    return message_of("PerpetualContract", **currencies, is_inverse=is_inverse, **terms)


def listed_contract(kind: str, multiplier: str, **more: Any) -> Message:
    """A contract of an exchange; its underlying is a name, not a currency."""
    terms = {"multiplier": multiplier, "lot_size": "1", "underlying": "ES", "exchange": "XCME", **_DATES, **more}
    return message_of(kind, asset_class="INDEX", currency="USD", **terms)


def currency_pair(kind: str, **more: Any) -> Message:
    return message_of(kind, quote_currency="USD", lot_size=None, **_NOTIONALS, **more)


_OPTION = {"option_kind": "CALL", "strike_price": "50000.00", **_DATES}

LINEAR = [
    (currency_pair("CurrencyPair", base_currency="AUD", multiplier="1"), "AUD", "1"),
    (
        currency_pair("TokenizedAsset", asset_class="EQUITY", base_currency="AAPLx", isin=None, multiplier="1"),
        "AAPLx",
        "1",
    ),
    (currency_pair("Cfd", asset_class="FX", base_currency="AUD"), "AUD", "1"),
    (currency_pair("Cfd", asset_class="INDEX", base_currency=None), None, "1"),
    (currency_pair("Commodity", asset_class="COMMODITY"), None, "1"),
    (message_of("Equity", currency="USD", lot_size="100", isin="US0378331005"), None, "1"),
    (message_of("IndexInstrument", currency="USD"), None, "1"),
    (
        message_of(
            "BinaryOption", asset_class="ALTERNATIVE", outcome="Yes", description=None, currency="USD", **_DATES
        ),
        None,
        "1",
    ),
    (listed_contract("FuturesContract", "50"), None, "50"),
    (listed_contract("FuturesSpread", "50", strategy_type="CALENDAR"), None, "50"),
    (listed_contract("OptionContract", "100", option_kind="CALL", strike_price="150.00"), None, "100"),
    (listed_contract("OptionSpread", "100", strategy_type="VERTICAL"), None, "100"),
]
"""(message, base currency, multiplier) of instruments settled in their quote currency, USD."""

SETTLED = [
    (crypto_derivative("CryptoPerpetual", "BTC", "USDT", "USDT"), "USDT"),
    (crypto_derivative("CryptoPerpetual", "BTC", "USD", "BTC", is_inverse=True), "BTC"),
    (crypto_derivative("CryptoPerpetual", "ETH", "USD", "BTC"), "BTC"),
    # The engine does not treat an instrument that settles in its base currency as quanto: PnL is in the quote
    # currency.
    (crypto_derivative("CryptoPerpetual", "BTC", "USD", "BTC"), "USD"),
    (crypto_derivative("CryptoFuture", "BTC", "USDT", "USDT", **_DATES), "USDT"),
    (crypto_derivative("CryptoFuture", "BTC", "USD", "BTC", is_inverse=True, **_DATES), "BTC"),
    (crypto_derivative("CryptoFuture", "ETH", "USD", "BTC", **_DATES), "BTC"),
    (
        crypto_derivative(
            "CryptoFuturesSpread", "BTC", "USD", "BTC", is_inverse=True, strategy_type="CALENDAR", **_DATES
        ),
        "BTC",
    ),
    (crypto_derivative("CryptoOption", "BTC", "USDT", "USDT", **_OPTION), "USDT"),
    (crypto_derivative("CryptoOption", "BTC", "USD", "BTC", is_inverse=True, **_OPTION), "BTC"),
    (crypto_derivative("CryptoOptionSpread", "ETH", "USD", "BTC", strategy_type="VERTICAL", **_DATES), "BTC"),
    (perpetual_contract("XAU", "USD", "USD"), "USD"),
    (perpetual_contract("XAU", "USD", "XAU", is_inverse=True), "XAU"),
    (perpetual_contract("XAU", "USD", "BTC"), "BTC"),
    # The engine treats no instrument without a base currency as quanto.
    (perpetual_contract(None, "USD", "BTC"), "USD"),
]
"""(message, currency of the PnL)."""


def read_definition(published: Message) -> InstrumentDefinition:
    received = read_message(json.dumps(published).encode())
    assert isinstance(received, InstrumentDefinition)
    return received


def read_refusal(published: Message) -> tuple[str, str]:
    with pytest.raises(BadEvent) as refused:
        read_message(json.dumps(published).encode())
    return refused.value.code, refused.value.message


@pytest.mark.parametrize(("published", "base", "multiplier"), LINEAR)
def test_instruments_settled_in_their_quote_currency_are_read(
    published: Message, base: str | None, multiplier: str
) -> None:
    assert read_definition(published) == InstrumentDefinition(
        instrument_id=published["id"],
        base_currency=base,
        quote_currency="USD",
        settlement_currency="USD",
        multiplier=Decimal(multiplier),
        kind=published["type"],
    )


@pytest.mark.parametrize(("published", "settlement"), SETTLED)
def test_the_settlement_currency_is_the_cost_currency_of_the_engine(published: Message, settlement: str) -> None:
    definition = read_definition(published)
    base = published["base_currency"] if "base_currency" in published else published["underlying"]
    assert (definition.settlement_currency, definition.base_currency) == (settlement, base)
    assert definition.quote_currency == published["quote_currency"]
    assert (definition.is_inverse, definition.multiplier) == (published["is_inverse"], Decimal(published["multiplier"]))


@pytest.mark.parametrize(
    ("published", "notional"),
    [
        (crypto_derivative("CryptoPerpetual", "BTC", "USDT", "USDT"), 20_000),
        (crypto_derivative("CryptoPerpetual", "BTC", "USD", "BTC", is_inverse=True), Decimal("0.0125")),
        (crypto_derivative("CryptoPerpetual", "ETH", "USD", "BTC", multiplier="0.000001"), Decimal("0.02")),
        (listed_contract("FuturesContract", "50"), 1_000_000),
    ],
)
def test_the_notional_value_equals_that_of_the_engine(published: Message, notional: Decimal) -> None:
    quantity = Decimal(50) if published.get("is_inverse") else Decimal(5)
    with localcontext(EXACT):
        assert read_definition(published).valuation.notional(quantity, Decimal(4000)) == notional


def test_every_instrument_kind_is_tested() -> None:
    tested = {published["type"] for published, *_ in (*LINEAR, *SETTLED)}
    assert tested | {"BettingInstrument"} == INSTRUMENT_KINDS


def test_a_betting_instrument_is_refused_with_a_reason() -> None:
    published = message_of("BettingInstrument", venue_name="BETFAIR", currency="GBP", betting_type="ODDS")
    code, message = read_refusal(published)
    assert code == "INVALID_INSTRUMENT"
    assert "without a price" in message


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"id": ""}, "id"),
        ({"quote_currency": None}, "quote_currency"),
        ({"base_currency": 7}, "base_currency"),
        ({"settlement_currency": 7}, "settlement_currency"),
        ({"is_inverse": "no"}, "is_inverse"),
        ({"is_inverse": True, "base_currency": None}, "base currency"),
        ({"multiplier": "0"}, "multiplier"),
        ({"multiplier": "ten"}, "multiplier"),
        ({"multiplier": 0.1}, "multiplier"),
        ({"multiplier": None}, "multiplier"),
    ],
)
def test_an_invalid_term_is_refused_by_name(changed: Message, named: str) -> None:
    code, message = read_refusal(crypto_derivative("CryptoPerpetual", "BTC", "USDT", "USDT") | changed)
    assert code == "INVALID_INSTRUMENT"
    assert named in message


def test_a_synthetic_instrument_is_refused_as_unknown() -> None:
    published = {"type": "SyntheticInstrument", "symbol": "BTC-ETH", "components": [], "formula": "", **_ENDS}
    assert read_refusal(published)[0] == "UNKNOWN_EVENT_TYPE"
