"""SQL of the ledger: statements from the models, lookups by arrays of keys, and several queries in one round trip.

SQLAlchemy compiles statements over one table from the models, once at import (`sql`). Others are text, because
SQLAlchemy cannot express them or would obscure them: lookups by arrays of keys with fences (`join_by`), rows as JSON
(`writing`), comparisons of `jsonb`, and INSERTs that leave defaults to PostgreSQL.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Executable, any_, literal_column
from sqlalchemy.dialects import postgresql

from app.database import ReadConnection

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
Result = TypeVar("Result")
_PLACEHOLDER = re.compile(r"\$(\d+)")


def parameter(number: int) -> ColumnElement[Any]:
    """The statement's parameter `$number`; PostgreSQL infers its type."""
    return literal_column(f"${number}")


def is_any_of(column: ColumnElement[Any], number: int) -> ColumnElement[bool]:
    """Whether the column is an element of the array `$number`."""
    return column == any_(parameter(number))


def sql(statement: Executable) -> str:
    """The statement's text, with its constants."""
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))  # type: ignore[attr-defined]


def array_source(*columns: str) -> str:
    """A FROM item over arrays of text, one parameter per column from `$1` on, with casts: `"strategy_id uuid"`.

    The item has the named columns, and `ordinal`, counted from 1.
    """
    names = [column.split(" ", 1) for column in columns]
    arrays = ", ".join(f"${place}::text[]" for place in range(1, len(names) + 1))
    raw = ", ".join(f"c{place}" for place in range(len(names)))
    casts = ", ".join(f"c{place}::{kind} AS {name}" for place, (name, kind) in enumerate(names))
    return f"(SELECT {casts}, ordinal FROM unnest({arrays}) WITH ORDINALITY AS raw({raw}, ordinal))"


def arrays_of(rows: Iterable[tuple[str, ...]], count: int = 2) -> list[list[str]]:
    """The columns of rows: the arguments of an `array_source` of `count` columns."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]


def join_by(table: str, alias: str, keys: str, *columns: str, also: str = "true") -> str:
    """JOIN a table to the rows of `keys` by these columns of both.

    OFFSET 0 is a fence: with few statistics PostgreSQL may plan a plain join as a lookup by the first column alone and
    scan all rows of a strategy.
    """
    matched = " AND ".join(f"{column} = {keys}.{column}" for column in columns)
    return f"JOIN LATERAL (SELECT * FROM {table} WHERE {matched} AND {also} OFFSET 0) {alias} ON true"


ORDER_KEYS = array_source("strategy_id uuid", "client_order_id text")
POSITION_KEYS = array_source("strategy_id uuid", "position_id text")


def look_up(table: str, keys: str, selected: str = "t.*", *, also: str = "true") -> str:
    """SELECT the rows of a table (alias `t`) by the keys of an `array_source`, whose columns the table has too."""
    columns = re.findall(r"AS (\w+)", keys.partition(" FROM ")[0])
    return f"SELECT {selected} FROM {keys} k {join_by(table, 't', 'k', *columns, also=also)}"


@dataclass(slots=True, frozen=True)
class BatchQuery(Generic[Result]):
    """A SELECT with its arguments (`$1` is the first).

    Rows are read as JSON, with all digits of numbers. `rows` decodes the list of rows, `read` creates the result.
    """

    sql: str
    arguments: Sequence[Any]
    rows: msgspec.json.Decoder[Any]
    read: Callable[[Any], Result]

    async def fetch(self, connection: ReadConnection) -> Result:
        """Run the query in a statement of its own."""
        (result,) = await fetch_all_at_once(connection, self)
        return result  # type: ignore[no-any-return]


async def fetch_all_at_once(connection: ReadConnection, *queries: BatchQuery[Any]) -> list[Any]:
    """The results of the queries, in their order, from one snapshot."""
    arguments = [argument for query in queries for argument in query.arguments]
    counts = tuple(len(query.arguments) for query in queries)
    row = await connection.fetchrow(_together(tuple(query.sql for query in queries), counts), *arguments)
    assert row is not None, "a SELECT without FROM has one row"
    return [query.read(query.rows.decode(text)) for query, text in zip(queries, row, strict=True)]


@cache
def _together(statements: tuple[str, ...], counts: tuple[int, ...]) -> str:
    columns, first = [], 0
    for statement, count in zip(statements, counts, strict=True):
        numbered = _PLACEHOLDER.sub(lambda found, before=first: f"${int(found[1]) + before}", statement)  # type: ignore[misc]
        columns.append(f"(SELECT coalesce(json_agg(q), '[]') FROM ({numbered}) q)")
        first += count
    return f"SELECT {', '.join(columns)}"
