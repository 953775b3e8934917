"""A connection outside the pools that waits for NOTIFY."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from app.database.connections import UNREACHABLE, ReadConnection, prepare

CONNECT_TIMEOUT_SECONDS = 3.0

LISTENER_LOST = UNREACHABLE
"""Errors of a connection that is lost, or whose server cannot answer."""

_SETTINGS = {
    "application_name": "purser",
    "timezone": "UTC",
    "datestyle": "ISO",
    "jit": "off",
    "default_transaction_read_only": "on",
    # Plans by key only, whatever the tables' sizes were when a plan was made.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


class ListeningConnection(ReadConnection):
    """Reads, listens on a channel, and notifies its other listeners."""

    def __init__(self, raw: asyncpg.Connection, channel: str) -> None:
        super().__init__(raw)
        self._channel = channel

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """A transaction in which all statements see the same state."""
        async with self._raw.transaction(isolation="repeatable_read", readonly=True):
            yield

    async def notify(self) -> None:
        """Notify all listeners of the channel."""
        await self._raw.execute(f"NOTIFY {self._channel}")


@asynccontextmanager
async def listening(url: str, channel: str, woken: Callable[[], None]) -> AsyncIterator[ListeningConnection]:
    """A connection to the primary; `woken` is called for each NOTIFY of another connection.

    Statements have no timeout of their own. Raises one of LISTENER_LOST.
    """
    raw = await asyncpg.connect(
        url,
        timeout=CONNECT_TIMEOUT_SECONDS,
        server_settings=_SETTINGS,
        target_session_attrs=SessionAttribute.primary,
    )
    try:
        own_pid = raw.get_server_pid()

        def heard(_: object, pid: int, *__: object) -> None:
            if pid != own_pid:
                woken()

        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            await prepare(raw)
            await raw.add_listener(channel, heard)
        yield ListeningConnection(raw, channel)
    finally:
        # Not `close`, which would wait for an answer of a server that may be gone.
        raw.terminate()
