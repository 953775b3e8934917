"""The recordings, as entries of a real Redis in every form, give the ledger of the engine and of an import."""

from typing import Any

import pytest

from app.database import Database
from tests.feed.rows import until
from tests.ledger.state import broken_invariants, content_of, record, wipe
from tests.ledger.test_engine_truth import assert_engine_truth, lines_of_events
from tests.streams.entries import (
    SKIPPED,
    as_digits,
    as_iso,
    as_json,
    as_msgpack,
    entries_of,
    feed,
    instrument_entry,
    lengths_of,
    pending_in,
)
from tests.streams.following import follow_once, following
from tests.streams.redis_server import RedisServer

pytestmark = pytest.mark.anyio


async def content_without_payloads(database: Database) -> dict[str, set[tuple[Any, ...]]]:
    """The content of the ledger; payloads depend on the form of the stamps."""
    content = await content_of(database)
    content["order_events"] = {row[:-1] for row in content["order_events"]}
    return content


@pytest.mark.parametrize("stamp", [as_digits, as_iso])
@pytest.mark.parametrize("encode", [as_json, as_msgpack])
@pytest.mark.parametrize("per_topic", [True, False])
async def test_every_form_of_entries_gives_the_truth_of_the_engine(
    redis_server: RedisServer, database: Database, per_topic: bool, encode: Any, stamp: Any
) -> None:
    client = redis_server.client()
    entries = [*SKIPPED, *entries_of("inverse", encode, stamp), *SKIPPED, instrument_entry(encode)]
    feed(client, entries, per_topic=per_topic)
    before = lengths_of(client)
    status = await follow_once(redis_server, database)
    assert (status.counts.rejected, status.counts.quarantined, status.counts.instruments) == (0, 0, 1)
    # The keys of two of these topics show that nothing in them is recorded.
    unread = 2 * 2 if per_topic else 0
    assert status.counts.passed_over == 2 * len(SKIPPED) - unread
    assert status.entries == len(entries) - unread
    await assert_engine_truth(database, "inverse")
    assert await broken_invariants(database) == []
    assert (pending_in(client), lengths_of(client)) == (0, before)
    assert (await follow_once(redis_server, database)).entries == 0


async def test_the_ledger_is_the_one_of_an_import_of_the_file(redis_server: RedisServer, database: Database) -> None:
    lines = lines_of_events("contingent")
    await record(database, lines)
    imported = await content_without_payloads(database)
    await wipe(database)
    feed(redis_server.client(), entries_of("contingent"))
    status = await follow_once(redis_server, database)
    assert status.counts.accepted + status.counts.duplicates + status.counts.quarantined == len(lines)
    assert await content_without_payloads(database) == imported


async def test_two_consumers_share_the_entries(redis_server: RedisServer, database: Database) -> None:
    client = redis_server.client()
    entries = [instrument_entry(), *entries_of("inverse")]
    async with (
        following(redis_server, database, consumer="one") as one,
        following(redis_server, database, consumer="two") as two,
    ):
        await until(lambda: one.redis_connected and two.redis_connected)
        for start in range(0, len(entries), 50):
            feed(client, entries[start : start + 50])
        await until(lambda: one.entries + two.entries == len(entries))
    await assert_engine_truth(database, "inverse")


async def test_more_entries_than_fit_in_memory_are_read_in_shares(
    redis_server: RedisServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.streams.consumer_group.SHARE_MIN", 7)
    monkeypatch.setattr("app.streams.consumer_group.ENTRIES_MAX", 35)
    monkeypatch.setattr("app.streams.follower.BATCH_ENTRIES", 11)
    client = redis_server.client()
    entries = [instrument_entry(), *entries_of("inverse")]
    feed(client, entries)
    status = await follow_once(redis_server, database)
    assert status.entries == len(entries)
    await assert_engine_truth(database, "inverse")
