"""What a consumer reads at once, and what it holds."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.streams.consumer_group import ConsumerGroup, GroupOptions
from app.streams.entry_merge import EntryMerge
from tests.streams.entries import PREFIX, feed, pending_in
from tests.streams.redis_server import RedisServer

pytestmark = pytest.mark.anyio

STREAMS, ENTRIES, SHARE = 3, 40, 10
TOPICS = [f"events.order.S-{number:03}" for number in range(STREAMS)]


@pytest.fixture
async def group(redis_server: RedisServer) -> AsyncIterator[ConsumerGroup]:
    async with Redis.from_url(redis_server.url, protocol=2) as client:
        yield ConsumerGroup(client, GroupOptions(patterns=("trader-*",), group="purser", consumer="one"))


async def test_no_more_than_a_share_of_each_stream_is_in_memory(
    redis_server: RedisServer, group: ConsumerGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.streams.consumer_group.SHARE_MAX", SHARE)
    monkeypatch.setattr("app.streams.consumer_group.SHARE_MIN", SHARE)
    client = redis_server.client()
    for number in range(1, ENTRIES + 1):
        for topic in TOPICS:
            client.xadd(f"{PREFIX}:{topic}", {"topic": topic, "payload": b"{}"}, id=f"{number}-0")
    await group.discover()
    merge, taken, most = EntryMerge(), 0, 0
    while not (merge.is_empty and merge.is_complete and taken):
        if not merge.is_ready:
            await group.read(merge, is_waiting=False)
        most = max(most, pending_in(client))
        entries = merge.take(4)
        await group.acknowledge(entries)
        taken += len(entries)
    assert taken == STREAMS * ENTRIES
    # A stream is read again when one of its entries is left, which may be a part of a millisecond.
    assert SHARE * STREAMS <= most <= (SHARE + 1) * STREAMS
    assert pending_in(client) == 0


async def test_entries_in_memory_are_not_claimed_from_this_consumer(redis_server: RedisServer) -> None:
    client = redis_server.client()
    feed(client, [(TOPICS[0], b"{}"), (TOPICS[0], b"{}")])
    async with Redis.from_url(redis_server.url, protocol=2) as connected:
        options = GroupOptions(patterns=("trader-*",), group="purser", consumer="one", claim_idle_seconds=0)
        group, merge = ConsumerGroup(connected, options), EntryMerge()
        await group.discover()
        while not merge.is_ready:
            await group.read(merge, is_waiting=False)
        assert await group.claim(merge) == (0, 0)
        assert len(merge.take(10)) == 2
