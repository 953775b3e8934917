"""Reads batches of entries, records each in one transaction, then acknowledges it.

The next batch is read and decoded while PostgreSQL works on one. If Redis is lost, what was read is dropped and read
again; if PostgreSQL is lost, the batch waits for it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from app.database import Database
from app.errors import DatabaseUnavailable, RedisUnavailable
from app.event_codec import BadEvent, EngineMessage
from app.interruption import stop_if_cancelled
from app.ledger.batch import Rejected
from app.ledger.message_batch import MessageBatch, record_batch
from app.streams.backoff import Backoff
from app.streams.consumer_group import ConsumerGroup, GroupOptions
from app.streams.entry_merge import Entry, EntryMerge
from app.streams.refusals import keep_refused
from app.streams.stream_status import StreamStatus, name_of

BATCH_ENTRIES = 5_000
DISCOVER_INTERVAL_SECONDS = 5.0
CLAIM_INTERVAL_SECONDS = 15.0
POSITIONS_INTERVAL_SECONDS = 5.0
REPORT_INTERVAL_SECONDS = 60.0
IDLE_SECONDS = 1.0
"""How long to wait while no stream exists."""

TRANSIENT = (
    DatabaseUnavailable,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    # A former primary after a failover.
    asyncpg.ReadOnlySQLTransactionError,
)
"""Errors of PostgreSQL after which the same batch is tried again."""

_LOG = logging.getLogger("purser.stream")


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """How to read entries. `is_once`: return after the last entry, and raise errors instead of retrying."""

    group: GroupOptions
    is_recorded_topic: Callable[[bytes], bool]
    read_payload: Callable[[bytes], EngineMessage]
    is_once: bool = False


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Entries in the order of their ids; a message's place is its entry's index."""

    entries: Sequence[Entry]
    batch: MessageBatch


