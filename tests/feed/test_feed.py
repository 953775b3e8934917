"""The change feed: every change once, in order, whatever is interrupted."""

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

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query <> '' AND pid <> pg_backend_pid() AND application_name = 'purser'"
)


@asynccontextmanager
async def following(url: str, entity: str = "order") -> AsyncIterator[tuple[Feed, Subscriber]]:
    """A running feed, and a subscriber from its start."""
    reader = Feed()
    async with reader.running(url), reader.follow(entity) as followed:
        await followed.start()
        yield reader, followed


async def some(followed: Subscriber, count: int) -> list[str]:
    """The keys of the next changes."""
    keys: list[str] = []
    while len(keys) < count:
        keys += [one.key for one in await followed.next()]
    return keys


async def test_changes_come_in_order_without_any_notification(
    database_url: str, connection: asyncpg.Connection
) -> None:
    async with following(database_url) as (_, followed):
        await change(connection, "order", "O-1", "O-2")
        await change(connection, "fill", "F-1")
        await change(connection, "order", "O-3")
        assert await some(followed, 3) == ["O-1", "O-2", "O-3"]


async def test_a_process_that_commits_wakes_the_others(
    database_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "POLL_EVERY_SECONDS", 3600)
    async with following(database_url) as (writers, _), following(database_url) as (_, followed):
        await change(connection, "order", "O-1")
        writers.wake()
        assert await some(followed, 1) == ["O-1"]


async def test_what_commits_late_is_waited_for(database_url: str, connection: asyncpg.Connection) -> None:
    late = await asyncpg.connect(database_url)
    async with following(database_url) as (reader, followed):
        async with late.transaction():
            await change(late, "order", "EARLY-BEGUN")
            await change(connection, "order", "FIRST-COMMITTED")
            # Polled but pending: a reader that took it now would never find the other.
            await until(lambda: reader.status.lag_seconds > 0)
        assert await some(followed, 2) == ["EARLY-BEGUN", "FIRST-COMMITTED"]
        await until(lambda: reader.status.lag_seconds == 0)
    await late.close()


async def test_writers_at_once_lose_nothing(database_url: str) -> None:
    async def write(writer: int) -> None:
        own = await asyncpg.connect(database_url)
        for number in range(40):
            async with own.transaction():
                await change(own, "order", f"{writer}-{number}-a")
                await own.execute("SELECT pg_sleep(0.001 * ($1::int % 7))", writer + number)
                await change(own, "order", f"{writer}-{number}-b")
        await own.close()

    async with following(database_url) as (_, followed):
        seen: list[Change] = []
        writing = asyncio.gather(*(write(writer) for writer in range(8)))
        while len(seen) < 640:
            seen += await followed.next()
        await writing
    assert len({one.key for one in seen}) == len(seen) == 640
    assert all(one.offset < other.offset for one, other in pairwise(seen))


@pytest.mark.parametrize("is_notified", [True, False])
async def test_a_cut_connection_costs_no_change(
    database_url: str, connection: asyncpg.Connection, is_notified: bool
) -> None:
    async with following(database_url) as (reader, followed):
        start = await followed.start()
        await connection.execute(CUT)
        await change(connection, "order", "O-1")
        if is_notified:
            reader.wake()
        with pytest.raises(Interrupted):
            await some(followed, 2)
        async with reader.follow("order") as again:
            until_here = await again.start()
            missed = await changes_between(ReadConnection(connection), start, until_here, "order", 10)
            await change(connection, "order", "O-2")
            assert [one.key for one in missed] + await some(again, 2 - len(missed)) == ["O-1", "O-2"]


async def test_one_who_is_slow_is_cut_and_not_waited_for(
    database_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "CHANGES_MAX", 5)
    async with following(database_url) as (reader, slow), reader.follow("order") as quick:
        await quick.start()
        for number in range(4):
            await change(connection, "order", f"{number}-a", f"{number}-b")
            assert await some(quick, 2) == [f"{number}-a", f"{number}-b"]
        with pytest.raises(Interrupted):
            await slow.next()


async def test_many_changes_at_once_come_in_portions(
    database_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "CHANGES_AT_ONCE_MAX", 3)
    async with following(database_url) as (_, followed):
        await change(connection, "order", *map(str, range(10)))
        assert await some(followed, 10) == list(map(str, range(10)))


async def test_a_database_that_is_away_is_waited_for(database_url: str, connection: asyncpg.Connection) -> None:
    await connection.execute("ALTER TABLE feed_epoch RENAME TO away")
    reader = Feed()
    async with reader.running(database_url), reader.follow("order") as followed:
        assert (reader.status.is_connected, reader.status.age_seconds) == (False, None)
        await connection.execute("ALTER TABLE away RENAME TO feed_epoch")
        await followed.start()
        assert reader.status.is_connected
        await change(connection, "order", "O-1")
        assert await some(followed, 1) == ["O-1"]


async def test_a_cursor_leads_back_to_its_place(database: Database, connection: asyncpg.Connection) -> None:
    await change(connection, "order", *map(str, range(5)))
    epoch = await connection.fetchval("SELECT epoch FROM feed_epoch")
    async with database.read() as reading:
        last = await newest_offset(reading)
        rows = await changes_between(reading, ORIGIN, last, "order", 10)
        assert [one.key for one in rows] == list(map(str, range(5)))
        for skipped, one in enumerate(rows):
            _, offset = await offset_of_cursor(reading, write_cursor(epoch, one.offset))
            following = await changes_between(reading, offset, last, "order", 2)
            assert [one.key for one in following] == list(islice(map(str, range(5)), skipped + 1, skipped + 3))
        assert await offset_of_cursor(reading, write_cursor(epoch, ORIGIN)) == (epoch, ORIGIN)


async def test_a_cursor_whose_rows_were_deleted_has_expired(database: Database, connection: asyncpg.Connection) -> None:
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


async def test_a_cursor_of_another_history_has_expired(database: Database, connection: asyncpg.Connection) -> None:
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
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(FeedCursorInvalid):
        read_cursor(cursor)


def test_every_place_has_a_cursor_of_its_own() -> None:
    epoch, offset = read_cursor(f"{'0f' * 16}-ffffffffffffffff-7fffffffffffffff")
    assert offset == Offset(2**64 - 1, 2**63 - 1)
    assert read_cursor(write_cursor(epoch, offset)) == (epoch, offset)


async def test_whatever_asyncpg_says_of_a_lost_connection_is_a_cut(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(database_url) as (reader, _):
        lost: list[bool] = []

        async def once_between_the_last_message_and_the_end(*given: Any) -> Any:
            if lost:
                return await poll(*given)
            lost.append(True)
            raise asyncpg.InternalClientError

        monkeypatch.setattr("app.feed.feed.poll", once_between_the_last_message_and_the_end)
        reader.wake()
        await until(lambda: bool(lost) and reader.status.is_connected)
    assert [(record.levelname, record.exc_info) for record in caplog.records if record.name == "purser.feed"] == [
        ("WARNING", None)
    ]
