"""API keys in memory: authenticating a request takes no round trip to the database.

Keys are read again when the change feed reports one, when a request has an unknown one, so that a new key works at
once, and periodically. The feed reads them over its own connection: an exhausted pool does not delay them, and they do
not delay the feed. If the feed is late, they are read over the pool.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import asyncpg

from app.database import Database, ReadConnection
from app.errors import DatabaseUnavailable
from app.feed.changes import Change
from app.principal import Principal, Role
from app.rules.api_keys import KeyText, is_secret_of

UNKNOWN_INTERVAL_SECONDS = 1.0
"""Minimum time between two reads caused by unknown keys."""
OVERDUE_FACTOR = 1.5
"""Read over the pool once the feed, whose connection requests never occupy, is this much late."""
RETRY_SECONDS = 0.2
"""Wait after a failed read."""
START_SECONDS_MAX = 10.0
"""How long a starting process waits for the keys; without them it answers requests with 503."""

_LOAD = "SELECT key_id, name, role, secret_hash, strategy_ids, revoked_at FROM api_keys"
_SECONDS_IN_TRANSACTION = "SELECT extract(epoch FROM clock_timestamp() - transaction_timestamp())::float8"
_LOG = logging.getLogger("purser.keys")


@dataclass(frozen=True, slots=True)
class Key:
    """A key as requests are compared with it."""

    principal: Principal
    secret_hash: str
    is_revoked: bool


class Keyring:
    """All keys, revoked ones included, at most `stale_seconds_max` old. A projection of the change feed."""

    entity = "key"

    def __init__(self, database: Database, reload_seconds: float, stale_seconds_max: float) -> None:
        self._database = database
        self.reload_seconds: float | None = reload_seconds
        self._overdue_seconds = OVERDUE_FACTOR * reload_seconds
        self._stale_seconds_max = stale_seconds_max
        self._keys: dict[str, Key] = {}
        self._actors: frozenset[str] = frozenset()
        self._read_at = float("-inf")
        """Everything committed before this instant is known."""
        self._tried_at = self._failed_at = float("-inf")
        """When the last read over the pool began, and the last one that failed."""
        self._reading = asyncio.Lock()
        """Held during a read over the pool, which may wait for a connection. The feed never waits for it."""
        self._news = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, database: Database, reload_seconds: float, stale_seconds_max: float) -> Self:
        """Read the keys and start the periodic reads. Waits START_SECONDS_MAX at most for the first."""
        keyring = cls(database, reload_seconds, stale_seconds_max)
        read_once = asyncio.Event()
        keyring._timer = asyncio.create_task(keyring._read_on(read_once), name="keyring")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(read_once.wait(), START_SECONDS_MAX)
        return keyring

    async def close(self) -> None:
        """Stop the periodic reads."""
        if self._timer is not None:
            self._timer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._timer

    def require_fresh(self) -> None:
        """Raises DatabaseUnavailable if the keys are older than `stale_seconds_max`."""
        if time.monotonic() - self._read_at > self._stale_seconds_max:
            raise DatabaseUnavailable(
                "API keys cannot be checked now: the database does not answer. Try again shortly."
            )

    @property
    def is_empty(self) -> bool:
        """Whether no key was ever created."""
        return not self._keys

    def knows(self, key: KeyText) -> bool:
        """Whether a key with this id, revoked or not, was read."""
        return key.id in self._keys

    def find(self, key: KeyText) -> Principal | None:
        """The key's principal; None if the secret is wrong, or the key unknown or revoked."""
        found = self._keys.get(key.id)
        if found is None or not is_secret_of(key.secret, found.secret_hash) or found.is_revoked:
            return None
        return found.principal

    def has(self, actor: str) -> bool:
        """Whether the actor has a key that is not revoked."""
        return actor in self._actors

    async def apply(self, connection: ReadConnection, changes: Sequence[Change]) -> None:
        """Keys were created or revoked. Called by the feed, with its own connection."""
        await self._read(connection, time.monotonic())

    async def load(self, connection: ReadConnection) -> None:
        """Read all keys. Called by the feed when it (re)connects, with its own connection."""
        now = time.monotonic()
        # The connection may be in a snapshot, which is as old as its transaction.
        await self._read(connection, now - await connection.fetchval(_SECONDS_IN_TRANSACTION))

    async def read_for_unknown(self) -> None:
        """Wait for a read from now on: the feed's, or one over the pool for all callers. Raises DatabaseUnavailable."""
        called_at = time.monotonic()
        over_pool = asyncio.create_task(self._read_unless_read_since(called_at))
        by_feed = asyncio.create_task(self._until_read_since(called_at))
        try:
            await asyncio.wait({over_pool, by_feed}, return_when=asyncio.FIRST_COMPLETED)
            if not by_feed.done():
                over_pool.result()
        finally:
            for task in (over_pool, by_feed):
                task.cancel()
            await asyncio.gather(over_pool, by_feed, return_exceptions=True)

    async def _until_read_since(self, instant: float) -> None:
        while self._read_at < instant:
            await self._news.wait()

    async def _read_unless_read_since(self, instant: float) -> None:
        """Read over the pool, at a limited rate. Raises DatabaseUnavailable, also if a read since then failed."""
        async with self._reading:
            if self._read_at >= instant:
                return
            if self._failed_at >= instant:
                raise DatabaseUnavailable
            await asyncio.sleep(max(0.0, self._tried_at + UNKNOWN_INTERVAL_SECONDS - time.monotonic()))
            await self._read_over_pool()

    async def _read_on(self, read_once: asyncio.Event) -> None:
        failures = 0
        while True:
            if self._seconds_until_overdue() > 0:
                failures = 0
                read_once.set()
            else:
                try:
                    async with self._reading:
                        await self._read_over_pool()
                    continue
                except DatabaseUnavailable as error:
                    failures += 1
                    if failures == 1:
                        _LOG.warning("API keys could not be read: %s", error.__cause__ or error)
            await asyncio.sleep(RETRY_SECONDS if failures else self._seconds_until_overdue())

    def _seconds_until_overdue(self) -> float:
        return self._read_at + self._overdue_seconds - time.monotonic()

    async def _read_over_pool(self) -> None:
        self._tried_at = time.monotonic()
        try:
            async with self._database.read_latest() as connection:
                await self._read(connection, time.monotonic())
        except DatabaseUnavailable:
            self._failed_at = self._tried_at
            raise
        except asyncpg.PostgresError as error:
            self._failed_at = self._tried_at
            raise DatabaseUnavailable from error

    async def _read(self, connection: ReadConnection, began_at: float) -> None:
        """`began_at`: everything committed before is visible to the connection."""
        rows = await connection.fetch(_LOAD)
        if began_at < self._read_at:
            return  # A read that began later has finished already.
        self._keys = {row["key_id"]: _key_of(row) for row in rows}
        self._actors = frozenset(key.principal.actor for key in self._keys.values() if not key.is_revoked)
        self._read_at = began_at
        self._news.set()
        self._news = asyncio.Event()


def _key_of(row: asyncpg.Record) -> Key:
    strategy_ids = None if row["strategy_ids"] is None else frozenset(row["strategy_ids"])
    principal = Principal(Role(row["role"]), f"key:{row['name']}", strategy_ids)
    return Key(principal, row["secret_hash"], row["revoked_at"] is not None)
