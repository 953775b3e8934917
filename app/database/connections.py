"""Connections: reads and writes are different types, so the type checker stops a write in a read.

Everything runs over asyncpg, in UTC, with ISO dates and a statement timeout.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from app.database.pool import Pool
from app.database.protection import assume_service_role
from app.errors import DatabaseUnavailable

_LOST = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # What asyncpg says between the server's last message and the end of the connection.
    asyncpg.InternalClientError,
)
"""What a statement meets when its connection goes."""
UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What somebody meets who connects: whatever PostgreSQL has against it (too many connections, a password that was
changed, a database that takes none), there is none."""


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

    async def cursor(self, sql: str, *arguments: Any, prefetch: int = 1000) -> AsyncIterator[asyncpg.Record]:
        """Rows one by one, in constant memory; only inside a transaction."""
        async for row in self._raw.cursor(sql, *arguments, prefetch=prefetch):
            yield row


class WriteConnection(ReadConnection):
    """One transaction: nothing of it stays unless `commit` is called."""

    def __init__(self, raw: asyncpg.Connection) -> None:
        super().__init__(raw)
        self.is_finished = False

    async def execute(self, sql: str, *arguments: Any) -> str:
        """Run a statement; answers PostgreSQL's command tag."""
        return await self._raw.execute(sql, *arguments)

    async def copy(self, table: str, columns: Sequence[str], source: AsyncIterator[bytes]) -> None:
        r"""COPY rows into a table, as CSV with `"` for quotes, `\` to escape, and `null`.

        Raises ConnectionResetError where the connection goes while PostgreSQL is not reading: asyncpg would wait on.
        """
        copying = asyncio.create_task(
            self._raw.copy_to_table(
                table, source=source, columns=list(columns), format="csv", quote='"', escape="\\", null="null"
            )
        )
        is_lost = False

        def give_up(_: object) -> None:
            nonlocal is_lost
            is_lost = True
            copying.cancel()

        self._raw.add_termination_listener(give_up)
        try:
            await copying
        except (Exception, asyncio.CancelledError) as error:
            if is_lost:
                raise ConnectionResetError from error
            raise
        finally:
            with suppress(asyncpg.InterfaceError):  # what a lost connection says of everything
                self._raw.remove_termination_listener(give_up)

    async def commit(self) -> None:
        """Make the transaction's effects last; the connection takes no further statements."""
        self.is_finished = True
        await self._raw.execute("COMMIT")


