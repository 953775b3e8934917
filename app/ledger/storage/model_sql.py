"""Statements made from the models with SQLAlchemy, compiled once at import into SQL for asyncpg.

Statements stay text where SQLAlchemy cannot say them or would hide them: `unnest` of arrays of keys with a LATERAL
look-up that is fenced by OFFSET 0 (`key_lookup`), rows as JSON (`writing`), and comparisons over `jsonb` and windows.
"""

from typing import Any

from sqlalchemy import ColumnElement, Executable, any_, literal_column
from sqlalchemy.dialects import postgresql

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def parameter(number: int) -> ColumnElement[Any]:
    """The statement's parameter `$number`; PostgreSQL infers its type."""
    return literal_column(f"${number}")


def is_any_of(column: ColumnElement[Any], number: int) -> ColumnElement[bool]:
    """Whether the column is an element of the array `$number`."""
    return column == any_(parameter(number))


def sql(statement: Executable) -> str:
    """The statement's text. Constants are written into it."""
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))  # type: ignore[attr-defined]
