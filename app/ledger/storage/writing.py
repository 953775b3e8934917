"""Writes rows to several tables: few rows in one statement for all tables, many new rows by COPY.

A line of COPY is CSV in the form of a JSON array without its brackets: the JSON encoder is ten times as fast as
joining fields.

The SQL follows from the models' columns and is built once per combination of tables. SQLAlchemy's inserts take one
parameter per value; here the rows of a table are one JSON parameter, which `json_populate_recordset` casts to the
table's types. This is faster (ADR 0016).
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import localcontext
from functools import cache
from typing import Any

import asyncpg
import msgspec
from msgspec import Raw
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

from app.database import WriteConnection
from app.ledger.storage.row_mapping import Row, key_of, quoted, table_of
from app.rules.money import EXACT

CANNOT_BE_STORED = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
"""PostgreSQL's errors for well-formed content beyond its limits: of `numeric`, of the nesting of JSON."""

_TOGETHER_MAX = 300
"""For more rows, one COPY per table costs less than one statement for all (ADR 0016)."""
_PART_ROWS = 100
_STATEMENTS: dict[tuple[Any, ...], str] = {}
_OTHER_ESCAPES = re.compile(rb'\\[^"\\]')
_encoder = msgspec.json.Encoder()


@dataclass(slots=True)
class TableWrite:
    """Rows of one table. Lists and JSON documents are PostgreSQL's text; None is SQL's NULL, never JSON's `null`."""

    model: type[SQLModel]
    columns: tuple[str, ...]
    rows: Sequence[Any]
    """Rows, or items that must not change before they are written."""
    row: Callable[[Any], Row] = tuple
    """The row of an item, built as it is written: PostgreSQL stores some rows while the next ones are built."""

    @property
    def key(self) -> tuple[Any, ...]:
        """Identifies the statement: everything that it depends on, without the rows."""
        return type(self), self.model, self.columns

    def sql(self, place: int) -> str:
        """The statement, with the rows as its parameter number `place`."""
        raise NotImplementedError

    def content(self) -> bytes:
        """The rows as JSON objects."""
        rows = [dict(zip(self.columns, self.row(item), strict=True)) for item in self.rows]
        for name in _documents_of(self.model, self.columns):
            for row in rows:
                row[name] = Raw(row[name] or "null")
        return _encoder.encode(rows)

    def _source(self, place: int) -> str:
        return f"json_populate_recordset(NULL::{table_of(self.model).name}, ${place}::json) s"


class Insert(TableWrite):
    """Rows that do not exist yet. The statement fails if one exists."""

    def sql(self, place: int) -> str:
        """An INSERT."""
        listed = ", ".join(self.columns)
        return f"INSERT INTO {table_of(self.model).name} AS t ({listed}) SELECT {listed} FROM {self._source(place)}"


class Update(TableWrite):
    """Rows that exist. All columns except the key's are replaced."""

    def sql(self, place: int) -> str:
        """An UPDATE by primary key."""
        keys = key_of(self.model)
        changes = ", ".join(f"{name} = s.{name}" for name in self.columns if name not in keys)
        source = self._source(place)
        return f"UPDATE {table_of(self.model).name} t SET {changes} FROM {source} WHERE {_matches(keys)}"


class Delete(TableWrite):
    """Rows to delete. The columns are those of the primary key."""

    def sql(self, place: int) -> str:
        """A DELETE by primary key."""
        return f"DELETE FROM {table_of(self.model).name} t USING {self._source(place)} WHERE {_matches(self.columns)}"


ADD = "t.{0} + excluded.{0}"
ADD_TRIMMED = "trim_scale(t.{0} + excluded.{0})"
"""As ADD, without the trailing zeros that quotients leave."""
LEAST = "least(t.{0}, excluded.{0})"
GREATEST = "greatest(t.{0}, excluded.{0})"


