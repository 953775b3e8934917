"""A pool that hands connections on at once.

asyncpg's own starts a task and a timer each time a connection is taken and given back: a tenth of a millisecond, as
long as a look-up by key takes altogether. Here a connection in good order is kept aside for the next taker; asyncpg's
pool still opens, bounds, replaces and closes them.
"""

import logging
import time
from contextlib import suppress

import asyncpg

_LOG = logging.getLogger("purser.database")

RELEASE_SECONDS_MAX = 5.0
"""How long asyncpg may take to bring a connection back into order."""
IDLE_SECONDS_MAX = 60.0
"""A connection left aside for longer may have been cut silently on the way: it is replaced."""


class Pool:
    """Connections of one kind, as many as asyncpg's pool allows."""

    def __init__(self, pool: asyncpg.Pool, acquire_timeout_seconds: float) -> None:
        self._pool = pool
        self._timeout = acquire_timeout_seconds
        self._aside: list[tuple[asyncpg.Connection, float]] = []
        self._waiting = 0

    async def take(self) -> asyncpg.Connection:
        """A connection of one's own, until it is given back. Raises TimeoutError and what connecting raises."""
        while self._aside:
            connection, since = self._aside.pop()
            if _is_open(connection):
                if time.monotonic() - since <= IDLE_SECONDS_MAX:
                    return connection
                connection.terminate()
            await self._pool.release(connection)  # type: ignore[arg-type]
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._timeout)  # type: ignore[return-value]
        finally:
            self._waiting -= 1

    async def give(self, connection: asyncpg.Connection, *, is_in_order: bool) -> None:
        """Give it back; whoever waits has it next. After an error asyncpg looks after it."""
        if is_in_order and not self._waiting and _is_open(connection):
            self._aside.append((connection, time.monotonic()))
            return
        try:
            await self._pool.release(connection, timeout=RELEASE_SECONDS_MAX)  # type: ignore[arg-type]
        except Exception:
            # In the middle of something, or cut: whoever used it knows what went wrong, and that is what counts.
            _LOG.debug("a connection was not given back in order", exc_info=True)
            with suppress(asyncpg.InterfaceError):  # asyncpg has cut it already
                connection.terminate()

    async def close(self) -> None:
        """Close all connections, waiting for those in use."""
        aside, self._aside = self._aside, []
        self._waiting += 1  # from now on nothing is kept aside
        for connection, _ in aside:
            await self._pool.release(connection)  # type: ignore[arg-type]
        await self._pool.close()


def _is_open(connection: asyncpg.Connection) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False  # closed, and taken back by asyncpg's pool already
