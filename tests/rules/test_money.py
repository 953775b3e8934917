from decimal import Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.money import EXACT, QUOTIENT_PLACES, is_storable, parse_money, quotient, trimmed

amounts = st.decimals(min_value=Decimal("-1e12"), max_value=Decimal("1e12"), places=8)


def test_money_is_parsed_as_the_engine_writes_it() -> None:
    assert parse_money("0.13000000 USDT") == (Decimal("0.13000000"), "USDT")
    assert parse_money("0.1 USDC.e") == (Decimal("0.1"), "USDC.e")
    assert parse_money("-1_250_000.5 USD") == (Decimal("-1250000.5"), "USD")
    assert str(parse_money("0.13000000 USDT")[0]) == "0.13000000"


@pytest.mark.parametrize(
    "text", ["", "USDT", "1.0", "1.0 ", "NaN USDT", "Infinity USDT", "1e999999 USDT", "a b", "1 U S", "1 U\n"]
)
def test_malformed_money_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|not finite"):
        parse_money(text)


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1e30", "1e999999", "1e-31", "0e999999"])
def test_an_amount_that_is_not_finite_or_too_long_is_not_storable(text: str) -> None:
    assert not is_storable(Decimal(text))


@given(amounts, amounts.filter(bool))
def test_a_quotient_is_off_by_at_most_its_last_place(dividend: Decimal, divisor: Decimal) -> None:
    with localcontext(EXACT):
        error = abs(quotient(dividend, divisor) * divisor - dividend)
        assert error <= abs(divisor) * Decimal(1).scaleb(-QUOTIENT_PLACES)


@given(amounts, amounts.filter(bool))
def test_a_quotient_without_remainder_is_exact(factor: Decimal, divisor: Decimal) -> None:
    with localcontext(EXACT):
        assert quotient(factor * divisor, divisor) == factor


@given(amounts, st.integers(0, 30))
def test_trimming_changes_no_value(amount: Decimal, zeros: int) -> None:
    with localcontext(EXACT):
        padded = amount + Decimal(0).scaleb(-zeros)
        assert trimmed(padded) == amount


def test_arithmetic_that_would_lose_a_digit_raises() -> None:
    with localcontext(EXACT), pytest.raises(Inexact):
        Decimal(1) / Decimal(3)
