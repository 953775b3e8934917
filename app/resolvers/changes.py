"""Following the change feed for one principal: first the missed changes, then new ones."""

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
    """The feed's current cursor: a read after this call, and changes after the cursor, leave no gap.

    The fields of one query run in the same turn of the event loop until they wait. The feed does not move within a
    turn, so these reads include every change up to the cursor. Raises DatabaseUnavailable if the feed was never read.
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
    place = None if after is None else await until_answered(lambda: _place_of(context, after))
    while True:
        async with context.feed.follow(entity) as subscriber:
            with suppress(Interrupted, DatabaseUnavailable):
                start = await subscriber.start()
                if place is None:
                    assert context.feed.epoch is not None, "the subscriber has started"
                    place = _Place(context.feed.epoch, start)
                async for batch in _read_on(context, entity, place, start, subscriber):
                    place.offset = batch[-1].offset
                    seen = _visible(principal, batch)
                    if seen:
                        yield [Followed(change, write_cursor(place.epoch, change.offset)) for change in seen]


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


@dataclass(slots=True)
class _Place:
    """The history that is followed, and the offset of the last change that was read."""

    epoch: UUID
    offset: Offset


async def _place_of(context: Context, cursor: str) -> _Place:
    async with context.database.read_latest() as connection:
        return _Place(*await offset_of_cursor(connection, cursor))


async def _read_on(
    context: Context, entity: str, place: _Place, start: Offset, subscriber: Subscriber
) -> AsyncIterator[list[Change]]:
    """Yield from the table up to the subscriber's start, then the subscriber's changes. The caller moves the place."""
    async with context.database.read_latest() as connection:
        if await epoch_and_presence(connection, place.offset) != (place.epoch, True):
            raise CursorExpired
    while place.offset < start:
        async with context.database.read_latest() as connection:
            batch = await changes_between(connection, place.offset, start, entity, PAGE_ROWS)
        if not batch:
            break
        yield batch
    while True:
        # Rows yielded before (another process may be ahead of this one) are skipped.
        batch = [change for change in await subscriber.next() if change.offset > place.offset]
        if batch:
            yield batch
