"""Instruments in the shapes of NautilusTrader's `Instrument.to_dict`, kind by kind."""

import json
from decimal import Decimal, localcontext
from typing import Any

import pytest

from app.engines.nautilus import read_message
from app.engines.nautilus.instruments import INSTRUMENT_KINDS
from app.event_codec import BadEvent
from app.rules.money import EXACT
from app.rules.valuation import InstrumentDefinition

Shape = dict[str, Any]

_FEES = {"margin_init": "0.05", "margin_maint": "0.025", "maker_fee": "0.0002", "taker_fee": "0.0004"}
_ENDS = {"ts_event": 0, "ts_init": 0, "tick_scheme_name": None, "info": None}
_SIZES = {"price_precision": 2, "price_increment": "0.01", "size_precision": 0, "size_increment": "1"}
_BOUNDS = dict.fromkeys(("max_quantity", "min_quantity", "max_price", "min_price"))
_NOTIONALS = {"max_notional": None, "min_notional": "10.00 USD"}
_DATES = {"activation_ns": 0, "expiration_ns": 1_711_065_600_000_000_000}


def shape(kind: str, **terms: Any) -> Shape:
    """What all kinds have, and the terms of one."""
    name = f"{kind}.VENUE"
    return {"type": kind, "id": name, "raw_symbol": kind, **_SIZES, **_BOUNDS, **_FEES, **_ENDS, **terms}


def crypto(kind: str, base: str, quote: str, settlement: str, *, is_inverse: bool = False, **more: Any) -> Shape:
    """Derivatives that name a settlement currency; all but perpetuals call their base currency `underlying`."""
    base_name = "base_currency" if kind == "CryptoPerpetual" else "underlying"
    currencies = {base_name: base, "quote_currency": quote, "settlement_currency": settlement}
    terms = {"multiplier": "1", "lot_size": "1", **_NOTIONALS, **more}
    return shape(kind, **currencies, is_inverse=is_inverse, **terms)


def perpetual(base: str | None, quote: str, settlement: str, *, is_inverse: bool = False) -> Shape:
    currencies = {"base_currency": base, "quote_currency": quote, "settlement_currency": settlement}
    terms = {"underlying": "GOLD", "asset_class": "COMMODITY", "multiplier": "10", "lot_size": "1", **_NOTIONALS}
    return shape("PerpetualContract", **currencies, is_inverse=is_inverse, **terms)


def listed(kind: str, multiplier: str, **more: Any) -> Shape:
    """Contracts of an exchange, whose underlying is a name and no currency."""
    terms = {"multiplier": multiplier, "lot_size": "1", "underlying": "ES", "exchange": "XCME", **_DATES, **more}
    return shape(kind, asset_class="INDEX", currency="USD", **terms)


def pair(kind: str, **more: Any) -> Shape:
    return shape(kind, quote_currency="USD", lot_size=None, **_NOTIONALS, **more)


_OPTION = {"option_kind": "CALL", "strike_price": "50000.00", **_DATES}

LINEAR = [
    (pair("CurrencyPair", base_currency="AUD", multiplier="1"), "AUD", "1"),
    (pair("TokenizedAsset", asset_class="EQUITY", base_currency="AAPLx", isin=None, multiplier="1"), "AAPLx", "1"),
    (pair("Cfd", asset_class="FX", base_currency="AUD"), "AUD", "1"),
    (pair("Cfd", asset_class="INDEX", base_currency=None), None, "1"),
    (pair("Commodity", asset_class="COMMODITY"), None, "1"),
    (shape("Equity", currency="USD", lot_size="100", isin="US0378331005"), None, "1"),
    (shape("IndexInstrument", currency="USD"), None, "1"),
    (
        shape("BinaryOption", asset_class="ALTERNATIVE", outcome="Yes", description=None, currency="USD", **_DATES),
        None,
        "1",
    ),
    (listed("FuturesContract", "50"), None, "50"),
    (listed("FuturesSpread", "50", strategy_type="CALENDAR"), None, "50"),
    (listed("OptionContract", "100", option_kind="CALL", strike_price="150.00"), None, "100"),
    (listed("OptionSpread", "100", strategy_type="VERTICAL"), None, "100"),
]
"""(as the engine publishes it, base currency, multiplier): settled in the quote currency, USD."""

