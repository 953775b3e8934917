"""The feed polls the table `changes` when it is woken and at least once a second, and distributes what it finds."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.database.connections import UNREACHABLE, ListeningConnection, listening
from app.feed.changes import ORIGIN, Change, Offset, epoch_and_presence, newest_offset, poll
from app.feed.subscriber import Subscriber
from app.loop_time import loop_timeout

CHANNEL = "purser_changes"
POLL_EVERY_SECONDS = 1.0
"""A NOTIFY may be lost, and a process that writes need not send one."""
POLL_PAUSE_SECONDS = 0.02
"""The minimum time between two polls; changes committed meanwhile are found together."""
IDLE_PAUSE_SECONDS = 0.4
"""The minimum time between two polls without subscribers, when only projections are kept current."""
POLL_TIMEOUT_SECONDS = 3.0
"""A broken connection may appear open for minutes. In time that the event loop had."""
LOAD_TIMEOUT_SECONDS = 60.0
BACKOFF_SECONDS_MIN = 0.05
BACKOFF_SECONDS_MAX = 1.0
CHANGES_AT_ONCE_MAX = 2000

_LOG = logging.getLogger("purser.feed")


class Projection(Protocol):
    """State in memory that follows the feed."""

    entity: str

    @property
    def reload_seconds(self) -> float | None:
        """How often everything is loaded again; None: only when the history is another one."""

    async def load(self, connection: ListeningConnection) -> None:
        """Load everything, in the same snapshot as the offset that the feed continues from."""

    async def apply(self, connection: ListeningConnection, changes: list[Change]) -> None:
        """Load the changed objects again."""


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """The state of the feed. Ages are in seconds, None before the first poll."""

    is_connected: bool
    age_seconds: float | None
    """The time since the last successful poll began: the maximum age of what is in memory."""
    lag_seconds: float
    """How long the oldest stored change has waited for earlier transactions to end."""


class Feed:
    """Reads the change feed once for the whole process, while `running`."""

    def __init__(self, *projections: Projection) -> None:
        self._projections = projections
        self._subscribers: set[Subscriber] = set()
        self.epoch: UUID | None = None
        """The epoch of the history; None before the first poll."""
        self.offset = ORIGIN
        """The offset of the last row that was polled."""
        self._is_connected = False
        self._seen_at: float | None = None
        self._pending: tuple[Offset, float] | None = None
        self._attempted = asyncio.Event()
        self._woken = asyncio.Event()
        self._owes_notify = False
        self._loaded_at: dict[Projection, float] = {}

    @property
    def status(self) -> FeedStatus:
        """The current state."""
        now = time.monotonic()
        age = None if self._seen_at is None else now - self._seen_at
        lag = 0.0 if self._pending is None else now - self._pending[1]
        return FeedStatus(self._is_connected, age, lag)

    def wake(self) -> None:
        """Poll at once, and notify the other processes. Called after a commit; cheap."""
        self._owes_notify = True
        self._woken.set()

    @asynccontextmanager
    async def follow(self, entity: str) -> AsyncIterator[Subscriber]:
        """Subscribe to the changes of an entity from now on."""
        subscriber = Subscriber(entity)
        self._subscribers.add(subscriber)
        self._woken.set()
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    @asynccontextmanager
    async def running(self, url: str) -> AsyncIterator[None]:
        """Poll the database at `url` during the block. The first attempt, successful or not, ends before the block
        starts.
        """
        reading = asyncio.create_task(self._read_for_ever(url), name="change feed")
        try:
            await self._attempted.wait()
            yield
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            self._interrupt()

    async def _read_for_ever(self, url: str) -> None:
        backoff = BACKOFF_SECONDS_MIN
        while True:
            try:
                async with listening(url, CHANNEL, self._woken.set) as connection:
                    await self._begin(connection)
                    self._is_connected, backoff = True, BACKOFF_SECONDS_MIN
                    await self._poll_for_ever(connection)
            except UNREACHABLE as error:
                # Logged once for each outage, not for each attempt to reconnect.
                level = logging.WARNING if self._is_connected or not self._attempted.is_set() else logging.DEBUG
                _LOG.log(level, "the change feed lost its connection: %r", error)
            except Exception:
                _LOG.exception("the change feed failed")
            self._is_connected = False
            self._attempted.set()
            self._interrupt()
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, BACKOFF_SECONDS_MAX)

    async def _begin(self, connection: ListeningConnection) -> None:
        """Continue from the last offset; load everything again if the history no longer has it."""
        began = time.monotonic()
        async with loop_timeout(LOAD_TIMEOUT_SECONDS), connection.snapshot():
            epoch, is_there = await epoch_and_presence(connection, self.offset)
            if (epoch, is_there) == (self.epoch, True):
                return
            offset = await newest_offset(connection)
            for projection in self._projections:
                await self._load(projection, connection)
        self.epoch, self.offset, self._seen_at, self._pending = epoch, offset, began, None

    async def _poll_for_ever(self, connection: ListeningConnection) -> None:
        while True:
            self._woken.clear()
            async with loop_timeout(POLL_TIMEOUT_SECONDS):
                is_whole = await self._poll(connection)
                await self._reload(connection)
                if self._owes_notify:
                    self._owes_notify = False
                    await connection.notify()
            self._attempted.set()
            if is_whole:
                pause = POLL_PAUSE_SECONDS if self._subscribers else IDLE_PAUSE_SECONDS
                await asyncio.sleep(pause)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_EVERY_SECONDS - pause):
                        await self._woken.wait()

    async def _reload(self, connection: ListeningConnection) -> None:
        """Load projections again that are due: over this connection, which requests never occupy."""
        for projection in self._projections:
            seconds = projection.reload_seconds
            if seconds is not None and time.monotonic() - self._loaded_at.get(projection, 0.0) >= seconds:
                await self._load(projection, connection)

    async def _load(self, projection: Projection, connection: ListeningConnection) -> None:
        await projection.load(connection)
        self._loaded_at[projection] = time.monotonic()

    async def _poll(self, connection: ListeningConnection) -> bool:
        """Poll once. Returns whether the poll found all changes there were."""
        began = time.monotonic()
        subscribers = [subscriber for subscriber in self._subscribers if subscriber.has_begun]
        new_subscribers = self._subscribers - set(subscribers)
        entities = {projection.entity for projection in self._projections} | {
            subscriber.entity for subscriber in subscribers
        }
        found = await poll(connection, self.offset, entities, CHANGES_AT_ONCE_MAX)
        by_entity: defaultdict[str, list[Change]] = defaultdict(list)
        for change in found.changes:
            by_entity[change.entity].append(change)
        for projection in self._projections:
            if projection.entity in by_entity:
                await projection.apply(connection, by_entity[projection.entity])
        self.offset = found.offset
        for subscriber in subscribers:
            if subscriber.entity in by_entity:
                subscriber.add(by_entity[subscriber.entity])
        self._note_pending(found.pending, began)
        if found.is_whole:
            self._seen_at = began
            # Rows that existed before they subscribed are skipped: their changes start here.
            for new_subscriber in new_subscribers:
                new_subscriber.begin(found.offset)
        return found.is_whole

    def _note_pending(self, pending: Offset | None, now: float) -> None:
        if pending is None:
            self._pending = None
        elif self._pending is None or self._pending[0] != pending:
            self._pending = (pending, now)

    def _interrupt(self) -> None:
        """Disconnect all subscribers that have started; they read what they missed from the table."""
        begun = {subscriber for subscriber in self._subscribers if subscriber.has_begun}
        self._subscribers -= begun
        for subscriber in begun:
            subscriber.disconnect()
