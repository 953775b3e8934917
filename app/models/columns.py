"""Column types and table options shared by all tables."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, Index, MetaData, Numeric, event, text
from sqlmodel import Field, SQLModel

VALUES = "values"
"""The key of an enum's values in the `info` of a column made by `one_of`."""


def amount(**options: Any) -> Any:
    """An exact decimal: PostgreSQL `numeric` without a fixed scale, so no digit is ever cut."""
    return Field(sa_type=Numeric, **options)


def instant(**options: Any) -> Any:
    """Nanoseconds since the epoch, UTC; `timestamptz` keeps microseconds only."""
    return Field(sa_type=BigInteger, **options)


def one_of(values: Iterable[StrEnum], **options: Any) -> Any:
    """Text that is one of these values of an enum. A default is also the table's."""
    kwargs: dict[str, Any] = {"info": {VALUES: tuple(values)}}
    if options.get("default") is not None:
        kwargs["server_default"] = options["default"]
    return Field(sa_column_kwargs=kwargs, **options)


def add_checks(metadata: MetaData) -> None:
    """Add a CHECK for each `amount`, against NaN and infinities, which `numeric` stores, and for each `one_of`.

    NaN sorts above Infinity in PostgreSQL, so the upper bound refuses both.
    """
    for table in metadata.tables.values():
        for column in table.columns:
            name = f"{table.name}_{column.name}"
            if isinstance(column.type, Numeric):
                condition = f"{column.name} > '-Infinity' AND {column.name} < 'Infinity'"
                table.append_constraint(CheckConstraint(condition, name=f"{name}_finite"))
            elif VALUES in column.info:
                listed = ", ".join(f"'{value}'" for value in column.info[VALUES])
                table.append_constraint(CheckConstraint(f"{column.name} IN ({listed})", name=f"{name}_known"))


def partial_index(name: str, condition: str, *columns: str) -> Index:
    """An index of the rows that satisfy a condition."""
    return Index(name, *columns, postgresql_where=text(condition))


def planned_as_rare(model: type[SQLModel], *columns: str) -> None:
    """Set the planner's statistics of these columns so that almost every row appears to have a value of its own.

    A prepared statement's generic plan must fit any value. With these statistics PostgreSQL uses the index that begins
    with the column, which is right for rare and common values; with real ones it may scan all rows for a rare value.
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
