"""Connections over asyncpg. Reads and writes have different types, so the type checker rejects a write in a read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from app.database.pool import Pool, is_open
from app.database.protection import assume_service_role
from app.errors import DatabaseUnavailable
from app.loop_time import loop_timeout

_LOST = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # Raised between the server's last message and the end of the connection.
    asyncpg.InternalClientError,
)
"""Errors of a statement whose connection is lost."""
UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Errors of connecting, PostgreSQL's refusals included: too many connections, a wrong password."""

LISTENER_TIMEOUT_SECONDS = 3.0
"""For connecting, and for the first statement; in time that the event loop had."""
CONNECT_SECONDS_MAX = 60.0


@dataclass(frozen=True)
class PoolLimits:
    """Limits of one process's connection pools."""

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

    def snapshot(self) -> AbstractAsyncContextManager[object]:
        """A transaction in which all statements see the same state."""
        return self._raw.transaction(isolation="repeatable_read", readonly=True)


class WriteConnection(ReadConnection):
    """One transaction, rolled back unless `commit` is called."""

    def __init__(self, raw: asyncpg.Connection) -> None:
        super().__init__(raw)
        self.is_finished = False

    async def execute(self, sql: str, *arguments: Any) -> str:
        """Run a statement; returns PostgreSQL's command tag."""
        return await self._raw.execute(sql, *arguments)

    async def copy(self, table: str, columns: Sequence[str], source: AsyncIterator[bytes]) -> None:
        r"""COPY rows into a table, as CSV with `"` for quotes, `\` to escape, and `null`.

        Raises ConnectionResetError if the connection is lost while PostgreSQL is not reading: asyncpg would wait.
        """
        copying = asyncio.create_task(
            self._raw.copy_to_table(
                table, source=source, columns=list(columns), format="csv", quote='"', escape="\\", null="null"
            )
        )
        is_lost = False

        def cancel(_: object) -> None:
            nonlocal is_lost
            is_lost = True
            copying.cancel()

        self._raw.add_termination_listener(cancel)
        try:
            await copying
        except (Exception, asyncio.CancelledError) as error:
            if is_lost:
                raise ConnectionResetError from error
            raise
        finally:
            with suppress(asyncpg.InterfaceError):  # raised by every method of a lost connection
                self._raw.remove_termination_listener(cancel)

    async def commit(self) -> None:
        """Commit; the connection accepts no further statements."""
        self.is_finished = True
        await self._raw.execute("COMMIT")


_SESSION = {"application_name": "purser", "timezone": "UTC", "datestyle": "ISO", "jit": "off"}
# The ledger finds rows by key, up to a few thousand at a time, in tables that grow while a statement stays prepared.
# A plan made for small tables (sequential scan, any index) becomes very slow, so statements are planned each time, and
# by keys only.
_BY_KEYS = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
_PLANNED_EACH_TIME = {"plan_cache_mode": "force_custom_plan"}
_PLANNED_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan"
# A query may be nested deeply. Its joins are written in a good order; trying all others takes factorial time.
_READ_ONLY = {
    "default_transaction_read_only": "on",
    "join_collapse_limit": "1",
    "from_collapse_limit": "1",
}


