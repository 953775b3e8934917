"""Exact decimal arithmetic. A function rounds only if its docstring says so."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Run ledger arithmetic under `decimal.localcontext(EXACT)`: an inexact result raises an exception."""

QUOTIENT_PLACES = 18
"""Decimal places of an inexact quotient: far below any currency's smallest unit."""

DIGITS_MAX = 30
"""Most digits of an incoming amount before and after the decimal point."""

CURRENCY_LENGTH_MAX = 32

ROUNDING = Context(prec=400, traps=[InvalidOperation, DivisionByZero, Overflow])
"""The context of operations that round on purpose."""
_LAST_PLACE = Decimal(1).scaleb(-QUOTIENT_PLACES)


def quotient(dividend: Decimal, divisor: Decimal) -> Decimal:
    """`dividend / divisor`: exact if possible, else rounded half-even at QUOTIENT_PLACES."""
    result = ROUNDING.divide(dividend, divisor)
    rounded = result.quantize(_LAST_PLACE, ROUND_HALF_EVEN, ROUNDING)
    # An exact quotient has few digits to compare; an inexact one has hundreds.
    is_even = rounded == result and result.as_tuple().exponent >= -QUOTIENT_PLACES  # type: ignore[operator]
    return result if is_even else rounded


def trimmed(amount: Decimal) -> Decimal:
    """The same amount without the trailing zeros of rounded quotients."""
    if amount.as_tuple().exponent > -QUOTIENT_PLACES:  # type: ignore[operator]
        return amount
    shortest = amount.normalize(ROUNDING)
    return shortest if shortest.as_tuple().exponent <= 0 else shortest.quantize(Decimal(1), context=ROUNDING)  # type: ignore[operator]


def is_storable(amount: Decimal) -> bool:
    """Whether an amount is finite and has at most DIGITS_MAX digits on either side of the decimal point."""
    if not amount.is_finite():
        return False
    written = str(amount)
    if len(written) < DIGITS_MAX and "E" not in written:
        return True  # so few digits reach no further, and to look at each takes three times as long
    exponent = amount.as_tuple().exponent
    return -DIGITS_MAX <= exponent <= DIGITS_MAX and amount.adjusted() < DIGITS_MAX  # type: ignore[operator]


# Decimal() also accepts NaN, Infinity, underscores, surrounding blanks and digits of other scripts.
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)


def read_decimal(text: str) -> Decimal | None:
    """A finite number with all its digits; None for other text. All APIs accept amounts in this form."""
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def parse_money(text: str) -> tuple[Decimal, str]:
    """`"1_250.13 USDT"` as (amount, currency). Raises ValueError."""
    digits, _, currency = text.partition(" ")
    if not currency or not currency.isprintable() or " " in currency or len(currency) > CURRENCY_LENGTH_MAX:
        raise ValueError(f"{text!r} is not an amount and a currency, like '0.13000000 USDT'")
    try:
        amount = Decimal(digits)
    except InvalidOperation:
        raise ValueError(f"{digits!r} in {text!r} is not a decimal number") from None
    if not is_storable(amount):
        raise ValueError(f"{digits!r} in {text!r} is not finite or has more than {DIGITS_MAX} digits")
    return amount, currency
