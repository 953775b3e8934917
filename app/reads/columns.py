"""The columns of one occurrence of a table in a statement.

They are written by name (`o1.status`), not as SQLAlchemy's own columns: those pull their table into every
FROM they are seen in, which is wrong for a LATERAL subquery that speaks of the row outside it.
"""

from typing import Any

from sqlalchemy import ColumnElement, literal_column


class Columns:
    """Columns by attribute or by name, with the types of the model, under the name the occurrence has."""

    def __init__(self, occurrence: str, model: Any) -> None:
        self._occurrence = occurrence
        self._types = {column.name: column.type for column in model.__table__.columns} if model else {}

    def __getitem__(self, column: str) -> ColumnElement[Any]:
        return literal_column(f"{self._occurrence}.{column}", self._types[column])

    def __getattr__(self, column: str) -> ColumnElement[Any]:
        if column.startswith("_"):
            raise AttributeError(column)
        return self[column]


NO_COLUMNS = Columns("", None)
"""For what exists once and is no table's row."""
