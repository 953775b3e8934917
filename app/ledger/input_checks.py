"""Checks of commands, as strict as those of events. All raise InputInvalid with the path of the field."""

from decimal import Decimal

from app.errors import InputInvalid
from app.rules.money import CURRENCY_LENGTH_MAX, DIGITS_MAX, is_storable

IDENTIFIER_LENGTH_MAX = 256
NUL = "\x00"


def is_text(text: str) -> bool:
    """Whether PostgreSQL can store the text."""
    if NUL in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_text(text: str, length_max: int, *path: str) -> None:
    """Check that a text is not empty or blank, and that PostgreSQL can store it."""
    name = next(part for part in reversed(path) if not part.isdecimal())
    if not 0 < len(text) <= length_max:
        raise InputInvalid(f"{name} has 1 to {length_max} characters, not {len(text)}.", *path)
    if not text.strip():
        raise InputInvalid(f"{name} is blank.", *path)
    if not is_text(text):
        raise InputInvalid(f"{name} has {'a NUL character' if NUL in text else 'half of a surrogate pair'}.", *path)


def check_identifier(text: str, *path: str) -> None:
    """Check an id of an order or instrument."""
    check_text(text, IDENTIFIER_LENGTH_MAX, *path)


def check_name(text: str, *path: str) -> None:
    """Check a trader id or strategy name. A line break is refused, because derived ids join the two with one."""
    check_identifier(text, *path)
    if "\n" in text:
        raise InputInvalid(f"{path[-1]} must not contain a line break.", *path)


def check_currency(code: str, *path: str) -> None:
    """Check a currency code as in a money string: printable ASCII without blanks."""
    check_text(code, CURRENCY_LENGTH_MAX, *path)
    if not code.isascii() or not code.isprintable() or " " in code:
        raise InputInvalid(f"{path[-1]} is a currency's code, like 'USDT', not {code!r}.", *path)


def check_not_negative(amount: Decimal, *path: str) -> None:
    """Check an amount of at least 0."""
    _check_storable(amount, *path)
    if amount < 0:
        raise InputInvalid(f"{path[-1]} must not be negative.", *path)


def check_positive(amount: Decimal, *path: str) -> None:
    """Check an amount above 0."""
    _check_storable(amount, *path)
    if amount <= 0:
        raise InputInvalid(f"{path[-1]} must be above zero.", *path)


def _check_storable(amount: Decimal, *path: str) -> None:
    if not is_storable(amount):
        raise InputInvalid(
            f"{path[-1]} must be finite, with at most {DIGITS_MAX} digits on either side of the point.", *path
        )
