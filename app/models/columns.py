"""Column kinds shared by all tables: exact amounts and nanosecond instants."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Numeric
from sqlmodel import Field


def amount(**options: Any) -> Any:
    """An exact decimal: PostgreSQL `numeric` without a fixed scale, so no digit is ever cut."""
    return Field(sa_type=Numeric, **options)


def instant(**options: Any) -> Any:
    """Nanoseconds since the epoch, UTC; `timestamptz` keeps microseconds only."""
    return Field(sa_type=BigInteger, **options)


def finite(table: str, *columns: str) -> tuple[CheckConstraint, ...]:
    """One CHECK a column against NaN and infinities, which `numeric` stores.

    NaN sorts above Infinity in PostgreSQL, so the upper bound refuses both.
    """
    return tuple(
        CheckConstraint(f"{column} > '-Infinity' AND {column} < 'Infinity'", name=f"{table}_{column}_finite")
        for column in columns
    )


def one_of(table: str, column: str, values: type) -> CheckConstraint:
    """A CHECK that a text column holds one of an enum's values."""
    listed = ", ".join(f"'{value}'" for value in values)  # type: ignore[attr-defined]
    return CheckConstraint(f"{column} IN ({listed})", name=f"{table}_{column}_known")


ZERO = Decimal(0)
