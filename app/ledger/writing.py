"""Writing many rows at once: COPY for new rows, one upsert over arrays for rows that may exist."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from app.database import WriteConnection

_NULL = "\\N"
_COPY_CHUNK_BYTES = 32 * 1024
_TOGETHER_MAX = 300
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

Row = tuple[Any, ...]


async def insert(work: WriteConnection, model: type[SQLModel], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """COPY rows that are known to be new. Values in the order of `columns`."""
    if rows:
        await copy_lines(work, model, columns, map(copy_line, rows))


async def copy_lines(
    work: WriteConnection, model: type[SQLModel], columns: Sequence[str], lines: Iterable[str]
) -> None:
    """COPY lines that are in PostgreSQL's text format already.

    They are made as they are sent: PostgreSQL stores the first while we write the next.
    """
    await work.copy(_table(model).name, columns, _chunks(lines))


@dataclass(slots=True)
class Merge:
    """Rows to insert, or to update where their primary key exists: columns in `add` are added to what is there.

    `add_trimmed` does so and drops the zeros that quotients leave behind the last digit. `least` and `greatest` keep
    the smaller or larger value; all other columns are replaced.
    """

    model: type[SQLModel]
    columns: tuple[str, ...]
    rows: Sequence[Row]
    add: tuple[str, ...] = ()
    add_trimmed: tuple[str, ...] = ()
    least: tuple[str, ...] = ()
    greatest: tuple[str, ...] = ()

    @property
    def shape(self) -> "Shape":
        """What makes the statement."""
        return _merge_sql, (self.model, self.columns, self.add, self.add_trimmed, self.least, self.greatest)

    def arrays(self) -> list[list[str | None]]:
        """Rows in the order of their keys, so that two transactions lock them in the same order."""
        keys = [self.columns.index(column.name) for column in _table(self.model).primary_key]
        return _arrays(sorted(self.rows, key=lambda row: [str(row[key]) for key in keys]))


@dataclass(slots=True)
class Insert:
    """Rows that are known to be new."""

    model: type[SQLModel]
    columns: tuple[str, ...]
    rows: Sequence[Row]

    @property
    def shape(self) -> "Shape":
        """What makes the statement."""
        return _insert_sql, (self.model, self.columns)

    def arrays(self) -> list[list[str | None]]:
        """The columns."""
        return _arrays(self.rows)


@dataclass(slots=True)
class Update:
    """Rows that are known to exist: all columns but the key's are replaced."""

    model: type[SQLModel]
    columns: tuple[str, ...]
    rows: Sequence[Row]

    @property
    def shape(self) -> "Shape":
        """What makes the statement."""
        return _update_sql, (self.model, self.columns)

    def arrays(self) -> list[list[str | None]]:
        """The columns."""
        return _arrays(self.rows)


Shape: TypeAlias = tuple[Callable[..., str], tuple[Any, ...]]
Part: TypeAlias = Merge | Insert | Update


async def write(work: WriteConnection, parts: Iterable[Part]) -> None:
    """Write to several tables; no two parts have the same row.

    Few rows go by one statement: one for each table would cost more than the rows do. Many go by COPY where they are
    new.
    """
    filled = [part for part in parts if part.rows]
    if sum(len(part.rows) for part in filled) > _TOGETHER_MAX:
        for part in filled:
            await _write_alone(work, part)
    elif filled:
        sql = _together_sql(tuple(part.shape for part in filled))
        await work.execute(sql, *(array for part in filled for array in part.arrays()))


async def _write_alone(work: WriteConnection, part: Part) -> None:
    if isinstance(part, Insert):
        await insert(work, part.model, part.columns, part.rows)
    else:
        make, shape = part.shape
        await work.execute(make(1, *shape), *part.arrays())


async def upsert(
    work: WriteConnection, model: type[SQLModel], columns: Sequence[str], rows: Sequence[Row], **how: tuple[str, ...]
) -> None:
    """Insert rows, or update those whose primary key exists; `how` as `Merge` has it."""
    if rows:
        await _write_alone(work, Merge(model, tuple(columns), rows, **how))


async def delete(work: WriteConnection, model: type[SQLModel], keys: Sequence[Row]) -> None:
    """Delete rows by primary key. Key values in the order of the table's key."""
    if keys:
        table = _table(model)
        names = [column.name for column in table.primary_key]
        matched = " AND ".join(f"t.{name} = k.{name}" for name in names)
        source = array_source(*(f"{column.name} {_type_of(column)}" for column in table.primary_key))
        await work.execute(f"DELETE FROM {table.name} t USING {source} k WHERE {matched}", *_arrays(keys))


