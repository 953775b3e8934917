"""Scalars of our own: Strawberry's `Decimal` takes JSON floats, NaN and Infinity, its `DateTime` has microseconds."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from math import isfinite
from typing import Any, NewType, cast
from uuid import UUID
from zoneinfo import available_timezones

import strawberry
from strawberry.types.scalar import ScalarDefinition

from app.reads.query import INSTANT_MAX
from app.rules.identity import read_uuid
from app.rules.money import read_decimal

Amount = NewType("Amount", Decimal)
"""An exact decimal; `Decimal` in the schema."""
Instant = NewType("Instant", int)
"""Nanoseconds since the epoch; `DateTime` in the schema."""

TimeZone = NewType("TimeZone", str)
"""The name of a time zone; `TimeZone` in the schema."""

Document = NewType("Document", object)
"""Any JSON value; `JSON` in the schema."""

DIGITS_MAX = 200
"""Most digits of a decimal, before and after its point."""

_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_amount(value: Any) -> Decimal:
    """Read a decimal from a string or an integer. A float may have lost digits already: raises ValueError."""
    if isinstance(value, float) and isfinite(value):
        raise ValueError(f'a Decimal is given as a string, so that no digit is lost: "{Decimal(repr(value)):f}"')
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("a Decimal is given as a string or an integer")
    text = str(value) if isinstance(value, str) or abs(value) < 10**DIGITS_MAX else ""
    amount = read_decimal(text) if len(text) <= DIGITS_MAX else None
    if amount is None:
        raise ValueError(f"a Decimal is a finite number of at most {DIGITS_MAX} digits, as in '0.1000'")
    if abs(amount.adjusted()) > DIGITS_MAX:
        raise ValueError(f"a Decimal has at most {DIGITS_MAX} digits before and after its point")
    return amount


def parse_instant(value: Any) -> int:
    """Nanoseconds since the epoch from RFC 3339 text, of any offset."""
    matched = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        raise ValueError("a DateTime is RFC 3339 text with time and offset, as in '2022-01-01T00:14:00.000000000Z'")
    day, time, fraction, offset = matched.groups()
    whole = datetime.fromisoformat(f"{day}T{time}{'+00:00' if offset in 'Zz' else offset}") - _EPOCH
    nanoseconds = (whole.days * 86_400 + whole.seconds) * 10**9 + int((fraction or "").ljust(9, "0"))
    if abs(nanoseconds) > INSTANT_MAX:
        raise ValueError("a DateTime is between the years 1678 and 2262")
    return nanoseconds


def written_instant(nanoseconds: int) -> Instant:
    """An instant as PostgreSQL writes it for the read side. It is text; the type is the one of the schema."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return cast(Instant, f"{_written_second(seconds)}.{rest:09}Z")


@lru_cache(maxsize=1024)
def _written_second(seconds: int) -> str:
    """A thousand answers of one moment share it."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def parse_uuid(value: Any) -> UUID:
    """A UUID from its text."""
    if not isinstance(value, str):
        raise ValueError("a UUID is given as a string")
    read = read_uuid(value)
    if read is None:
        raise ValueError("a UUID is 32 hexadecimal digits, as in '5f17147f-2bbd-5c76-af87-1f010d829329'")
    return read


def parse_time_zone(value: Any) -> str:
    """A time zone from its IANA name.

    Names without a slash are refused but for UTC: PostgreSQL takes "CET" for an offset that no summer changes.
    """
    if not isinstance(value, str) or value not in _time_zones():
        raise ValueError("a TimeZone is UTC or an IANA name with its area, as in 'Europe/Berlin'")
    return value


@cache
def _time_zones() -> frozenset[str]:
    return frozenset({"UTC", *(name for name in available_timezones() if "/" in name)})


SCALARS: dict[object, ScalarDefinition] = {
    Amount: strawberry.scalar(
        name="Decimal",
        description='An exact, finite decimal number as a string, for example "0.1000". Input: strings and integers; '
        "floating-point numbers are refused because they lose digits.",
        specified_by_url="https://speleotrove.com/decimal/daconvs.html",
        serialize=str,
        parse_value=parse_amount,
    ),
    Instant: strawberry.scalar(
        name="DateTime",
        description='An instant in RFC 3339 format, UTC, with nanoseconds: "2022-01-01T00:14:00.000000000Z". Input: '
        "any offset.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=str,
        parse_value=parse_instant,
    ),
    TimeZone: strawberry.scalar(
        name="TimeZone",
        description='A time zone: `UTC` or an IANA name with its area, for example "Europe/Berlin".',
        specified_by_url="https://www.iana.org/time-zones",
        serialize=str,
        parse_value=parse_time_zone,
    ),
    Document: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID as a string.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
        serialize=str,
        parse_value=parse_uuid,
    ),
}
"""Python type to scalar. Output is written by PostgreSQL; `serialize` is for completeness."""
