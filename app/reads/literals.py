"""Constants in SQL text. SQLAlchemy would make parameters of them; those are for the caller's values."""

from typing import Any

from sqlalchemy import ColumnElement, literal_column


def text_literal(value: str) -> ColumnElement[Any]:
    """A quoted SQL string; for names from our own code and from GraphQL documents, never for values."""
    quoted = value.replace("'", "''")
    return literal_column(f"'{quoted}'")


def number_literal(value: int) -> ColumnElement[Any]:
    """An SQL integer."""
    return literal_column(str(int(value)))