def array_source(*columns: str, first: int = 1) -> str:
    """A FROM item over one text array a column (`$first` on), cast to what is declared: `"strategy_id uuid"`.

    It has the columns by name, and `ordinal` from 1.
    """
    names = [column.split(" ", 1) for column in columns]
    arrays = ", ".join(f"${place}::text[]" for place in range(first, first + len(names)))
    raw = ", ".join(f"c{place}" for place in range(len(names)))
    casts = ", ".join(f"c{place}::{kind} AS {name}" for place, (name, kind) in enumerate(names))
    return f"(SELECT {casts}, ordinal FROM unnest({arrays}) WITH ORDINALITY AS raw({raw}, ordinal))"


def join_by(table: str, alias: str, keys: str, *columns: str, also: str = "true") -> str:
    """JOIN a table to the rows of `keys` by these columns of both, all of them at once.

    Fenced (OFFSET 0): of a plain join PostgreSQL, while it knows little of the table, may look up by the first column
    alone and go through all that a strategy ever had.
    """
    matched = " AND ".join(f"{column} = {keys}.{column}" for column in columns)
    return f"JOIN LATERAL (SELECT * FROM {table} WHERE {matched} AND {also} OFFSET 0) {alias} ON true"


def copy_line(row: Row) -> str:
    """One row in COPY's text format."""
    line = "\t".join([_NULL if value is None else value if type(value) is str else _plain(value) for value in row])
    # Hardly any value needs escaping: one look at the whole line is cheaper than one at each value.
    plain = line.count("\t") == len(row) - 1 and line.count("\\") == row.count(None)
    if plain and "\n" not in line and "\r" not in line:
        return line + "\n"
    return "\t".join([copy_text(value) for value in row]) + "\n"


def copy_text(value: Any) -> str:
    """One value in COPY's text format."""
    if value is None:
        return _NULL
    text = value if type(value) is str else _plain(value)
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if not text.isprintable():
        text = text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text


def _plain(value: Any) -> str:
    if type(value) is list:
        quoted = ('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value)
        return "{" + ",".join(quoted) + "}"
    return str(value)


def _arrays(rows: Sequence[Row]) -> list[list[str | None]]:
    return [
        [None if value is None else value if type(value) is str else _plain(value) for value in column]
        for column in zip(*rows, strict=True)
    ]


async def _chunks(lines: Iterable[str]) -> AsyncIterator[bytes]:
    chunk: list[str] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if size >= _COPY_CHUNK_BYTES:
            yield "".join(chunk).encode()
            chunk, size = [], 0
    if chunk:
        yield "".join(chunk).encode()


@cache
def _together_sql(shapes: tuple[Shape, ...]) -> str:
    statements, first = [], 1
    for make, shape in shapes:
        statements.append(make(first, *shape))
        first += len(shape[1])
    steps = ", ".join(f"step{number} AS ({statement})" for number, statement in enumerate(statements))
    return f"WITH {steps} SELECT"


@cache
def _merge_sql(
    first: int,
    model: type[SQLModel],
    columns: tuple[str, ...],
    add: tuple[str, ...],
    add_trimmed: tuple[str, ...],
    least: tuple[str, ...],
    greatest: tuple[str, ...],
) -> str:
    keys = [column.name for column in _table(model).primary_key]
    changes = []
    for name in columns:
        if name in keys:
            continue
        if name in add:
            changes.append(f"{name} = t.{name} + excluded.{name}")
        elif name in add_trimmed:
            changes.append(f"{name} = trim_scale(t.{name} + excluded.{name})")
        elif name in least:
            changes.append(f"{name} = least(t.{name}, excluded.{name})")
        elif name in greatest:
            changes.append(f"{name} = greatest(t.{name}, excluded.{name})")
        else:
            changes.append(f"{name} = excluded.{name}")
    return f"{_insert_sql(first, model, columns)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(changes)}"


@cache
def _insert_sql(first: int, model: type[SQLModel], columns: tuple[str, ...]) -> str:
    listed = ", ".join(columns)
    source = _source(first, model, columns)
    return f"INSERT INTO {_table(model).name} AS t ({listed}) SELECT {listed} FROM {source} s ORDER BY ordinal"


@cache
def _update_sql(first: int, model: type[SQLModel], columns: tuple[str, ...]) -> str:
    keys = [column.name for column in _table(model).primary_key]
    changes = ", ".join(f"{name} = s.{name}" for name in columns if name not in keys)
    matched = " AND ".join(f"t.{name} = s.{name}" for name in keys)
    return f"UPDATE {_table(model).name} t SET {changes} FROM {_source(first, model, columns)} s WHERE {matched}"


def _source(first: int, model: type[SQLModel], columns: tuple[str, ...]) -> str:
    table = _table(model)
    return array_source(*(f"{name} {_type_of(table.c[name])}" for name in columns), first=first)


def _table(model: type[SQLModel]) -> Table:
    return model.__table__  # type: ignore[attr-defined, no-any-return]


def _type_of(column: Column[Any]) -> str:
    return column.type.compile(_DIALECT)
