"""Compiled queries: SQL text, cached by `ReadQuery`, and how it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from app.database import Database
from app.errors import BadInputError, QueryTimeout
from app.principal import Principal
from app.reads.compiler import build_statement
from app.reads.entity import Entity
from app.reads.query import ReadQuery, ResultFormat

STATEMENTS_MAX = 1024
"""Most statements kept; the least recently used one goes."""

_DIALECT = dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """SQL text with $1, $2, ... and the slot of each."""

    sql: str
    slots: tuple[int, ...]

    async def rows(
        self, database: Database, principal: Principal, values: Sequence[Any], *, is_latest: bool = False
    ) -> Sequence[Any]:
        """Run the statement; the strategies that the principal may see follow the values.

        `is_latest`: on the primary, so that it sees what was just written.
        Raises BadInputError, DatabaseUnavailable, QueryTimeout.
        """
        for value in values:
            _check_text(value)
        if principal.strategy_ids is not None:
            values = [*values, list(principal.strategy_ids)]
        try:
            async with database.read_latest() if is_latest else database.read() as connection:
                return await connection.fetch(self.sql, *[values[slot] for slot in self.slots])
        except asyncpg.QueryCanceledError as error:
            raise QueryTimeout from error
        except asyncpg.InvalidParameterValueError as error:
            # Only a time zone that is newer than PostgreSQL's data has a value that PostgreSQL looks up and may refuse.
            raise BadInputError(f"PostgreSQL refuses a value: {error}.") from error


class Answer(NamedTuple):
    """JSON as PostgreSQL wrote it; `total` of a counted ARRAY, else None."""

    body: bytes
    total: int | None


class OwnedObject(NamedTuple):
    """One object and the strategy it belongs to; NO_STRATEGY if it belongs to none, like an instrument."""

    strategy_id: UUID
    body: bytes


@lru_cache(maxsize=STATEMENTS_MAX)
def compiled_query(entity: Entity, query: ReadQuery, is_scoped: bool = False) -> CompiledQuery:
    """The compiled query; a scoped one shows only the strategies in the slot SCOPE."""
    return compile_statement(build_statement(entity, query, is_scoped=is_scoped))


def compile_statement(statement: Select[Any]) -> CompiledQuery:
    """A statement as text, its parameters (`v0`, `v1`, ...) as slots."""
    compiled = statement.compile(dialect=_DIALECT)
    return CompiledQuery(str(compiled), tuple(int(name[1:]) for name in compiled.positiontup or ()))


async def answer(
    database: Database, principal: Principal, entity: Entity, query: ReadQuery, values: Sequence[Any] = ()
) -> Answer:
    """Run a query of format ARRAY, CONNECTION or ONE. Raises BadInputError, DatabaseUnavailable, QueryTimeout."""
    # An aggregate or a constant: always one row.
    (row,) = await compiled_query(entity, query, principal.is_bound).rows(database, principal, values)
    return Answer(row[0], row[1] if query.format is ResultFormat.ARRAY and query.is_counted else None)


async def fetch_objects(
    database: Database, principal: Principal, entity: Entity, query: ReadQuery, values: Sequence[Any] = ()
) -> list[OwnedObject]:
    """Run a query of format EACH. Raises BadInputError, DatabaseUnavailable, QueryTimeout."""
    rows = await compiled_query(entity, query, principal.is_bound).rows(database, principal, values)
    return [OwnedObject(row[0], row[1]) for row in rows]


async def fetch_by_keys(
    database: Database, principal: Principal, entity: Entity, query: ReadQuery, values: Sequence[Any]
) -> list[bytes | None]:
    """Run a query of format KEYED on the primary; in the order of the keys.

    Raises BadInputError, DatabaseUnavailable, QueryTimeout.
    """
    compiled = compiled_query(entity, query, principal.is_bound)
    return [row[0] for row in await compiled.rows(database, principal, values, is_latest=True)]


def _check_text(value: Any) -> None:
    """Raises BadInputError for NUL and for half a surrogate pair: PostgreSQL stores neither."""
    if isinstance(value, str):
        if "\x00" in value:
            raise BadInputError("A text must not contain the character NUL.")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise BadInputError("A text is not valid Unicode.") from error
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
