"""A broadcast: the events of all subscriptions that select the same, read and encoded once.

    Feed ──> Broadcast ──(rows by key, one statement for many)──> Batch ──> its log ──> subscribers

A subscriber is an offset. If the log reaches back to it, the next batches are sent; else the missed changes are read
from the table, once for all that wait for them. Both are evaluated one after the other, under one lock, and a resumed
subscriber first has what it missed evaluated anew: so no later event shows an older row than an earlier one.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import aclosing, suppress
from typing import NamedTuple, TypeVar
from uuid import UUID

from app.errors import CursorExpired, DatabaseUnavailable
from app.feed.changes import ORIGIN, Change, Offset, changes_between, epoch_and_presence, offset_of_cursor, write_cursor
from app.feed.subscriber import Interrupted, Subscriber
from app.resolvers.changes import until_answered
from graphql_schema.caller import Caller
from graphql_schema.live.batches import Batch
from graphql_schema.live.events import CHANGES_AT_ONCE_MAX
from graphql_schema.live.subscription_writer import Subscription

T = TypeVar("T")

MERGE_ABOVE = 1000
"""Up to this many changes behind, each change is an event; further behind, the changes of a row are one event."""
PAGE_CHANGES = 3000
"""The most changes read from the table at once."""
CHANGES_AT_ONCE_FIRST = 50
BATCH_BYTES = 65_536
LOG_BYTES_MAX = 1_048_576
"""The most that is kept for subscribers that read slowly."""
STATEMENTS_AT_ONCE = 2
"""The most database connections that all broadcasts of the process use; the others are for requests."""
TURN_BYTES = 1_048_576
"""The bytes to hand to subscribers before requests have their turn: about a millisecond."""
SUBSCRIBER_COST_BYTES = 16_384
"""Waking a subscriber takes as long as writing this many bytes."""


class Broadcasts:
    """The broadcasts of one process."""

    def __init__(self) -> None:
        self._running: dict[Hashable, Broadcast] = {}
        self.statements = asyncio.Semaphore(STATEMENTS_AT_ONCE)
        self.turn = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._running)

    async def follow(self, caller: Caller, subscription: Subscription) -> AsyncGenerator[Batch, None]:
        """The events of a subscription, without end, by the broadcast of those that select the same.

        Raises FeedCursorInvalid, CursorExpired and what reading the rows raises.
        """
        principal = caller.principal
        key = id(caller.context), principal.role, principal.strategy_ids, subscription.key
        broadcast = self._running.get(key)
        if broadcast is None or broadcast.has_ended:
            broadcast = self._running[key] = Broadcast(caller, subscription, self)
        broadcast.subscribers += 1
        try:
            async with aclosing(broadcast.follow(subscription.selection.after)) as batches:
                async for batch in batches:
                    yield batch
        finally:
            broadcast.subscribers -= 1
            if not broadcast.subscribers:
                broadcast.end()
                if self._running.get(key) is broadcast:
                    del self._running[key]


class _Page(NamedTuple):
    """Changes after `start`, up to `end`, which were read from the table; `is_last`: the log continues there."""

    ticket: int
    start: Offset
    end: Offset
    batches: Sequence[Batch]
    is_last: bool


class Broadcast:
    """Follows the feed until `end`."""

    def __init__(self, caller: Caller, subscription: Subscription, shared: Broadcasts) -> None:
        self._caller, self._subscription, self._shared = caller, subscription, shared
        self._context = caller.context
        self._source = subscription.selection.source
        self.subscribers = 0
        self._epoch: UUID | None = None
        self._covered: Offset | None = None
        """The log has, or had, every change up to here."""
        self._floor = ORIGIN
        """The log still has every change after this."""
        self._log: deque[Batch] = deque()
        self._log_bytes = 0
        self._published = self._caught_up = 0
        """How often batches were added to the log, and how many subscribers have all of them."""
        self._evaluating = asyncio.Lock()
        self._tickets = itertools.count()
        self._at_once = CHANGES_AT_ONCE_FIRST
        """How many changes to evaluate at once, from the size of the latest events: their rows take memory."""
        self._wanted: dict[int, Offset] = {}
        """The offsets of subscribers that wait for a page."""
        self._page: _Page | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._task = asyncio.create_task(self._run(), name="broadcast")
        self._task.add_done_callback(self._report_end)

    @property
    def has_ended(self) -> bool:
        """Whether it failed or was ended: subscribers get the error, and no new one joins."""
        return self._task.done()

    def end(self) -> None:
        """Stop following the feed."""
        self._task.cancel()

    async def follow(self, after: str | None) -> AsyncGenerator[Batch, None]:
        """The batches after a cursor, or from now on, without end. None is empty."""
        position = await self._first_offset(after)
        while self._covered is None:
            await self._news()
        is_behind = after is not None
        while True:
            if is_behind or position < self._floor:
                page = await self._missed(position)
                batches = _following(page.batches, position)
                position, is_behind = max(position, page.end), not page.is_last
            elif position < self._covered:
                batches = _following(tuple(self._log), position)
                position = self._covered
            else:
                await self._news()
                continue
            for batch in batches:
                yield batch

    async def _first_offset(self, after: str | None) -> Offset:
        if after is not None:

            async def resolve() -> Offset:
                async with self._context.database.read_latest() as connection:
                    return (await offset_of_cursor(connection, after))[1]

            return await until_answered(resolve)
        # The broadcast may be behind the feed, and the feed behind what was committed before the subscription.
        while True:
            with suppress(Interrupted):
                async with self._context.feed.follow(self._source.changes) as subscriber:
                    return await subscriber.start()

    async def _news(self) -> None:
        """Wait for a batch. Raises what ended the broadcast."""
        if self._task.done():
            raise self._task.exception() or CursorExpired()
        published = self._published
        self._caught_up += 1
        if self._caught_up >= self.subscribers and self._covered is not None:
            self._log.clear()
            self._log_bytes, self._floor = 0, self._covered
        news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(news)
        try:
            await news
        finally:
            self._waiting.discard(news)
            if published == self._published:
                self._caught_up -= 1

    async def _missed(self, position: Offset) -> _Page:
        """A page evaluated from now on. It begins at the lowest offset that any subscriber waits for."""
        ticket = next(self._tickets)
        self._wanted[ticket] = position
        try:
            async with self._evaluating:
                page = self._page
                if page is None or page.ticket < ticket or not page.start <= position <= page.end:
                    page = self._page = await self._read_page(min(self._wanted.values()))
                return page
        finally:
            del self._wanted[ticket]
            if not self._wanted:
                self._page = None

    async def _read_page(self, start: Offset) -> _Page:
        ticket, until = next(self._tickets), self._covered
        assert until is not None
        if start >= until:
            return _Page(ticket, start, start, (), is_last=True)
        changes = await self._changes_between(start, until)
        end = until if len(changes) < PAGE_CHANGES else changes[-1].offset
        batches: list[Batch] = []
        for part in self._parts(changes, end):
            batches += await self._evaluated(*part)
            end = part[1]
            if sum(batch.size for batch in batches) >= LOG_BYTES_MAX:
                break
        return _Page(ticket, start, end, batches, end == until)

    async def _run(self) -> None:
        while True:
            async with self._context.feed.follow(self._source.changes) as subscriber:
                with suppress(Interrupted, DatabaseUnavailable):
                    await self._resume(await subscriber.start())
                    while True:
                        await self._publish_next(subscriber)

    async def _resume(self, start: Offset) -> None:
        """Continue where the feed starts; publish what was missed while it was interrupted. Raises CursorExpired."""
        if self._covered is None:
            self._epoch, self._covered, self._floor = self._context.feed.epoch, start, start
            _wake(list(self._waiting))
            return
        async with self._context.database.read_latest() as connection:
            if await epoch_and_presence(connection, self._covered) != (self._epoch, True):
                raise CursorExpired
        while self._covered < start:
            changes = await self._changes_between(self._covered, start)
            await self._publish(changes, start if len(changes) < PAGE_CHANGES else changes[-1].offset)

    async def _publish_next(self, subscriber: Subscriber) -> None:
        assert self._covered is not None
        # Rows published before (another process may be ahead of this one) are skipped.
        changes = [change for change in await subscriber.take() if change.offset > self._covered]
        if changes:
            await self._publish(changes, changes[-1].offset)

    async def _publish(self, changes: Sequence[Change], end: Offset) -> None:
        for part in self._parts(changes, end):
            async with self._evaluating:
                batches = await self._evaluated(*part)
                self._covered = part[1]
                if batches:
                    self._published, self._caught_up = self._published + 1, 0
                for batch in batches:
                    self._log.append(batch)
                    self._log_bytes += batch.size
                while self._log_bytes > LOG_BYTES_MAX and len(self._log) > len(batches):
                    dropped = self._log.popleft()
                    self._log_bytes -= dropped.size
                    self._floor = dropped.end
            if batches:
                await self._wake_in_turns(sum(batch.size for batch in batches))

    def _parts(self, changes: Sequence[Change], end: Offset) -> Iterator[tuple[Sequence[Change], Offset]]:
        """The changes that become events, as many at once as one statement looks up, and the offset that they reach."""
        mine, selection = self._caller.principal.strategy_ids, self._subscription.selection
        wanted = [one for one in changes if (mine is None or one.strategy_id in mine) and selection.includes(one)]
        if len(wanted) > MERGE_ABOVE:
            newest = {(one.strategy_id, one.key): one for one in wanted}
            wanted = sorted(newest.values())
        start = 0
        while len(wanted) - start > self._at_once:
            part = wanted[start : start + self._at_once]
            start += len(part)
            yield part, part[-1].offset
        yield wanted[start:], end

    async def _evaluated(self, changes: Sequence[Change], end: Offset) -> list[Batch]:
        """The events of these changes, in batches of a size that is written at once."""
        if not changes:
            return []
        rows = await self._answered(lambda: self._subscription.selection.rows(changes, self._caller))
        assert self._epoch is not None
        results: list[tuple[Offset, bytes]] = []
        for change, row in zip(changes, rows, strict=True):
            if row is not None:
                cursor = write_cursor(self._epoch, change.offset)
                results.append((change.offset, self._subscription.write(change, cursor, row)))
        if results:
            average = sum(len(result) for _, result in results) / len(results)
            self._at_once = min(CHANGES_AT_ONCE_MAX, max(1, int(LOG_BYTES_MAX / average)))
        return _batches(results, end)

    async def _changes_between(self, after: Offset, until: Offset) -> list[Change]:
        async def read() -> list[Change]:
            async with self._context.database.read_latest() as connection:
                return await changes_between(connection, after, until, self._source.changes, PAGE_CHANGES)

        return await self._answered(read)

    async def _answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        async def ask_in_turn() -> T:
            async with self._shared.statements:
                return await ask()

        return await until_answered(ask_in_turn)

    async def _wake_in_turns(self, size: int) -> None:
        """Wake the subscribers, some at a time: between, the event loop serves requests."""
        at_once = max(1, TURN_BYTES // (size + SUBSCRIBER_COST_BYTES))
        waiting = list(self._waiting)
        for start in range(0, len(waiting), at_once):
            async with self._shared.turn:
                _wake(waiting[start : start + at_once])
                await asyncio.sleep(0)

    def _report_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # raised to subscribers; without any, asyncio would log it
        _wake(list(self._waiting))


def _wake(waiting: Sequence[asyncio.Future[None]]) -> None:
    for news in waiting:
        if not news.done():
            news.set_result(None)


def _following(batches: Sequence[Batch], position: Offset) -> list[Batch]:
    """The events after an offset."""
    later = [batch.after(position) for batch in batches if batch.end > position]
    return [batch for batch in later if batch.results]


def _batches(results: Sequence[tuple[Offset, bytes]], end: Offset) -> list[Batch]:
    batches: list[Batch] = []
    part: list[tuple[Offset, bytes]] = []
    size = 0
    for place, (offset, result) in enumerate(results):
        part.append((offset, result))
        size += len(result)
        is_last = place == len(results) - 1
        if is_last or size >= BATCH_BYTES:
            offsets, texts = zip(*part, strict=True)
            batches.append(Batch(texts, offsets, end if is_last else offset))
            part, size = [], 0
    return batches
