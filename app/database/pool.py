"""A connection pool on top of asyncpg's, with a fast path.

asyncpg's pool starts a task and a timer for each acquire and release: a tenth of a millisecond, as long as a whole
look-up by key. Here a healthy connection is kept idle for the next caller; asyncpg's pool still opens, bounds, replaces
and closes connections.
"""

import logging
import time
from contextlib import suppress

import asyncpg

_LOG = logging.getLogger("purser.database")

RELEASE_SECONDS_MAX = 5.0
"""How long asyncpg may take to reset a connection."""
IDLE_SECONDS_MAX = 60.0
"""A connection idle for longer may have been cut silently by the network, and is replaced."""


class Pool:
    """Connections with the same options, as many as asyncpg's pool allows."""

    def __init__(self, pool: asyncpg.Pool, acquire_timeout_seconds: float) -> None:
        self._pool = pool
        self._timeout = acquire_timeout_seconds
        self._idle: list[tuple[asyncpg.Connection, float]] = []
        self._waiting = 0

    async def acquire(self) -> asyncpg.Connection:
        """A connection for the caller's exclusive use. Raises TimeoutError and the errors of connecting."""
        while self._idle:
            connection, since = self._idle.pop()
            if is_open(connection):
                if time.monotonic() - since <= IDLE_SECONDS_MAX:
                    return connection
                connection.terminate()
            await self._pool.release(connection)  # type: ignore[arg-type]
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._timeout)  # type: ignore[return-value]
        finally:
            self._waiting -= 1

    async def release(self, connection: asyncpg.Connection, *, is_healthy: bool) -> None:
        """Return a connection. `is_healthy` is false after an error: asyncpg resets or replaces the connection."""
        if is_healthy and not self._waiting and is_open(connection):
            self._idle.append((connection, time.monotonic()))
            return
        try:
            await self._pool.release(connection, timeout=RELEASE_SECONDS_MAX)  # type: ignore[arg-type]
        except Exception:
            # Busy or cut: the connection's user has raised the error that matters.
            _LOG.debug("a connection could not be reset", exc_info=True)
            with suppress(asyncpg.InterfaceError):  # asyncpg has cut it already
                connection.terminate()

    async def close(self) -> None:
        """Close all connections, waiting for those in use."""
        idle, self._idle = self._idle, []
        self._waiting += 1  # from now on no connection is kept idle
        for connection, _ in idle:
            await self._pool.release(connection)  # type: ignore[arg-type]
        await self._pool.close()


def is_open(connection: asyncpg.Connection) -> bool:
    """Whether an acquired connection is still open."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False  # closed, and released by asyncpg's pool already
