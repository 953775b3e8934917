"""Writing many rows at once: COPY for new rows, one upsert over arrays for rows that may exist."""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from app.database import WriteConnection

_NULL = "\\N"
_BREAKS = re.compile("[\n\r]")
_COPY_CHUNK_BYTES = 32 * 1024
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


async def upsert(
    work: WriteConnection,
    model: type[SQLModel],
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    add: Sequence[str] = (),
    add_trimmed: Sequence[str] = (),
    least: Sequence[str] = (),
    greatest: Sequence[str] = (),
) -> None:
    """Insert rows, or update those whose primary key exists: columns in `add` are added to what is there.

    `add_trimmed` does so and drops the zeros that quotients leave behind the last digit. `least` and `greatest` keep
    the smaller or larger value; all other columns are replaced. Rows are taken in the order of their keys, so that two
    transactions lock them in the same order.
    """
    if not rows:
        return
    keys = [columns.index(column.name) for column in _table(model).primary_key]
    ordered = sorted(rows, key=lambda row: [str(row[key]) for key in keys])
    statement = _upsert_sql(model, tuple(columns), tuple(add), tuple(add_trimmed), tuple(least), tuple(greatest))
    await work.execute(statement, *_arrays(ordered))


async def delete(work: WriteConnection, model: type[SQLModel], keys: Sequence[Row]) -> None:
    """Delete rows by primary key. Key values in the order of the table's key."""
    if keys:
        table = _table(model)
        names = [column.name for column in table.primary_key]
        matched = " AND ".join(f"t.{name} = k.{name}" for name in names)
        source = array_source(*(f"{column.name} {_type_of(column)}" for column in table.primary_key))
        await work.execute(f"DELETE FROM {table.name} t USING {source} k WHERE {matched}", *_arrays(keys))


def array_source(*columns: str) -> str:
    """A FROM item over one text array a column (`$1` on), cast to what is declared: `"strategy_id uuid"`.

    It has the columns by name, and `ordinal` from 1.
    """
    names = [column.split(" ", 1) for column in columns]
    arrays = ", ".join(f"${place}::text[]" for place in range(1, len(names) + 1))
    raw = ", ".join(f"c{place}" for place in range(len(names)))
    casts = ", ".join(f"c{place}::{kind} AS {name}" for place, (name, kind) in enumerate(names))
    return f"(SELECT {casts}, ordinal FROM unnest({arrays}) WITH ORDINALITY AS raw({raw}, ordinal))"


def copy_line(row: Row) -> str:
    """One row in COPY's text format."""
    line = "\t".join([_NULL if value is None else value if type(value) is str else _plain(value) for value in row])
    # Hardly any value needs escaping: one look at the whole line is cheaper than one at each value.
    if line.count("\t") == len(row) - 1 and line.count("\\") == row.count(None) and not _BREAKS.search(line):
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
def _upsert_sql(
    model: type[SQLModel],
    columns: tuple[str, ...],
    add: tuple[str, ...],
    add_trimmed: tuple[str, ...],
    least: tuple[str, ...],
    greatest: tuple[str, ...],
) -> str:
    table = _table(model)
    keys = [column.name for column in table.primary_key]
    source = array_source(*(f"{name} {_type_of(table.c[name])}" for name in columns))
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
    listed = ", ".join(columns)
    return (
        f"INSERT INTO {table.name} AS t ({listed}) SELECT {listed} FROM {source} s ORDER BY ordinal "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(changes)}"
    )


def _table(model: type[SQLModel]) -> Table:
    return model.__table__  # type: ignore[attr-defined, no-any-return]


def _type_of(column: Column[Any]) -> str:
    return column.type.compile(_DIALECT)
