"""Field kinds: how a value of a table becomes a value of the JSON answer.

A source is the name of a column, or a function from the table's columns to an expression.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Text, cast, func, literal_column

from app.reads.columns import Columns, PlainText, number_literal, text_literal
from app.reads.query import Amounts

Source: TypeAlias = "str | Callable[[Columns], ColumnElement[Any]]"

_NANOSECONDS = number_literal(1_000_000_000)
_EPOCH: ColumnElement[Any] = literal_column("timestamp '1970-01-01'")
_SECOND: ColumnElement[Any] = literal_column("interval '1 second'")


@dataclass(frozen=True, eq=False)
class Join:
    """Another table's row, at most one for each of ours; `on` are the columns that both have."""

    model: Any
    on: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Field:
    """How one field is read. `join` names the table of the source, if that is another one."""

    source: Source
    render: Callable[[ColumnElement[Any], Amounts], ColumnElement[Any]]
    join: Join | None = None

    def sql(self, columns: Columns, amounts: Amounts) -> ColumnElement[Any]:
        """The expression for the answer, over these columns."""
        value = columns[self.source] if isinstance(self.source, str) else self.source(columns)
        return self.render(value, amounts)


def plain(source: Source, join: Join | None = None) -> Field:
    """As PostgreSQL writes it in JSON: text, uuid, integers, booleans, arrays, documents."""
    return Field(source, lambda value, _: value, join)


def amount(source: Source) -> Field:
    """An exact decimal with the digits that are stored, as a JSON number or as a string."""
    return Field(source, lambda value, amounts: cast(value, Text) if amounts is Amounts.TEXT else value)


def instant(source: Source, join: Join | None = None) -> Field:
    """Nanoseconds since the epoch, written '2022-01-01T00:14:00.000000000Z'."""
    return Field(source, lambda value, _: rfc3339(value), join)


def plains(*columns: str) -> dict[str, Field]:
    """Plain fields under the names of their columns."""
    return {column: plain(column) for column in columns}


def amounts(*columns: str) -> dict[str, Field]:
    """Amounts under the names of their columns."""
    return {column: amount(column) for column in columns}


def node_id(type_name: str, columns: tuple[str, ...]) -> Field:
    """An opaque id of an object among all objects: the type and the key, in base64. Read by `node_ids`."""

    def source(c: Columns) -> ColumnElement[Any]:
        parts = [text_literal(f"{type_name}:"), cast(c[columns[0]], Text)]
        for column in columns[1:]:
            parts += [text_literal(":"), cast(c[column], Text)]
        return base64(func.concat(*parts))

    return plain(source)


def rfc3339(nanoseconds: ColumnElement[Any]) -> ColumnElement[Any]:
    """An instant as text. `to_char` costs four times as much: this is `timestamp`'s own text and the
    remainder.

    Never negative: engines count from 1970.
    """
    seconds = cast(_EPOCH + nanoseconds.op("/")(_NANOSECONDS).op("*")(_SECOND), Text)
    remainder = func.lpad(cast(nanoseconds.op("%")(_NANOSECONDS), Text), number_literal(9), text_literal("0"))
    return (
        func.replace(seconds, text_literal(" "), text_literal("T"))
        .op("||")(text_literal("."))
        .op("||")(remainder)
        .op("||", return_type=PlainText())(text_literal("Z"))
    )


def base64(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Text in base64, on one line: PostgreSQL breaks lines as MIME does."""
    encoded = func.encode(func.convert_to(value, text_literal("UTF8")), text_literal("base64"))
    return func.translate(encoded, literal_column("E'\\n'"), text_literal(""))