# The ledger finds rows by their keys, a few or a few thousand at a time, in tables that grow while a statement stays
# prepared. A plan made while they were small (scan it; any index will do) becomes ruinous, so
# each time it is planned anew, and by keys only.
_BY_KEYS = {
    "plan_cache_mode": "force_custom_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_PLANNED_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan"
# A question nests as deep as its asker likes. Joins are written in an order that is right; to try all others takes time
# that grows with their factorial.
_CHANGES_NOTHING = {
    "default_transaction_read_only": "on",
    "join_collapse_limit": "1",
    "from_collapse_limit": "1",
}


class Database:
    """The process's pools of connections: PostgreSQL itself refuses a write on one that reads.

    Where the URL names several hosts, readers may be connected to one that lags behind the one that is written to:
    `latest` are readers that are not.
    """

    def __init__(self, readers: Pool, writers: Pool, latest: Pool) -> None:
        """`latest` may be the readers' own."""
        self._readers = readers
        self._writers = writers
        self._latest = latest
        self.committed: Callable[[], None] = _nobody_cares
        """Called after each commit."""

    @classmethod
    async def open(cls, url: str, limits: PoolLimits | None = None) -> "Database":
        """Connect. `url` is a libpq URL and may name several hosts. Raises DatabaseUnavailable."""
        limits = limits or PoolLimits()
        readers = await cls._open_pool(url, limits, SessionAttribute.any, _CHANGES_NOTHING)
        try:
            writers = await cls._open_pool(url, limits, SessionAttribute.read_write, _BY_KEYS)
            latest = readers
            if _names_several_hosts(url):
                latest = await cls._open_pool(url, limits, SessionAttribute.primary, _CHANGES_NOTHING)
        except BaseException:
            await readers.close()
            raise
        return cls(readers, writers, latest)

    @staticmethod
    async def _open_pool(url: str, limits: PoolLimits, host: SessionAttribute, settings: dict[str, str]) -> Pool:
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=0,
                max_size=limits.size_max,
                timeout=limits.connect_timeout_seconds,
                init=prepare,
                reset=_leave_as_it_is,
                target_session_attrs=host,
                # Bounded by bytes too: what a client asks in a megabyte of SQL is not kept in every connection.
                statement_cache_size=100,
                max_cacheable_statement_size=16 * 1024,
                server_settings={
                    "application_name": "purser",
                    "timezone": "UTC",
                    "datestyle": "ISO",
                    "jit": "off",
                    "statement_timeout": f"{int(limits.statement_timeout_seconds * 1000)}",
                    "lock_timeout": f"{int(limits.lock_timeout_seconds * 1000)}",
                    "idle_in_transaction_session_timeout": "60000",
                    **settings,
                },
            )
        except UNREACHABLE as error:
            raise DatabaseUnavailable(f"Cannot connect to the database: {error}") from error
        return Pool(pool, limits.acquire_timeout_seconds)

    async def close(self) -> None:
        """Close all connections, waiting shortly for those in use."""
        await asyncio.gather(*(pool.close() for pool in {self._readers, self._writers, self._latest}))

    def read(self) -> "Reading":
        """`async with`: a connection for single statements. Raises DatabaseUnavailable."""
        return Reading(self._readers)

    def read_latest(self) -> "Reading":
        """As `read`, of the host that is written to: what was committed is seen. Raises DatabaseUnavailable."""
        return Reading(self._latest)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[ReadConnection]:
        """A read-only transaction in which every statement sees the same state."""
        async with _taken(self._readers) as raw, raw.transaction(isolation="repeatable_read", readonly=True):
            await raw.execute("SET LOCAL statement_timeout = 0")
            yield ReadConnection(raw)

    @asynccontextmanager
    async def unit_of_work(self, *, is_planned_once: bool = False) -> AsyncIterator[WriteConnection]:
        """One transaction, rolled back unless the block calls `commit`. Raises DatabaseUnavailable.

        `is_planned_once`: each statement has one plan for all values and all times, for what is asked often and small.
        """
        async with _taken(self._writers) as raw:
            await raw.execute(f"BEGIN; {_PLANNED_ONCE}" if is_planned_once else "BEGIN")
            work = WriteConnection(raw)
            try:
                yield work
            finally:
                if not work.is_finished and not _is_gone(raw):
                    await raw.execute("ROLLBACK")
        if work.is_finished:
            self.committed()


class Reading:
    """Takes a connection for the block, and gives it back. A class: a generator would cost three times as much."""

    __slots__ = ("_pool", "_raw")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> ReadConnection:
        try:
            self._raw = await self._pool.take()
        except UNREACHABLE as error:
            raise DatabaseUnavailable from error
        return ReadConnection(self._raw)

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        # Asked first: of a connection that was given back everybody says that it is gone.
        is_lost = error is not None and _is_lost(error, self._raw)
        await self._pool.give(self._raw, is_in_order=error is None)
        if is_lost:
            raise DatabaseUnavailable from error


@asynccontextmanager
async def _taken(pool: Pool) -> AsyncIterator[asyncpg.Connection]:
    """A connection for transactions."""
    try:
        raw = await pool.take()
    except UNREACHABLE as error:
        raise DatabaseUnavailable from error
    is_in_order = False
    try:
        yield raw
        is_in_order = True
    except Exception as error:
        if _is_lost(error, raw):
            raise DatabaseUnavailable from error
        raise
    finally:
        await pool.give(raw, is_in_order=is_in_order)


def _is_lost(error: BaseException, raw: Any) -> bool:
    """Whether the connection went.

    InterfaceError is also what asyncpg says of wrong arguments, a fault of ours; RuntimeError what uvloop says of a
    closed socket.
    """
    return isinstance(error, _LOST) or (isinstance(error, asyncpg.InterfaceError | RuntimeError) and _is_gone(raw))


def _is_gone(raw: Any) -> bool:
    try:
        closed: bool = raw.is_closed()
    except asyncpg.InterfaceError:
        return True  # The pool takes a lost connection back at once, and will not speak of it.
    return closed


def _names_several_hosts(url: str) -> bool:
    """Whether a libpq URL has a list of hosts, before its path or as its parameter."""
    parts = urlsplit(url)
    hosts = [parts.netloc.rpartition("@")[2], *parse_qs(parts.query).get("host", [])]
    return any("," in host for host in hosts)


def _nobody_cares() -> None:
    pass


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """What a connection is set to holds for its life, and every transaction is ended here: nothing to reset."""


async def prepare(connection: asyncpg.Connection) -> None:
    """`json` comes as the bytes that PostgreSQL sent: answers are spliced, not parsed."""
    await assume_service_role(connection)
    await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