class Database:
    """The process's connection pools. PostgreSQL itself refuses writes on connections of the readers.

    If the URL names several hosts, readers may be connected to a standby that lags behind; `latest` are readers of the
    primary.
    """

    def __init__(self, readers: Pool, writers: Pool, latest: Pool) -> None:
        """`latest` may be the readers' own."""
        self._readers = readers
        self._writers = writers
        self._latest = latest
        self.committed: Callable[[], None] = lambda: None
        """Called after each commit."""

    @classmethod
    async def open(cls, url: str, limits: PoolLimits | None = None) -> "Database":
        """Connect to a libpq URL, which may name several hosts, until `close`. Raises DatabaseUnavailable."""
        limits = limits or PoolLimits()
        readers = await cls._open_pool(url, limits, SessionAttribute.any, _READ_ONLY)
        try:
            writers = await cls._open_pool(url, limits, SessionAttribute.read_write, _PLANNED_EACH_TIME | _BY_KEYS)
            latest = readers
            if _names_several_hosts(url):
                latest = await cls._open_pool(url, limits, SessionAttribute.primary, _READ_ONLY)
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
                reset=_no_reset,
                target_session_attrs=host,
                # Bounded in bytes too: a client's query of a megabyte of SQL is not kept in every connection.
                statement_cache_size=100,
                max_cacheable_statement_size=16 * 1024,
                server_settings={
                    **_SESSION,
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
        """Close all connections, waiting briefly for those in use."""
        await asyncio.gather(*(pool.close() for pool in {self._readers, self._writers, self._latest}))

    async def __aenter__(self) -> "Database":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def read(self) -> "Acquired":
        """`async with`: a connection for single statements. Raises DatabaseUnavailable."""
        return Acquired(self._readers)

    def read_latest(self) -> "Acquired":
        """As `read`, on the primary: everything committed is visible. Raises DatabaseUnavailable."""
        return Acquired(self._latest)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[ReadConnection]:
        """A read-only transaction in which all statements see the same state."""
        async with Acquired(self._readers) as connection, connection.snapshot():
            await connection.fetch("SET LOCAL statement_timeout = 0")
            yield connection

    @asynccontextmanager
    async def unit_of_work(self, *, is_planned_once: bool = False) -> AsyncIterator[WriteConnection]:
        """One transaction, rolled back unless the block calls `commit`. Raises DatabaseUnavailable.

        `is_planned_once`: statements keep one generic plan, for small ones that run often.
        """
        async with Acquired(self._writers) as connection:
            raw = connection._raw
            await raw.execute(f"BEGIN; {_PLANNED_ONCE}" if is_planned_once else "BEGIN")
            work = WriteConnection(raw)
            try:
                yield work
            except BaseException:
                if not work.is_finished and is_open(raw):
                    # Refused in the middle of a statement. The release resets or replaces the connection.
                    with suppress(asyncpg.InterfaceError):
                        await raw.execute("ROLLBACK")
                raise
            if not work.is_finished and is_open(raw):
                await raw.execute("ROLLBACK")
        if work.is_finished:
            self.committed()


class Acquired:
    """Acquires a connection for the block. A class, because a generator would cost three times as much."""

    __slots__ = ("_pool", "_raw")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> ReadConnection:
        try:
            self._raw = await self._pool.acquire()
        except UNREACHABLE as error:
            raise DatabaseUnavailable from error
        return ReadConnection(self._raw)

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        # Checked before the release: a released connection always reports that it is closed.
        is_lost = error is not None and _is_lost(error, self._raw)
        await self._pool.release(self._raw, is_healthy=error is None)
        if is_lost:
            raise DatabaseUnavailable from error


def _is_lost(error: BaseException, raw: Any) -> bool:
    """asyncpg also raises InterfaceError for wrong arguments, uvloop RuntimeError for a closed socket."""
    return isinstance(error, _LOST) or (isinstance(error, asyncpg.InterfaceError | RuntimeError) and not is_open(raw))


def _names_several_hosts(url: str) -> bool:
    """Whether a libpq URL lists several hosts, in its authority or as a parameter."""
    parts = urlsplit(url)
    hosts = [parts.netloc.rpartition("@")[2], *parse_qs(parts.query).get("host", [])]
    return any("," in host for host in hosts)


async def _no_reset(_: asyncpg.Connection) -> None:
    """Nothing to reset: session settings are never changed, and every transaction is ended in this module."""


async def prepare(connection: asyncpg.Connection) -> None:
    """Take the service's role, and read `json` as the bytes that PostgreSQL sent: responses are not parsed."""
    await assume_service_role(connection)
    await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")


class ListeningConnection(ReadConnection):
    """Reads, listens on a channel, and notifies its other listeners."""

    def __init__(self, raw: asyncpg.Connection, channel: str) -> None:
        super().__init__(raw)
        self._channel = channel

    async def notify(self) -> None:
        """Notify all listeners of the channel."""
        await self._raw.execute(f"NOTIFY {self._channel}")


@asynccontextmanager
async def listening(url: str, channel: str, woken: Callable[[], None]) -> AsyncIterator[ListeningConnection]:
    """A connection to the primary without statement timeout; NOTIFYs of others call `woken`. Raises UNREACHABLE."""
    async with loop_timeout(LISTENER_TIMEOUT_SECONDS):
        raw = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS_MAX,
            server_settings=_SESSION | _BY_KEYS | {"default_transaction_read_only": "on"},
            target_session_attrs=SessionAttribute.primary,
        )
    try:
        own_pid = raw.get_server_pid()

        def heard(_: object, pid: int, *__: object) -> None:
            if pid != own_pid:
                woken()

        async with loop_timeout(LISTENER_TIMEOUT_SECONDS):
            await prepare(raw)
            await raw.add_listener(channel, heard)
        yield ListeningConnection(raw, channel)
    finally:
        # Not `close`, which would wait for an answer of a server that may be gone.
        raw.terminate()
