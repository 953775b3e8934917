"""Writing rows to several tables: few rows in one statement for all tables, many new rows by COPY.

A line of COPY is CSV that is JSON without its brackets: the JSON encoder writes a row ten times as fast as joining its
fields.

The SQL is made from the models' columns, once for each combination of tables. SQLAlchemy's own inserts take one
parameter a value; here the rows of a table are one JSON parameter, which `json_populate_recordset` casts to the table's
types. That way is the faster one (ADR 0016).
"""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import asyncpg
import msgspec
from msgspec import Raw
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

from app.database import WriteConnection
from app.ledger.storage.row_mapping import Row, key_of, quoted, table_of

CANNOT_BE_STORED = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
"""PostgreSQL's errors for well-formed content beyond its bounds: of `numeric`, of the nesting of JSON."""

StatementKey: TypeAlias = tuple[Any, ...]
"""What determines a statement: the class of the write, the model, the columns and what is special to the class."""

_TOGETHER_MAX = 300
"""Rows beyond which a COPY for each table costs less than one statement for all (ADR 0016)."""
_CHUNK_ROWS = 200
_OTHER_ESCAPES = re.compile(rb'\\[^"\\]')
_encoder = msgspec.json.Encoder()
_json = _encoder.encode


@dataclass(slots=True)
class TableWrite:
    """Rows for one table, each with its values in the order of `columns`.

    Lists and JSON documents are PostgreSQL's text. A document cannot be JSON's `null`: None is a column without one.
    """

    model: type[SQLModel]
    columns: tuple[str, ...]
    rows: Sequence[Row]

    @property
    def statement_key(self) -> StatementKey:
        """Determines the statement, whatever the rows."""
        return type(self), self.model, self.columns

    @classmethod
    def sql(cls, place: int, model: type[SQLModel], columns: tuple[str, ...]) -> str:
        """The statement, with the rows as its parameter number `place`."""
        raise NotImplementedError

    def content(self) -> bytes:
        """The rows as JSON objects."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        for name in _documents_of(self.model, self.columns):
            for row in rows:
                row[name] = Raw(row[name] or "null")
        return _json(rows)


class Insert(TableWrite):
    """Rows that are known to be new."""

    @classmethod
    def sql(cls, place: int, model: type[SQLModel], columns: tuple[str, ...]) -> str:
        """An INSERT that fails where a row exists."""
        listed = ", ".join(columns)
        return f"INSERT INTO {table_of(model).name} AS t ({listed}) SELECT {listed} FROM {_source(place, model)}"


class Update(TableWrite):
    """Rows that are known to exist. All columns except the key's are replaced."""

    @classmethod
    def sql(cls, place: int, model: type[SQLModel], columns: tuple[str, ...]) -> str:
        """An UPDATE by primary key."""
        keys = key_of(model)
        changes = ", ".join(f"{name} = s.{name}" for name in columns if name not in keys)
        return f"UPDATE {table_of(model).name} t SET {changes} FROM {_source(place, model)} WHERE {_matches(keys)}"


class Delete(TableWrite):
    """Rows to delete. The columns are those of the primary key."""

    @classmethod
    def sql(cls, place: int, model: type[SQLModel], columns: tuple[str, ...]) -> str:
        """A DELETE by primary key."""
        return f"DELETE FROM {table_of(model).name} t USING {_source(place, model)} WHERE {_matches(columns)}"


