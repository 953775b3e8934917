"""Connections: reads and writes are different types, so the type checker stops a write in a read.

Everything runs over asyncpg; a pool of PostgreSQL connections for the process, each of them in UTC, with ISO
dates and a statement timeout.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from app.errors import DatabaseUnavailable

_UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)


@dataclass(frozen=True)
class PoolLimits:
    """Bounds on what one process may ask of PostgreSQL."""

    size_max: int = 8
    acquire_timeout_seconds: float = 5.0
    connect_timeout_seconds: float = 10.0
    statement_timeout_seconds: float = 15.0
    lock_timeout_seconds: float = 5.0


class ReadConnection:
    """Runs statements that change nothing."""

    def __init__(self, raw: asyncpg.Connection) -> None:
        self._raw = raw

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """All rows."""
        return await self._raw.fetch(sql, *arguments)

    async def fetchrow(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self._raw.fetchrow(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        """The first row's first column, or None."""
        return await self._raw.fetchval(sql, *arguments)

    def cursor(self, sql: str, *arguments: Any, prefetch: int = 1000) -> AsyncIterator[asyncpg.Record]:
        """Rows one by one, in constant memory; only inside a transaction."""
        return self._raw.cursor(sql, *arguments, prefetch=prefetch)  # type: ignore[no-any-return]


class WriteConnection(ReadConnection):
    """One transaction: nothing of it stays unless `commit` is called."""

    def __init__(self, raw: asyncpg.Connection, transaction: asyncpg.transaction.Transaction) -> None:
        super().__init__(raw)
        self._transaction = transaction
        self.is_finished = False

    async def execute(self, sql: str, *arguments: Any) -> str:
        """Run a statement; answers PostgreSQL's command tag."""
        return await self._raw.execute(sql, *arguments)

    async def copy(self, table: str, columns: Sequence[str], source: AsyncIterator[bytes]) -> None:
        """COPY rows in PostgreSQL's text format into a table."""
        await self._raw.copy_to_table(table, source=source, columns=list(columns), format="text")

    async def commit(self) -> None:
        """Make the transaction's effects last; the connection takes no further statements."""
        self.is_finished = True
        await self._transaction.commit()


class Database:
    """The process's pool of connections."""

    def __init__(self, pool: asyncpg.Pool, limits: PoolLimits) -> None:
        self._pool = pool
        self._limits = limits

    @classmethod
    async def open(cls, url: str, limits: PoolLimits | None = None, *, read_only: bool = False) -> "Database":
        """Connect. `url` is a libpq URL and may name several hosts. Raises DatabaseUnavailable."""
        limits = limits or PoolLimits()
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=limits.size_max,
                timeout=limits.connect_timeout_seconds,
                init=_prepare,
                statement_cache_size=1024,
                max_cacheable_statement_size=256 * 1024,
                server_settings={
                    "application_name": "purser",
                    "timezone": "UTC",
                    "datestyle": "ISO",
                    "jit": "off",
                    "statement_timeout": f"{int(limits.statement_timeout_seconds * 1000)}",
                    "lock_timeout": f"{int(limits.lock_timeout_seconds * 1000)}",
                    "idle_in_transaction_session_timeout": "60000",
                    **({"default_transaction_read_only": "on"} if read_only else {}),
                },
            )
        except (*_UNREACHABLE, asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError) as error:
            raise DatabaseUnavailable(f"Cannot connect to the database: {error}") from error
        return cls(pool, limits)

    async def close(self) -> None:
        """Close all connections, waiting shortly for those in use."""
        await self._pool.close()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadConnection]:
        """A connection for single statements. Raises DatabaseUnavailable."""
        async with self._acquired() as raw:
            yield ReadConnection(raw)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[ReadConnection]:
        """A read-only transaction in which every statement sees the same state."""
        async with self._acquired() as raw, raw.transaction(isolation="repeatable_read", readonly=True):
            await raw.execute("SET LOCAL statement_timeout = 0")
            yield ReadConnection(raw)

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[WriteConnection]:
        """One transaction, rolled back unless the block calls `commit`. Raises DatabaseUnavailable."""
        async with self._acquired() as raw:
            transaction = raw.transaction()
            await transaction.start()
            work = WriteConnection(raw, transaction)
            try:
                yield work
            finally:
                if not work.is_finished and not raw.is_closed():
                    await transaction.rollback()

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[asyncpg.Connection]:
        try:
            raw = await self._pool.acquire(timeout=self._limits.acquire_timeout_seconds)
        except _UNREACHABLE as error:
            raise DatabaseUnavailable from error
        try:
            yield raw  # type: ignore[misc]
        except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError) as error:
            raise DatabaseUnavailable from error
        finally:
            await self._pool.release(raw)


async def _prepare(connection: asyncpg.Connection) -> None:
    """`json` comes as the bytes that PostgreSQL sent: answers are spliced, not parsed."""
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
    )