class Follower:
    """One source in Redis and the ledger."""

    def __init__(self, client: "Redis", database: Database, options: FollowOptions, status: StreamStatus) -> None:
        self._client = client
        self._database = database
        self._options = options
        self._status = status
        self._group = ConsumerGroup(client, options.group)
        self._merge = EntryMerge()
        self._redis_backoff = Backoff()
        self._database_backoff = Backoff()
        self._due: dict[str, float] = {}

    async def run(self) -> None:
        """Follow until cancelled; with `is_once`, until no entry is left.

        Raises RedisUnavailable if access is denied; with `is_once` also if Redis cannot be reached, and
        DatabaseUnavailable.
        """
        while True:
            self._group.resume()
            self._merge = EntryMerge()
            self._due.clear()
            try:
                await self._follow()
                return
            except (RedisError, OSError) as error:
                self._status.redis_connected = False
                if self._options.is_once or _is_permanent(error):
                    raise RedisUnavailable(f"Redis refused or is not reachable: {error}") from error
                await self._redis_backoff.wait(f"Redis: {error}")

    async def _follow(self) -> None:
        following = asyncio.ensure_future(self._next())
        try:
            while (prepared := await following) is not None:
                following = asyncio.ensure_future(self._next())
                await self._record(prepared)
                stop_if_cancelled()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _next(self) -> _Prepared | None:
        """The next batch; None if none is left and `is_once` is set."""
        while True:
            stop_if_cancelled()
            await self._do_what_is_due()
            if not self._group.keys:
                if self._options.is_once:
                    return None
                await asyncio.sleep(IDLE_SECONDS)
                continue
            if not self._merge.is_ready:
                is_idle = self._merge.is_empty and self._merge.is_complete
                gone = await self._group.read(self._merge, is_waiting=is_idle and not self._options.is_once)
                self._report_gone(gone)
            if entries := self._merge.take(BATCH_ENTRIES):
                return await asyncio.to_thread(self._prepare, entries)
            is_exhausted = self._merge.is_empty and self._merge.is_complete
            if self._options.is_once and is_exhausted and not self._is_due("claim", CLAIM_INTERVAL_SECONDS):
                return None

    def _prepare(self, entries: Sequence[Entry]) -> _Prepared:
        batch = MessageBatch()
        for place, entry in enumerate(entries):
            if entry.topic is None or entry.payload is None:
                missing = "topic" if entry.topic is None else "payload"
                batch.refuse(place, BadEvent("INVALID_ENTRY", f"the entry has no field `{missing}`"))
            elif not self._options.is_recorded_topic(entry.topic):
                batch.passed_over += 1
            else:
                try:
                    batch.add(place, self._options.read_payload(entry.payload))
                except BadEvent as bad:
                    batch.refuse(place, bad)
        return _Prepared(entries, batch)

    async def _record(self, prepared: _Prepared) -> None:
        entries, status = prepared.entries, self._status
        while True:
            try:
                counts, rejected = await record_batch(self._database, prepared.batch)
                break
            except TRANSIENT as error:
                status.database_connected = False
                if self._options.is_once:
                    raise
                await self._database_backoff.wait(f"the database: {error or type(error).__name__}")
        self._database_backoff.succeeded("the database answers again")
        status.database_connected = True
        if rejected:
            await self._refuse([(entries[one.place], one) for one in rejected])
        await self._group.acknowledge(entries)
        status.counts.add(counts)
        for entry in entries:
            name = name_of(entry.key)
            status.recorded_ms[name] = max(entry.place[0], status.recorded_ms.get(name, 0))

    async def _refuse(self, refused: Sequence[tuple[Entry, Rejected]]) -> None:
        await keep_refused(self._client, self._options.group.group, refused)

    async def _do_what_is_due(self) -> None:
        if self._is_due("discover", DISCOVER_INTERVAL_SECONDS, begin=True):
            is_first = not self._group.keys
            if found := await self._group.discover():
                shown = ", ".join(name_of(key) for key in found[:5])
                _LOG.info("following %d streams: %s%s", len(found), shown, ", ..." if len(found) > 5 else "")
            elif is_first and not self._status.redis_connected:
                _LOG.warning("no stream matches %s", ", ".join(self._options.group.patterns))
            self._status.redis_connected = True
            self._redis_backoff.succeeded("Redis answers again")
        if self._is_due("claim", CLAIM_INTERVAL_SECONDS, begin=True):
            claimed, gone = await self._group.claim(self._merge)
            self._report_gone(gone)
            if claimed:
                _LOG.info("claimed %d entries that another consumer left unacknowledged", claimed)
                del self._due["claim"]
        if self._is_due("positions", POSITIONS_INTERVAL_SECONDS, begin=True):
            await self.take_positions()
        if self._is_due("report", REPORT_INTERVAL_SECONDS, begin=True) and self._status.entries:
            _LOG.info("%s", self._status)

    async def take_positions(self) -> None:
        """Update how far the group is in each stream. Raises RedisError."""
        for name, count in self._status.take_positions(await self._group.positions()).items():
            _LOG.error("%s: at least %d entries were removed from Redis before they were read", name, count)

    def _report_gone(self, count: int) -> None:
        if count:
            self._status.removed_unread += count
            _LOG.error("%d entries were removed from Redis before they were acknowledged", count)

    def _is_due(self, name: str, interval_seconds: float, *, begin: bool = False) -> bool:
        """Whether the interval has passed since the last time; `begin` starts the next interval."""
        now = monotonic()
        if now < self._due.get(name, 0):
            return False
        if begin:
            self._due[name] = now + interval_seconds
        return True


def _is_permanent(error: Exception) -> bool:
    """Whether a later attempt would fail too: a wrong password, no permission, a Redis before 6.2."""
    if isinstance(error, AuthenticationError | NoPermissionError):
        return True
    return isinstance(error, ResponseError) and str(error).startswith("unknown command")