@dataclass(slots=True)
class Merge(TableWrite):
    """Rows to insert, or to update where their primary key exists.

    An update adds the columns in `add` to the stored values. `add_trimmed` does so and drops the trailing zeros that
    quotients leave. `least` and `greatest` keep the smaller or larger value. Other columns are replaced.
    """

    add: tuple[str, ...] = ()
    add_trimmed: tuple[str, ...] = ()
    least: tuple[str, ...] = ()
    greatest: tuple[str, ...] = ()

    @property
    def statement_key(self) -> StatementKey:
        """Determines the statement, whatever the rows."""
        return type(self), self.model, self.columns, self.add, self.add_trimmed, self.least, self.greatest

    @classmethod
    def sql(
        cls,
        place: int,
        model: type[SQLModel],
        columns: tuple[str, ...],
        add: tuple[str, ...] = (),
        add_trimmed: tuple[str, ...] = (),
        least: tuple[str, ...] = (),
        greatest: tuple[str, ...] = (),
    ) -> str:
        """An INSERT ... ON CONFLICT (primary key) DO UPDATE."""
        values = dict.fromkeys(columns, "excluded.{0}")
        values |= dict.fromkeys(add, "t.{0} + excluded.{0}")
        values |= dict.fromkeys(add_trimmed, "trim_scale(t.{0} + excluded.{0})")
        values |= dict.fromkeys(least, "least(t.{0}, excluded.{0})")
        values |= dict.fromkeys(greatest, "greatest(t.{0}, excluded.{0})")
        keys = key_of(model)
        changes = ", ".join(f"{name} = {value.format(name)}" for name, value in values.items() if name not in keys)
        return f"{Insert.sql(place, model, columns)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"

    def content(self) -> bytes:
        """The rows as JSON objects in the order of their keys: two transactions lock them in the same order."""
        keys = [self.columns.index(name) for name in key_of(self.model)]
        self.rows = sorted(self.rows, key=lambda row: [str(row[key]) for key in keys])
        return TableWrite.content(self)


async def write(work: WriteConnection, writes: Iterable[TableWrite]) -> None:
    """Write to several tables. No two of `writes` may have the same row."""
    filled = [one for one in writes if one.rows]
    if sum(len(one.rows) for one in filled) <= _TOGETHER_MAX:
        await _write_together(work, filled)
        return
    # Few rows between two COPYs share a statement: each statement is a round trip.
    together: list[TableWrite] = []
    for one in filled:
        if isinstance(one, Insert):
            await _write_together(work, together)
            together = []
            await _copy(work, table_of(one.model).name, one.columns, one.rows)
        else:
            together.append(one)
    await _write_together(work, together)


async def _write_together(work: WriteConnection, writes: Sequence[TableWrite]) -> None:
    if writes:
        statement = _statement(tuple(one.statement_key for one in writes))
        await work.execute(statement, *[one.content() for one in writes])


@cache
def _statement(keys: tuple[StatementKey, ...]) -> str:
    statements = [kind.sql(place, *rest) for place, (kind, *rest) in enumerate(keys, 1)]
    if len(statements) == 1:
        return str(statements[0])
    steps = ", ".join(f"step{place} AS ({statement})" for place, statement in enumerate(statements, 1))
    return f"WITH {steps} SELECT"


@cache
def _documents_of(model: type[SQLModel], columns: tuple[str, ...]) -> list[str]:
    types = table_of(model).columns
    return [name for name in columns if isinstance(types[name].type, JSONB)]


def _matches(keys: Iterable[str]) -> str:
    return " AND ".join(f"t.{name} = s.{name}" for name in keys)


def _source(place: int, model: type[SQLModel]) -> str:
    return f"json_populate_recordset(NULL::{table_of(model).name}, ${place}::json) s"


async def _copy(work: WriteConnection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """COPY rows of text, numbers, truth values and nulls, in the order of `columns`.

    Rows are encoded as they are sent: PostgreSQL stores the first chunk while the next is encoded.
    """
    await work.copy(table, columns, _chunks(rows))


async def _chunks(rows: Sequence[Sequence[Any]]) -> AsyncIterator[bytes]:
    for first in range(0, len(rows), _CHUNK_ROWS):
        yield csv(rows[first : first + _CHUNK_ROWS])


def csv(rows: Sequence[Sequence[Any]]) -> bytes:
    r"""Rows as CSV with `"` for quotes, `\` to escape, and `null`."""
    lines = _encoder.encode_lines(rows)
    if _OTHER_ESCAPES.search(lines):  # or what looks like one: right either way
        # JSON has names for control characters, CSV takes them as they are.
        return b"".join(map(_line, rows))
    # A line's end within a text would have been escaped: this is between rows.
    return lines[1:-2].replace(b"]\n[", b"\n") + b"\n"


def _line(row: Sequence[Any]) -> bytes:
    fields = [quoted(value).encode() if isinstance(value, str) else _encoder.encode(value) for value in row]
    return b",".join(fields) + b"\n"
