"""Instants with nanoseconds, and how scalars become JSON and Python."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Self

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS = 10**9


class Instant(int):
    """Nanoseconds since the Unix epoch, UTC: a `DateTime` of the schema, without loss."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads RFC 3339 text with any offset and up to 9 digits of a second. Raises ValueError."""
        matched = _RFC3339.fullmatch(text)
        if matched is None:
            raise ValueError(f"{text!r} is no instant like '2022-01-01T00:14:00.000000000Z'")
        day, clock, fraction, offset = matched.groups()
        whole = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in 'Zz' else offset}") - _EPOCH
        seconds = whole.days * 86_400 + whole.seconds
        return cls(seconds * _NANOSECONDS + int((fraction or "").ljust(9, "0")))

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The instant of a datetime. Raises ValueError if it has no time zone."""
        if moment.tzinfo is None:
            raise ValueError("a datetime without a time zone names no instant")
        since = moment - _EPOCH
        return cls((since.days * 86_400 + since.seconds) * _NANOSECONDS + since.microseconds * 1000)

    @classmethod
    def now(cls) -> Self:
        """The current instant, by this computer's clock."""
        return cls(time.time_ns())

    def datetime(self) -> datetime:
        """The instant as a datetime in UTC, rounded down to microseconds."""
        return _EPOCH + timedelta(microseconds=self // 1000)

    def __str__(self) -> str:
        seconds, rest = divmod(self, _NANOSECONDS)
        return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"

    def __repr__(self) -> str:
        return f"Instant({int(self)})"


def encode_scalar(value: Any) -> str:
    """How msgspec writes an `Instant`. Raises NotImplementedError for other types."""
    if isinstance(value, Instant):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is no type of the schema")


def decode_scalar(type_: type[Any], value: Any) -> Instant:
    """How msgspec reads an `Instant`. Raises ValueError, NotImplementedError."""
    if type_ is Instant and isinstance(value, str):
        return Instant.parse(value)
    raise NotImplementedError(f"{type_} is no type of the schema")