SETTLED = [
    (crypto("CryptoPerpetual", "BTC", "USDT", "USDT"), "USDT"),
    (crypto("CryptoPerpetual", "BTC", "USD", "BTC", is_inverse=True), "BTC"),
    (crypto("CryptoPerpetual", "ETH", "USD", "BTC"), "BTC"),
    # The engine takes no instrument that settles in its base currency for quanto: PnL is in the quote currency.
    (crypto("CryptoPerpetual", "BTC", "USD", "BTC"), "USD"),
    (crypto("CryptoFuture", "BTC", "USDT", "USDT", **_DATES), "USDT"),
    (crypto("CryptoFuture", "BTC", "USD", "BTC", is_inverse=True, **_DATES), "BTC"),
    (crypto("CryptoFuture", "ETH", "USD", "BTC", **_DATES), "BTC"),
    (crypto("CryptoFuturesSpread", "BTC", "USD", "BTC", is_inverse=True, strategy_type="CALENDAR", **_DATES), "BTC"),
    (crypto("CryptoOption", "BTC", "USDT", "USDT", **_OPTION), "USDT"),
    (crypto("CryptoOption", "BTC", "USD", "BTC", is_inverse=True, **_OPTION), "BTC"),
    (crypto("CryptoOptionSpread", "ETH", "USD", "BTC", strategy_type="VERTICAL", **_DATES), "BTC"),
    (perpetual("XAU", "USD", "USD"), "USD"),
    (perpetual("XAU", "USD", "XAU", is_inverse=True), "XAU"),
    (perpetual("XAU", "USD", "BTC"), "BTC"),
    # Without a base currency there is no quanto for the engine.
    (perpetual(None, "USD", "BTC"), "USD"),
]
"""(as the engine publishes it, the currency of its PnL)."""


def read(published: Shape) -> InstrumentDefinition:
    received = read_message(json.dumps(published).encode())
    assert isinstance(received, InstrumentDefinition)
    return received


def refusal(published: Shape) -> tuple[str, str]:
    with pytest.raises(BadEvent) as refused:
        read_message(json.dumps(published).encode())
    return refused.value.code, refused.value.message


@pytest.mark.parametrize(("published", "base", "multiplier"), LINEAR)
def test_reads_what_is_settled_in_its_quote_currency(published: Shape, base: str | None, multiplier: str) -> None:
    assert read(published) == InstrumentDefinition(
        instrument_id=published["id"],
        base_currency=base,
        quote_currency="USD",
        settlement_currency="USD",
        multiplier=Decimal(multiplier),
        kind=published["type"],
    )


@pytest.mark.parametrize(("published", "settlement"), SETTLED)
def test_the_currency_of_pnl_is_the_engines_cost_currency(published: Shape, settlement: str) -> None:
    definition = read(published)
    base = published["base_currency"] if "base_currency" in published else published["underlying"]
    assert (definition.settlement_currency, definition.base_currency) == (settlement, base)
    assert definition.quote_currency == published["quote_currency"]
    assert (definition.is_inverse, definition.multiplier) == (published["is_inverse"], Decimal(published["multiplier"]))


@pytest.mark.parametrize(
    ("published", "notional"),
    [
        (crypto("CryptoPerpetual", "BTC", "USDT", "USDT"), 20_000),
        (crypto("CryptoPerpetual", "BTC", "USD", "BTC", is_inverse=True), Decimal("0.0125")),
        (crypto("CryptoPerpetual", "ETH", "USD", "BTC", multiplier="0.000001"), Decimal("0.02")),
        (listed("FuturesContract", "50"), 1_000_000),
    ],
)
def test_five_contracts_at_a_price_of_4000_are_worth_what_the_engine_says(published: Shape, notional: Decimal) -> None:
    quantity = Decimal(50) if published.get("is_inverse") else Decimal(5)
    with localcontext(EXACT):
        assert read(published).valuation.notional(quantity, Decimal(4000)) == notional


def test_every_kind_is_read_or_refused() -> None:
    tested = {published["type"] for published, *_ in (*LINEAR, *SETTLED)}
    assert tested | {"BettingInstrument"} == INSTRUMENT_KINDS


def test_refuses_a_betting_instrument_and_says_why() -> None:
    published = shape("BettingInstrument", venue_name="BETFAIR", currency="GBP", betting_type="ODDS")
    code, message = refusal(published)
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
def test_refuses_terms_that_cannot_be_read(changed: Shape, named: str) -> None:
    code, message = refusal(crypto("CryptoPerpetual", "BTC", "USDT", "USDT") | changed)
    assert code == "INVALID_INSTRUMENT"
    assert named in message


def test_a_synthetic_instrument_is_not_known() -> None:
    published = {"type": "SyntheticInstrument", "symbol": "BTC-ETH", "components": [], "formula": "", **_ENDS}
    assert refusal(published)[0] == "UNKNOWN_EVENT_TYPE"
