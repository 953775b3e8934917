"""Asking PostgreSQL several questions at once: a round trip costs more than most answers do."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from app.database import ReadConnection

Result = TypeVar("Result")
_PLACEHOLDER = re.compile(r"\$(\d+)")


@dataclass(slots=True, frozen=True)
class BatchQuery(Generic[Result]):
    """A SELECT with its arguments (`$1` is the first), and what becomes of its rows.

    Rows come as JSON, their numbers with every digit: `rows` decodes the list of them, `read` makes the answer.
    """

    sql: str
    arguments: Sequence[Any]
    rows: msgspec.json.Decoder[Any]
    read: Callable[[Any], Result]


async def fetch_all_at_once(connection: ReadConnection, *queries: BatchQuery[Any]) -> list[Any]:
    """The answers, in the order of the queries, as of one moment."""
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
