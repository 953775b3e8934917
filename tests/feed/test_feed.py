"""The change feed delivers every change once and in order, also after failures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice, pairwise
from typing import Any

import asyncpg
import pytest

from app.database import Database, ReadConnection
from app.errors import CursorExpired, FeedCursorInvalid
from app.feed import feed, subscriber
from app.feed.changes import (
    ORIGIN,
    Change,
    Offset,
    changes_between,
    newest_offset,
    offset_of_cursor,
    poll,
    read_cursor,
    write_cursor,
)
from app.feed.feed import Feed
from app.feed.subscriber import Interrupted, Subscriber
from tests.feed.rows import change, until

pytestmark = pytest.mark.anyio

END_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query <> '' AND pid <> pg_backend_pid() AND application_name = 'purser'"
)


@asynccontextmanager
async def followed_feed(url: str, entity: str = "order") -> AsyncIterator[tuple[Feed, Subscriber]]:
    """A running feed, and a subscriber that has started."""
    reader = Feed()
    async with reader.running(url), reader.follow(entity) as subscription:
        await subscription.start()
        yield reader, subscription


async def next_keys(subscription: Subscriber, count: int) -> list[str]:
    """The keys of the next changes, at least `count`."""
    keys: list[str] = []
    while len(keys) < count:
        keys += [one.key for one in await subscription.next()]
    return keys


async def test_changes_arrive_in_order_without_a_notification(
    database_url: str, connection: asyncpg.Connection
) -> None:
    async with followed_feed(database_url) as (_, subscription):
        await change(connection, "order", "O-1", "O-2")
        await change(connection, "fill", "F-1")
        await change(connection, "order", "O-3")
        assert await next_keys(subscription, 3) == ["O-1", "O-2", "O-3"]


async def test_a_commit_wakes_the_feeds_of_other_processes(
    database_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "POLL_EVERY_SECONDS", 3600)
    async with followed_feed(database_url) as (writers, _), followed_feed(database_url) as (_, subscription):
        await change(connection, "order", "O-1")
        writers.wake()
        assert await next_keys(subscription, 1) == ["O-1"]


async def test_a_change_is_delivered_after_transactions_that_began_earlier(
    database_url: str, connection: asyncpg.Connection
) -> None:
    late = await asyncpg.connect(database_url)
    async with followed_feed(database_url) as (reader, subscription):
        async with late.transaction():
            await change(late, "order", "EARLY-BEGUN")
            await change(connection, "order", "FIRST-COMMITTED")
            # The change is read but pending: a subscriber that received it now would never get the
            # earlier one.
            await until(lambda: reader.status.lag_seconds > 0)
        assert await next_keys(subscription, 2) == ["EARLY-BEGUN", "FIRST-COMMITTED"]
        await until(lambda: reader.status.lag_seconds == 0)
    await late.close()


async def test_no_change_of_concurrent_writers_is_lost(database_url: str) -> None:
    async def write(writer: int) -> None:
        own = await asyncpg.connect(database_url)
        for number in range(40):
            async with own.transaction():
                await change(own, "order", f"{writer}-{number}-a")
                await own.execute("SELECT pg_sleep(0.001 * ($1::int % 7))", writer + number)
                await change(own, "order", f"{writer}-{number}-b")
        await own.close()

    async with followed_feed(database_url) as (_, subscription):
        seen: list[Change] = []
        writing = asyncio.gather(*(write(writer) for writer in range(8)))
        while len(seen) < 640:
            seen += await subscription.next()
        await writing
    assert len({one.key for one in seen}) == len(seen) == 640
    assert all(one.offset < other.offset for one, other in pairwise(seen))


@pytest.mark.parametrize("is_notified", [True, False])
async def test_a_lost_connection_loses_no_change(
    database_url: str, connection: asyncpg.Connection, is_notified: bool
) -> None:
    async with followed_feed(database_url) as (reader, subscription):
        start = await subscription.start()
        await connection.execute(END_CONNECTIONS)
        await change(connection, "order", "O-1")
        if is_notified:
            reader.wake()
        with pytest.raises(Interrupted):
            await next_keys(subscription, 2)
        async with reader.follow("order") as again:
            until_here = await again.start()
            missed = await changes_between(ReadConnection(connection), start, until_here, "order", 10)
            await change(connection, "order", "O-2")
            assert [one.key for one in missed] + await next_keys(again, 2 - len(missed)) == ["O-1", "O-2"]


async def test_a_slow_subscriber_is_disconnected(
    database_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "CHANGES_MAX", 5)
    async with followed_feed(database_url) as (reader, slow), reader.follow("order") as quick:
        await quick.start()
        for number in range(4):
            await change(connection, "order", f"{number}-a", f"{number}-b")
            assert await next_keys(quick, 2) == [f"{number}-a", f"{number}-b"]
        with pytest.raises(Interrupted):
            await slow.next()


async def test_many_changes_arrive_in_several_portions(
    database_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "CHANGES_AT_ONCE_MAX", 3)
    async with followed_feed(database_url) as (_, subscription):
        await change(connection, "order", *map(str, range(10)))
        assert await next_keys(subscription, 10) == list(map(str, range(10)))


async def test_the_feed_waits_for_an_unreachable_database(database_url: str, connection: asyncpg.Connection) -> None:
    await connection.execute("ALTER TABLE feed_epoch RENAME TO away")
    reader = Feed()
    async with reader.running(database_url), reader.follow("order") as subscription:
        assert (reader.status.is_connected, reader.status.age_seconds) == (False, None)
        await connection.execute("ALTER TABLE away RENAME TO feed_epoch")
        await subscription.start()
        assert reader.status.is_connected
        await change(connection, "order", "O-1")
        assert await next_keys(subscription, 1) == ["O-1"]


async def test_a_cursor_leads_to_the_change_after_its_offset(
    database: Database, connection: asyncpg.Connection
) -> None:
    await change(connection, "order", *map(str, range(5)))
    epoch = await connection.fetchval("SELECT epoch FROM feed_epoch")
    async with database.read() as reading:
        last = await newest_offset(reading)
        rows = await changes_between(reading, ORIGIN, last, "order", 10)
        assert [one.key for one in rows] == list(map(str, range(5)))
        for skipped, one in enumerate(rows):
            _, offset = await offset_of_cursor(reading, write_cursor(epoch, one.offset))
            found = await changes_between(reading, offset, last, "order", 2)
            assert [one.key for one in found] == list(islice(map(str, range(5)), skipped + 1, skipped + 3))
        assert await offset_of_cursor(reading, write_cursor(epoch, ORIGIN)) == (epoch, ORIGIN)


async def test_a_cursor_of_deleted_changes_has_expired(database: Database, connection: asyncpg.Connection) -> None:
    await change(connection, "order", *map(str, range(5)))
    epoch = await connection.fetchval("SELECT epoch FROM feed_epoch")
    async with database.read() as reading:
        rows = await changes_between(reading, ORIGIN, await newest_offset(reading), "order", 10)
        await connection.execute("DELETE FROM changes WHERE key < '3'")
        for one in rows:
            cursor = write_cursor(epoch, one.offset)
            if one.key < "3":
                with pytest.raises(CursorExpired):
                    await offset_of_cursor(reading, cursor)
            else:
                assert await offset_of_cursor(reading, cursor) == (epoch, one.offset)


async def test_a_cursor_of_another_epoch_has_expired(database: Database, connection: asyncpg.Connection) -> None:
    await change(connection, "order", "O-1")
    epoch = await connection.fetchval("SELECT epoch FROM feed_epoch")
    await connection.execute("UPDATE feed_epoch SET epoch = gen_random_uuid()")
    async with database.read() as reading:
        cursor = write_cursor(epoch, await newest_offset(reading))
        with pytest.raises(CursorExpired):
            await offset_of_cursor(reading, cursor)


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "0" * 32, f"{'0' * 32}-1", f"{'0' * 32}-1-", f"{'0' * 32}-g-1", f"{'0' * 31}-1-1"),
        *(f"{'0' * 32}--1-1", f"{'0' * 32}-1-{'f' * 16}", f"{'0' * 32}-{'f' * 17}-1", f"{'0' * 32}-1-1\n", "é" * 40),
    ],
)
def test_a_malformed_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(FeedCursorInvalid):
        read_cursor(cursor)


def test_a_cursor_round_trips_the_largest_offset() -> None:
    epoch, offset = read_cursor(f"{'0f' * 16}-ffffffffffffffff-7fffffffffffffff")
    assert offset == Offset(2**64 - 1, 2**63 - 1)
    assert read_cursor(write_cursor(epoch, offset)) == (epoch, offset)


async def test_an_internal_error_of_asyncpg_counts_as_a_lost_connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with followed_feed(database_url) as (reader, _):
        lost: list[bool] = []

        async def fail_once_with_internal_error(*given: Any) -> Any:
            if lost:
                return await poll(*given)
            lost.append(True)
            raise asyncpg.InternalClientError

        monkeypatch.setattr("app.feed.feed.poll", fail_once_with_internal_error)
        reader.wake()
        await until(lambda: bool(lost) and reader.status.is_connected)
    assert [(record.levelname, record.exc_info) for record in caplog.records if record.name == "purser.feed"] == [
        ("WARNING", None)
    ]
