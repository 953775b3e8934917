"""The columns of one occurrence of a table in a statement.

They are written by name (`o1.status`), not as SQLAlchemy's own columns: those add their table to every FROM, which is
wrong in a LATERAL subquery that refers to the row outside it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, literal_column, table

from app.models.columns import VALUES


class PlainText(Text):
    """Text that JSON does not escape: instants and enum values."""

    inherit_cache = True


class Columns:
    """Columns by attribute or by name, with the types of the model, under the name the occurrence has."""

    def __init__(self, occurrence: str, *models: Any) -> None:
        self.name = occurrence
        self._model = models[0] if models else None
        self._types = {name: type_ for model in models if model for name, type_ in _types_of(model).items()}

    @property
    def rows(self) -> FromClause:
        """The rows of the occurrence, for a FROM clause: of the first model's table."""
        assert self._model is not None
        rows: FromClause = self._model.__table__.alias(self.name)
        return rows

    def __contains__(self, column: str) -> bool:
        return column in self._types

    def __getitem__(self, column: str) -> ColumnElement[Any]:
        return literal_column(f"{self.name}.{column}", self._types[column])

    def __getattr__(self, column: str) -> ColumnElement[Any]:
        if column.startswith("_"):
            raise AttributeError(column)
        return self[column]


class Derived(Columns):
    """Columns of a subquery, whatever their types are."""

    @property
    def rows(self) -> FromClause:
        """The rows of the subquery of that name."""
        return table(self.name)

    def __getitem__(self, column: str) -> ColumnElement[Any]:
        return literal_column(f"{self.name}.{column}")


NO_COLUMNS = Columns("")
"""Columns of an entity without a table."""


@cache
def _types_of(model: Any) -> Mapping[str, Any]:
    """Types by column name; PlainText for columns that hold enum values."""
    columns = model.__table__.columns
    return {column.name: PlainText() if VALUES in column.info else column.type for column in columns}


def text_literal(value: str) -> ColumnElement[Any]:
    """A quoted SQL string; for names from our own code and from GraphQL documents, never for values."""
    quoted = value.replace("'", "''")
    return literal_column(f"'{quoted}'")


def number_literal(value: int) -> ColumnElement[Any]:
    """An SQL integer."""
    return literal_column(str(int(value)))
