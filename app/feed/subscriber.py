"""A subscriber to the feed: a bounded queue that the feed never waits for."""

import asyncio
from collections import deque

from app.feed.changes import Change, Offset

CHANGES_MAX = 10_000
"""The most changes that a queue holds. A slower subscriber is disconnected and reads the rest from the table."""


class Interrupted(Exception):
    """The subscriber was disconnected because it, or the feed's connection, failed to keep up. It continues from its
    last offset.
    """


class Subscriber:
    """The changes of one entity after `start`. Created by `Feed.follow`."""

    def __init__(self, entity: str) -> None:
        self.entity = entity
        self._batches: deque[list[Change]] = deque()
        self._waiting = 0
        self._start: Offset | None = None
        self._is_disconnected = False
        self._news = asyncio.Event()

    @property
    def has_begun(self) -> bool:
        """Whether the feed delivers changes already."""
        return self._start is not None

    async def start(self) -> Offset:
        """The offset after which `next` delivers every change. Raises Interrupted."""
        while self._start is None:
            await self._until_news()
        return self._start

    async def next(self) -> list[Change]:
        """The next changes, at least one, in order. Raises Interrupted."""
        while not self._batches:
            await self._until_news()
        batch = self._batches.popleft()
        self._waiting -= len(batch)
        return batch

    async def take(self) -> list[Change]:
        """All changes that are queued, at least one, in order. Raises Interrupted."""
        changes = await self.next()
        while self._batches:
            changes += await self.next()
        return changes

    def begin(self, offset: Offset) -> None:
        """Called by the feed once: changes from the next poll on are delivered."""
        self._start = offset
        self._news.set()

    def add(self, batch: list[Change]) -> None:
        """Called by the feed: queue changes of the entity."""
        if self._waiting + len(batch) > CHANGES_MAX:
            self.disconnect()
        elif not self._is_disconnected:
            self._batches.append(batch)
            self._waiting += len(batch)
            self._news.set()

    def disconnect(self) -> None:
        """Called by the feed: deliver nothing more."""
        self._is_disconnected = True
        self._batches.clear()
        self._news.set()

    async def _until_news(self) -> None:
        if self._is_disconnected:
            raise Interrupted
        self._news.clear()
        await self._news.wait()
