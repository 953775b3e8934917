"""The reader of the change feed: looks when it is woken, and at least once a second; hands on what it finds."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.database.listening import LISTENER_LOST, ListeningConnection, listening
from app.feed.changes import Change, epoch_and_presence, look, newest_place
from app.feed.follower import Follower
from app.feed.places import ORIGIN, Place

CHANNEL = "purser_changes"
LOOK_EVERY_SECONDS = 1.0
"""A NOTIFY may be lost, and a process that writes need not send one."""
LOOK_PAUSE_SECONDS = 0.02
"""At least so long between two looks: what commits meanwhile is found together."""
IDLE_PAUSE_SECONDS = 0.4
"""The same while nobody follows, and only what is in memory is kept up."""
LOOK_TIMEOUT_SECONDS = 3.0
"""A connection that was cut may look open for minutes."""
LOAD_TIMEOUT_SECONDS = 60.0
BACKOFF_SECONDS_MIN = 0.05
BACKOFF_SECONDS_MAX = 1.0
CHANGES_AT_ONCE_MAX = 2000

_LOG = logging.getLogger("purser.feed")


class Keeper(Protocol):
    """Keeps something in memory that changes with the feed."""

    entity: str

    async def load(self, connection: ListeningConnection) -> None:
        """Forget everything, and read it anew; inside one snapshot with the place that the feed goes on from."""

    async def renew(self, connection: ListeningConnection, changes: list[Change]) -> None:
        """Read again what changed."""


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How the feed is doing. Ages in seconds; None before the first look."""

    is_connected: bool
    age_seconds: float | None
    """How old what was seen last may be: the time since the last look that succeeded began."""
    lag_seconds: float
    """How long the oldest change that is stored has been waiting for transactions before it to end."""


class Feed:
    """Reads the feed once for the whole process. Does nothing until it is `running`."""

    def __init__(self, *keepers: Keeper) -> None:
        self._keepers = keepers
        self._followers: set[Follower] = set()
        self._epoch: UUID | None = None
        self._place = ORIGIN
        self._is_connected = False
        self._seen_at: float | None = None
        self._held_back: tuple[Place, float] | None = None
        self._tried = asyncio.Event()
        self._woken = asyncio.Event()
        self._owes_notify = False

    @property
    def epoch(self) -> UUID | None:
        """The epoch of the history that is followed; None before the first look."""
        return self._epoch

    @property
    def place(self) -> Place:
        """The last row that was looked at, or passed over."""
        return self._place

    @property
    def status(self) -> FeedStatus:
        """How it is doing now."""
        now = time.monotonic()
        age = None if self._seen_at is None else now - self._seen_at
        lag = 0.0 if self._held_back is None else now - self._held_back[1]
        return FeedStatus(self._is_connected, age, lag)

    def wake(self) -> None:
        """Called after a commit: this process looks at once, and the others are told. Costs next to nothing."""
        self._owes_notify = True
        self._woken.set()

    @asynccontextmanager
    async def follow(self, entity: str) -> AsyncIterator[Follower]:
        """The changes of an entity from now on."""
        follower = Follower(entity)
        self._followers.add(follower)
        self._woken.set()
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    @asynccontextmanager
    async def running(self, url: str) -> AsyncIterator[None]:
        """Reads during the block, from the database at `url`; the first try, good or bad, is made before it."""
        reading = asyncio.create_task(self._read_for_ever(url), name="change feed")
        try:
            await self._tried.wait()
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
                    await self._look_for_ever(connection)
            except LISTENER_LOST as error:
                # Once for each time that it goes; the tries to come back are many.
                level = logging.WARNING if self._is_connected or not self._tried.is_set() else logging.DEBUG
                _LOG.log(level, "the change feed is cut: %r", error)
            except Exception:
                _LOG.exception("the change feed fails")
            self._is_connected = False
            self._tried.set()
            self._interrupt()
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, BACKOFF_SECONDS_MAX)

    async def _begin(self, connection: ListeningConnection) -> None:
        """Go on from the last place. Where the history no longer has it, load everything anew."""
        began = time.monotonic()
        async with asyncio.timeout(LOAD_TIMEOUT_SECONDS):
            async with connection.snapshot():
                epoch, is_there = await epoch_and_presence(connection, self._place)
                if (epoch, is_there) == (self._epoch, True):
                    return
                place = await newest_place(connection)
                for keeper in self._keepers:
                    await keeper.load(connection)
        self._epoch, self._place, self._seen_at, self._held_back = epoch, place, began, None

    async def _look_for_ever(self, connection: ListeningConnection) -> None:
        while True:
            self._woken.clear()
            async with asyncio.timeout(LOOK_TIMEOUT_SECONDS):
                is_whole = await self._look(connection)
                if self._owes_notify:
                    self._owes_notify = False
                    await connection.notify()
            self._tried.set()
            if is_whole:
                pause = LOOK_PAUSE_SECONDS if self._followers else IDLE_PAUSE_SECONDS
                await asyncio.sleep(pause)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_SECONDS - pause):
                        await self._woken.wait()

    async def _look(self, connection: ListeningConnection) -> bool:
        """One look; whether it found all there was."""
        began = time.monotonic()
        followers = [follower for follower in self._followers if follower.has_begun]
        newcomers = self._followers - set(followers)
        entities = {keeper.entity for keeper in self._keepers} | {follower.entity for follower in followers}
        found = await look(connection, self._place, entities, CHANGES_AT_ONCE_MAX)
        by_entity: defaultdict[str, list[Change]] = defaultdict(list)
        for change in found.changes:
            by_entity[change.entity].append(change)
        for keeper in self._keepers:
            if keeper.entity in by_entity:
                await keeper.renew(connection, by_entity[keeper.entity])
        self._place = found.place
        for follower in followers:
            if follower.entity in by_entity:
                follower.add(by_entity[follower.entity])
        self._note_held_back(found.held_back, began)
        if found.is_whole:
            self._seen_at = began
            # All that was there when they came is passed over: they begin with what is new to everybody.
            for newcomer in newcomers:
                newcomer.begin(found.place)
        return found.is_whole

    def _note_held_back(self, held_back: Place | None, now: float) -> None:
        if held_back is None:
            self._held_back = None
        elif self._held_back is None or self._held_back[0] != held_back:
            self._held_back = (held_back, now)

    def _interrupt(self) -> None:
        """Cut who follows: what they have not seen, they read from the table."""
        begun = {follower for follower in self._followers if follower.has_begun}
        self._followers -= begun
        for follower in begun:
            follower.cut()
