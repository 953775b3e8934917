"""Maps the ledger's values to table rows; derived from models and value types at import.

A field of a value is the column of its name. MappingError is raised at import for a stored field without a column and
for a column without a source, so neither can be forgotten.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from operator import attrgetter, itemgetter
from types import NoneType, UnionType
from typing import Any, Generic, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from sqlalchemy import ARRAY, Table, Uuid
from sqlmodel import SQLModel

Value = TypeVar("Value")
Row: TypeAlias = tuple[Any, ...]
"""Values in the order of columns: ids, enums and instants as in the ledger, lists as PostgreSQL's text."""


class MappingError(TypeError):
    """A mapping that does not cover its table or its value type."""


def table_of(model: type[SQLModel]) -> Table:
    """The table of a model."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


@cache
def columns_of(model: type[SQLModel], *, leaving: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names of a model's columns, in the model's order."""
    return tuple(column.name for column in table_of(model).columns if column.name not in leaving)


@cache
def key_of(model: type[SQLModel]) -> tuple[str, ...]:
    """The names of a model's primary key."""
    return tuple(column.name for column in table_of(model).primary_key)


class Fields(Generic[Value]):
    """Maps the fields of one value type (a Struct or a NamedTuple) to columns of one table."""

    def __init__(
        self,
        model: type[SQLModel],
        kind: type[Value],
        *,
        prefix: str = "",
        renamed: Mapping[str, str] | None = None,
        derived: Iterable[str] = (),
        joined: Iterable[str] = (),
        unstored: Iterable[str] = (),
    ) -> None:
        """A column's name is `prefix` and the field's name, or the name in `renamed`.

        `derived` are properties that are stored and never read. `joined` fields are read from another table.
        `unstored` fields are the last ones; they have their defaults when a row is read.
        """
        table, joined, unstored = table_of(model), frozenset(joined), frozenset(unstored)
        every: tuple[str, ...] = getattr(kind, "__struct_fields__", None) or kind._fields  # type: ignore[attr-defined]
        read = tuple(name for name in every if name not in unstored)
        if every[: len(read)] != read or unstored - set(every) or joined - set(every):
            raise MappingError(f"{kind.__name__}: unstored fields are its last ones, joined ones fields")
        columns = {name: (renamed or {}).get(name, prefix + name) for name in read}
        self.model, self.kind = model, kind
        self.columns = {name: columns[name] for name in read if name not in joined} | {name: name for name in derived}
        if missing := [column for column in self.columns.values() if column not in table.columns]:
            raise MappingError(f"{kind.__name__}: {table.name} has no column {', '.join(missing)}")
        hints = get_type_hints(kind)
        self._record_values = itemgetter(*columns.values())
        self._converters = [
            (place, convert)
            for place, name in enumerate(read)
            if (convert := _converter(hints[name], table, columns[name])) is not None
        ]

    def read(self, record: Any) -> Value:
        """The value of a row."""
        values = [*self._record_values(record)]
        for place, convert in self._converters:
            if (value := values[place]) is not None:
                values[place] = convert(value)
        return self.kind(*values)


class RowMapping:
    """Maps several values together to one whole row of a table."""

    def __init__(self, loose: tuple[str, ...], *parts: Fields[Any]) -> None:
        """`loose` are columns with values given one by one, before the values of the parts."""
        table = table_of(parts[0].model)
        columns, getters = list(loose), []
        for part in parts:
            added = {name: column for name, column in part.columns.items() if column not in columns}
            columns += added.values()
            getters.append(_values_of(added))
        if uncovered := {column.name for column in table.columns} ^ set(columns):
            raise MappingError(f"{table.name}: nothing has the columns {', '.join(sorted(uncovered))}")
        self.columns = tuple(columns)
        self._getters = getters
        self._arrays = [place for place, name in enumerate(columns) if isinstance(table.columns[name].type, ARRAY)]
        self._ids = [place for place, name in enumerate(columns) if isinstance(table.columns[name].type, Uuid)]
        self._record_values = itemgetter(*columns)

    def values(self, loose: Row, *parts: Any) -> Row:
        """The values in the order of `columns`, lists as lists."""
        if len(parts) == 1:
            return loose + self._getters[0](parts[0])
        row = loose
        for get, part in zip(self._getters, parts, strict=True):
            row += get(part)
        return row

    def row(self, loose: Row, *parts: Any) -> Row:
        """The row to write."""
        row = self.values(loose, *parts)
        if not self._arrays:
            return row
        changed = list(row)
        for place in self._arrays:
            changed[place] = array_literal(changed[place])
        return tuple(changed)

    def row_of(self, item: tuple[Row, Any]) -> Row:
        """The row of loose values and one part."""
        return self.row(*item)

    def stored(self, record: Any) -> Row:
        """The values of a stored row, in the form of `values`."""
        row = [*self._record_values(record)]
        for place in self._ids:
            if row[place] is not None:
                row[place] = str(row[place])
        return tuple(row)


def _values_of(names: Iterable[str]) -> Callable[[Any], Row]:
    first, *more = names
    get = attrgetter(first, *more)
    return get if more else lambda value: (get(value),)


def _converter(hint: Any, table: Table, column: str) -> Callable[[Any], Any] | None:
    """Converts the driver's value to the field's type; None if they are equal."""
    kind = next(one for one in get_args(hint) if one is not NoneType) if get_origin(hint) is UnionType else hint
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {member.value: member for member in kind}.__getitem__
    if column in table.columns and isinstance(table.columns[column].type, Uuid) and kind is str:
        return str
    return None


def array_literal(items: Sequence[str]) -> str:
    """A list in the form of PostgreSQL's arrays of text."""
    return "{" + ",".join(map(quoted, items)) + "}"


def quoted(text: str) -> str:
    """A text in double quotes, as in arrays and CSV."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
