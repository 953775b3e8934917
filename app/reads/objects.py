"""JSON objects in SQL: selected fields under their response keys, and the joins that they need."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    Text,
    Uuid,
    and_,
    cast,
    func,
    literal_column,
    select,
    true,
)

from app.errors import BadInputError
from app.reads.columns import Columns, PlainText, text_literal
from app.reads.fields import Join
from app.reads.query import Selected, Selection

Pair = tuple[str, ColumnElement[Any]]

FIELDS_MAX = 400
"""Most fields of one object; PostgreSQL itself ends at 1,664."""

_NAME_BYTES_MAX = 63
"""PostgreSQL cuts longer column names."""
_LONG_NAMED_FIELDS_MAX = 50
"""PostgreSQL's functions take at most 100 arguments."""

EMPTY_ARRAY: ColumnElement[Any] = literal_column("'[]'::json")


class Names:
    """Names for the tables and subqueries of one statement, each used once.

    None can be a key that a caller chose for a field: GraphQL has no dollar sign in names. Without that, a field
    called like a subquery would hide it.
    """

    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str) -> str:
        """A name that is not in use."""
        self._count += 1
        return f"{prefix}${self._count}"


@dataclass
class Row:
    """The tables and LATERAL subqueries that the selected fields of a row need."""

    laterals: list[FromClause] = field(default_factory=list)
    joined: dict[Join, Columns] = field(default_factory=dict)

    def join(self, join: Join, names: Names) -> Columns:
        """The columns of a joined table; joined once however many fields use it."""
        if join not in self.joined:
            self.joined[join] = Columns(names.new("j"), join.model)
        return self.joined[join]

    def beside(self, rows: FromClause, columns: Columns) -> FromClause:
        """The FROM clause: rows, joined with the tables and subqueries of their fields. No row is lost or doubled by
        it.
        """
        for join, theirs in self.joined.items():
            rows = rows.outerjoin(theirs.rows, and_(*(theirs[name] == columns[name] for name in join.on)))
        for lateral in self.laterals:
            rows = rows.outerjoin(lateral, true())
        return rows


def pairs_of(selection: Selection, value: Callable[[Selected], ColumnElement[Any]]) -> list[Pair]:
    """The selected fields; `value` makes those that are no literals."""
    return [(one.key, value(one) if one.literal is None else text_literal(one.literal)) for one in selection.fields]


def pack(pairs: list[Pair]) -> tuple[list[ColumnElement[Any]], Callable[[str], ColumnElement[Any]]]:
    """The columns of a subselect, and how the JSON object is made of it under the name it gets."""
    if len(pairs) > FIELDS_MAX:
        raise BadInputError(f"More than {FIELDS_MAX} fields are selected of one object.")
    if all(len(key.encode()) <= _NAME_BYTES_MAX for key, _ in pairs):
        return [value.label(key) for key, value in pairs], lambda name: func.row_to_json(literal_column(name))
    if len(pairs) > _LONG_NAMED_FIELDS_MAX:
        raise BadInputError(
            f"One of {len(pairs)} fields of an object has an alias longer than {_NAME_BYTES_MAX} characters; "
            f"that is possible for up to {_LONG_NAMED_FIELDS_MAX} fields."
        )
    parts = [part for key, value in pairs for part in (text_literal(key), value)]
    return [func.json_build_object(*parts).label("object")], lambda name: literal_column(f"{name}.object")


def object_text(pairs: list[Pair]) -> tuple[list[ColumnElement[Any]], Callable[[str], ColumnElement[Any]]]:
    """Like `pack`, with the object as text: the characters of `row_to_json` in less time, because types are known.

    `row_to_json` looks up the type of every value in the catalogue (docs/adr/0030-libraries.md). An object made of this
    text would be escaped again if it were embedded in another.
    """
    if len(pairs) > FIELDS_MAX:
        raise BadInputError(f"More than {FIELDS_MAX} fields are selected of one object.")

    def to_text(name: str) -> ColumnElement[Any]:
        opening = "{"
        parts: list[ColumnElement[Any]] = []
        for number, (key, value) in enumerate(pairs):
            parts.append(text_literal(f'{opening}"{key}":'))
            parts.append(_value_text(literal_column(f"{name}.v{number}", value.type)))
            opening = ","
        return _joined([*parts, text_literal("}" if pairs else "{}")])

    return [value.label(f"v{number}") for number, (_, value) in enumerate(pairs)], to_text


def array_bytes(objects: ColumnElement[Any]) -> ColumnElement[Any]:
    """The rows' texts as one JSON array in UTF-8, with the spaces of `json_agg`."""
    listed = func.coalesce(func.string_agg(objects, text_literal(", ")), text_literal(""))
    return func.convert_to(_joined([text_literal("["), listed, text_literal("]")]), text_literal("UTF8"))


def _value_text(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value as JSON text. `to_json` writes values that may need escapes."""
    if isinstance(value.type, Integer | Numeric | Boolean):
        text: ColumnElement[Any] = cast(value, Text)
    elif isinstance(value.type, PlainText | Uuid):
        text = _joined([text_literal('"'), cast(value, Text), text_literal('"')])
    else:
        text = cast(func.to_json(value), Text)
    return func.coalesce(text, text_literal("null"))


def _joined(parts: list[ColumnElement[Any]]) -> ColumnElement[Any]:
    """The concatenated texts, as a balanced tree: a chain would copy the first part for each following one."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return _joined(parts[:middle]).op("||", return_type=Text())(_joined(parts[middle:]))


def row_json(pairs: list[Pair], names: Names) -> ColumnElement[Any]:
    """One JSON object of these values."""
    name = names.new("r")
    columns, to_json = pack(pairs)
    return select(to_json(name)).select_from(select(*columns).subquery(name)).scalar_subquery()
