"""Column types and table options shared by all tables."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, Numeric, event
from sqlmodel import Field, SQLModel


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


def one_of(table: str, column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """A CHECK that a text column holds one of these values of an enum."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=known_values(table, column))


def known_values(table: str, column: str) -> str:
    """The name of `one_of`'s CHECK."""
    return f"{table}_{column}_known"


def planned_as_rare(model: type[SQLModel], *columns: str) -> None:
    """Tell PostgreSQL that hardly two rows of the table have the same value in these columns.

    Plans of kept statements are made for any value. Told this, PostgreSQL goes by the index that begins with the
    column, right for rare values and common ones; told the truth, it may walk all rows in search of a rare one.
    """
    table = model.__table__  # type: ignore[attr-defined]
    settings = ", ".join(f"ALTER {column} SET (n_distinct = 100000)" for column in columns)
    statement = DDL(f"ALTER TABLE {table.name} {settings}")  # type: ignore[no-untyped-call]
    event.listen(table, "after_create", statement)


ZERO = Decimal(0)


_REFUSE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of %% are never changed or removed', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END
    $$
"""


def append_only(model: type[SQLModel]) -> None:
    """Refuse changes and deletions of rows by a trigger. A role that may drop the trigger can bypass it (ADR 0013)."""
    table = model.__table__  # type: ignore[attr-defined]
    trigger = (
        f"CREATE TRIGGER {table.name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    for statement in (_REFUSE, trigger):
        event.listen(table, "after_create", DDL(statement))  # type: ignore[no-untyped-call]