@dataclass(slots=True)
class Merge(TableWrite):
    """Rows to insert, or to update where their primary key exists.

    `combined` pairs columns with the expression that an update sets them to (ADD, LEAST, ...). Other columns are
    replaced.
    """

    combined: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """Identifies the statement."""
        return type(self), self.model, self.columns, self.combined

    def sql(self, place: int) -> str:
        """An INSERT ... ON CONFLICT (primary key) DO UPDATE."""
        keys = key_of(self.model)
        values = dict.fromkeys(self.columns, "excluded.{0}") | dict(self.combined)
        changes = ", ".join(f"{name} = {value.format(name)}" for name, value in values.items() if name not in keys)
        return f"{Insert.sql(self, place)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"  # type: ignore[arg-type]

    def content(self) -> bytes:
        """The rows as JSON objects in the order of their keys, so that two transactions lock them in the same order."""
        keys = [self.columns.index(name) for name in key_of(self.model)]
        self.rows = sorted(self.rows, key=lambda row: [str(row[key]) for key in keys])
        return TableWrite.content(self)


async def write(work: WriteConnection, writes: Iterable[TableWrite]) -> None:
    """Write to several tables. No two of `writes` may have the same row."""
    filled = [one for one in writes if one.rows]
    with localcontext(EXACT):  # rows that are built only now may have sums
        await _write(work, filled)


async def _write(work: WriteConnection, filled: Sequence[TableWrite]) -> None:
    if sum(len(one.rows) for one in filled) <= _TOGETHER_MAX:
        await _write_together(work, filled)
        return
    # Few rows between two COPYs share a statement, because each statement is a round trip.
    together: list[TableWrite] = []
    for one in filled:
        if isinstance(one, Insert):
            await _write_together(work, together)
            together = []
            await copy(work, one.model, one.columns, _parts(one))
        else:
            together.append(one)
    await _write_together(work, together)


async def copy(
    work: WriteConnection, model: type[SQLModel], columns: tuple[str, ...], parts: AsyncIterator[Sequence[Row]]
) -> None:
    """Insert rows of text, numbers, truth values and nulls. PostgreSQL stores a part while the next one is made."""
    await work.copy(table_of(model).name, columns, (csv(rows) async for rows in parts if rows))


async def _write_together(work: WriteConnection, writes: Sequence[TableWrite]) -> None:
    if writes:
        key = tuple(one.key for one in writes)
        if (statement := _STATEMENTS.get(key)) is None:
            steps = [one.sql(place) for place, one in enumerate(writes, 1)]
            named = ", ".join(f"step{place} AS ({step})" for place, step in enumerate(steps, 1))
            statement = _STATEMENTS[key] = f"WITH {named} SELECT" if len(steps) > 1 else steps[0]
        await work.execute(statement, *[one.content() for one in writes])


@cache
def _documents_of(model: type[SQLModel], columns: tuple[str, ...]) -> list[str]:
    types = table_of(model).columns
    return [name for name in columns if isinstance(types[name].type, JSONB)]


def _matches(keys: Iterable[str]) -> str:
    return " AND ".join(f"t.{name} = s.{name}" for name in keys)


async def _parts(write: TableWrite) -> AsyncIterator[Sequence[Row]]:
    for first in range(0, len(write.rows), _PART_ROWS):
        yield [*map(write.row, write.rows[first : first + _PART_ROWS])]


def csv(rows: Sequence[Sequence[Any]]) -> bytes:
    r"""Rows as CSV with `"` for quotes, `\` to escape, and `null`."""
    lines = _encoder.encode_lines(rows)
    if _OTHER_ESCAPES.search(lines):  # or what looks like one: right either way
        # JSON has names for control characters; CSV contains them unescaped.
        return b"".join(map(_line, rows))
    # A line break within a text would be escaped, so this one separates rows.
    return lines[1:-2].replace(b"]\n[", b"\n") + b"\n"


def _line(row: Sequence[Any]) -> bytes:
    fields = [quoted(value).encode() if isinstance(value, str) else _encoder.encode(value) for value in row]
    return b",".join(fields) + b"\n"
