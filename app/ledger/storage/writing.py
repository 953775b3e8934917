"""Writing rows to several tables: few by one statement for all of them, many by COPY where they are new.

A statement takes the rows of each table as one JSON text.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import asyncpg
import msgspec
from msgspec import Raw
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

from app.database import WriteConnection
from app.ledger.storage.copying import copy_rows
from app.ledger.storage.row_mapping import Row, key_of, table_of

CANNOT_BE_STORED = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
"""What PostgreSQL says of content that it cannot hold, though it is well-formed: a number that no `numeric` takes,
nesting beyond its stack."""

_TOGETHER_MAX = 300
"""Rows beyond which a COPY for each table costs less than one statement for all (docs/adr/0016)."""
_json = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Part:
    """Rows of one table, with their values in the order of `columns`: of JSON and of lists PostgreSQL's text.

    A document of JSON is not `null`: that is a column without one.
    """

    model: type[SQLModel]
    columns: tuple[str, ...]
    rows: Sequence[Row]

    @property
    def shape(self) -> "Shape":
        """What makes the statement."""
        raise NotImplementedError

    def content(self) -> bytes:
        """The rows as JSON."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        for name in _documents_of(self.model, self.columns):
            for row in rows:
                row[name] = Raw(row[name] or "null")
        return _json(rows)


class Insert(Part):
    """Rows that are known to be new."""

    @property
    def shape(self) -> "Shape":
        """What makes the statement."""
        return _insert_sql, (self.model, self.columns)


class Update(Part):
    """Rows that are known to exist: all columns but the key's are replaced."""

    @property
    def shape(self) -> "Shape":
        """What makes the statement."""
        return _update_sql, (self.model, self.columns)


class Delete(Part):
    """Rows to delete; the columns are those of the primary key."""

    @property
    def shape(self) -> "Shape":
        """What makes the statement."""
        return _delete_sql, (self.model, self.columns)


@dataclass(slots=True)
class Merge(Part):
    """Rows to insert, or to update where their primary key exists: columns in `add` are added to what is there.

    `add_trimmed` does so and drops the zeros that quotients leave behind the last digit. `least` and `greatest` keep
    the smaller or larger value; all other columns are replaced.
    """

    add: tuple[str, ...] = ()
    add_trimmed: tuple[str, ...] = ()
    least: tuple[str, ...] = ()
    greatest: tuple[str, ...] = ()

    @property
    def shape(self) -> "Shape":
        """What makes the statement."""
        return _merge_sql, (self.model, self.columns, self.add, self.add_trimmed, self.least, self.greatest)

    def content(self) -> bytes:
        """Rows in the order of their keys, so that two transactions lock them in the same order."""
        keys = [self.columns.index(name) for name in key_of(self.model)]
        self.rows = sorted(self.rows, key=lambda row: [str(row[key]) for key in keys])
        return Part.content(self)


Shape: TypeAlias = tuple[Callable[..., str], tuple[Any, ...]]


async def write(work: WriteConnection, parts: Iterable[Part]) -> None:
    """Write to several tables; no two parts have the same row."""
    filled = [part for part in parts if part.rows]
    if sum(len(part.rows) for part in filled) <= _TOGETHER_MAX:
        await _write_together(work, filled)
        return
    # Few rows between two COPYs share a statement: each statement is a round trip.
    together: list[Part] = []
    for part in filled:
        if isinstance(part, Insert):
            await _write_together(work, together)
            together = []
            await copy_rows(work, table_of(part.model).name, part.columns, part.rows)
        else:
            together.append(part)
    await _write_together(work, together)


async def _write_together(work: WriteConnection, filled: Sequence[Part]) -> None:
    if filled:
        statement = _together_sql(tuple(part.shape for part in filled))
        await work.execute(statement, *[part.content() for part in filled])


@cache
def _documents_of(model: type[SQLModel], columns: tuple[str, ...]) -> list[str]:
    types = table_of(model).columns
    return [name for name in columns if isinstance(types[name].type, JSONB)]


@cache
def _together_sql(shapes: tuple[Shape, ...]) -> str:
    if len(shapes) == 1:
        make, shape = shapes[0]
        return make(1, *shape)
    steps = ", ".join(f"step{place} AS ({make(place, *shape)})" for place, (make, shape) in enumerate(shapes, 1))
    return f"WITH {steps} SELECT"


def _merge_sql(
    place: int,
    model: type[SQLModel],
    columns: tuple[str, ...],
    add: tuple[str, ...],
    add_trimmed: tuple[str, ...],
    least: tuple[str, ...],
    greatest: tuple[str, ...],
) -> str:
    keys = key_of(model)
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
    return f"{_insert_sql(place, model, columns)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(changes)}"


def _insert_sql(place: int, model: type[SQLModel], columns: tuple[str, ...]) -> str:
    listed = ", ".join(columns)
    return f"INSERT INTO {table_of(model).name} AS t ({listed}) SELECT {listed} FROM {_source(place, model)}"


def _update_sql(place: int, model: type[SQLModel], columns: tuple[str, ...]) -> str:
    keys = key_of(model)
    changes = ", ".join(f"{name} = s.{name}" for name in columns if name not in keys)
    matched = " AND ".join(f"t.{name} = s.{name}" for name in keys)
    return f"UPDATE {table_of(model).name} t SET {changes} FROM {_source(place, model)} WHERE {matched}"


def _delete_sql(place: int, model: type[SQLModel], columns: tuple[str, ...]) -> str:
    matched = " AND ".join(f"t.{name} = s.{name}" for name in columns)
    return f"DELETE FROM {table_of(model).name} t USING {_source(place, model)} WHERE {matched}"


def _source(place: int, model: type[SQLModel]) -> str:
    return f"json_populate_recordset(NULL::{table_of(model).name}, ${place}::json) s"
