"""Following the change feed for one principal: first what was missed, then what happens."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import orjson

from app.errors import CursorExpired, DatabaseUnavailable
from app.feed.changes import Change, Offset, changes_between, epoch_and_presence, offset_of_cursor, write_cursor
from app.feed.subscriber import Interrupted, Subscriber
from app.principal import Principal
from app.reads.compiled import Answer
from app.resolvers.context import Context

T = TypeVar("T")

PAGE_ROWS = 1000
RETRY_SECONDS = 0.5
"""The pause before a database that is unavailable is queried again."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A change, and the cursor that continues after it."""

    change: Change
    cursor: str


async def get_feed_cursor(context: Context, principal: Principal, *_: object) -> Answer:
    """The feed's current cursor: what is read after this call, and what follows the cursor, leaves no gap.

    The fields of one query run in the same turn of the event loop until they wait. The feed does not move within a
    turn, so what these fields read has every change up to the cursor. Raises DatabaseUnavailable if the feed was never
    read.
    """
    if context.feed.epoch is None:
        raise DatabaseUnavailable
    return Answer(orjson.dumps(write_cursor(context.feed.epoch, context.feed.offset)), None)


async def follow_changes(
    context: Context, principal: Principal, entity: str, after: str | None
) -> AsyncGenerator[list[Followed], None]:
    """Yield the changes of one entity that the principal may see, each once, in order, without end. No batch is empty.

    Starts now, or after a cursor. Raises FeedCursorInvalid or CursorExpired before the first batch, and CursorExpired
    later if the history was replaced. Waits while the database is unavailable.
    """
    reader = _Reader(context, entity)
    if after is not None:
        await until_answered(lambda: reader.begin_at(after))
    while True:
        async with context.feed.follow(entity) as subscriber:
            with suppress(Interrupted, DatabaseUnavailable):
                async for batch in reader.read_on(subscriber):
                    seen = _visible(principal, batch)
                    if seen:
                        yield [Followed(change, write_cursor(reader.epoch, change.offset)) for change in seen]


async def until_answered(ask: Callable[[], Awaitable[T]]) -> T:
    """Retry until the database is available."""
    while True:
        try:
            return await ask()
        except DatabaseUnavailable:
            await asyncio.sleep(RETRY_SECONDS)


def _visible(principal: Principal, changes: list[Change]) -> list[Change]:
    mine = principal.strategy_ids
    return changes if mine is None else [change for change in changes if change.strategy_id in mine]


class _Reader:
    """Remembers the offset of the last change that was yielded."""

    def __init__(self, context: Context, entity: str) -> None:
        self._context = context
        self._entity = entity
        self._epoch: UUID | None = None
        self._offset: Offset | None = None

    @property
    def epoch(self) -> UUID:
        """The epoch of the history, once reading has started."""
        assert self._epoch is not None
        return self._epoch

    async def begin_at(self, cursor: str) -> None:
        async with self._context.database.read_latest() as connection:
            self._epoch, self._offset = await offset_of_cursor(connection, cursor)

    async def read_on(self, subscriber: Subscriber) -> AsyncIterator[list[Change]]:
        """Yield from the table up to where the subscriber starts, then what the subscriber delivers."""
        start = await subscriber.start()
        if self._offset is None:
            self._epoch, self._offset = self._context.feed.epoch, start
        await self._require_same_history()
        while batch := await self._page(start):
            self._offset = batch[-1].offset
            yield batch
        while True:
            # Rows yielded before (another process may be ahead of this one) are skipped.
            batch = [change for change in await subscriber.next() if change.offset > self._offset]
            if batch:
                self._offset = batch[-1].offset
                yield batch

    async def _page(self, until: Offset) -> list[Change]:
        assert self._offset is not None
        if self._offset >= until:
            return []
        async with self._context.database.read_latest() as connection:
            return await changes_between(connection, self._offset, until, self._entity, PAGE_ROWS)

    async def _require_same_history(self) -> None:
        assert self._offset is not None
        async with self._context.database.read_latest() as connection:
            if await epoch_and_presence(connection, self._offset) != (self._epoch, True):
                raise CursorExpired
