"""Entries of a real Redis in the ledger: refusals, other consumers, new and deleted streams, trimmed entries."""

import json
import logging
from typing import Any

import pytest
from redis.asyncio import Redis

from app.database import Database
from app.streams import refusals
from app.streams.follower import Follower
from app.streams.stream_status import StreamStatus
from tests.events import published
from tests.feed.rows import until
from tests.ledger.test_engine_truth import assert_engine_truth
from tests.streams.entries import (
    PREFIX,
    UNREADABLE,
    as_json,
    entries_of,
    feed,
    instrument_entry,
    left_in,
    pending_in,
)
from tests.streams.following import follow_once, following, options_of
from tests.streams.redis_server import RedisServer

pytestmark = pytest.mark.anyio

ORDERS = f"{PREFIX}:events.order.EMACross-000"


def order_entry(kind: str, number: int, **fields: Any) -> tuple[str, bytes]:
    return "events.order.EMACross-000", as_json(published(kind, number, **fields))


async def test_a_fill_under_two_topics_is_recorded_once(redis_server: RedisServer, database: Database) -> None:
    _, fill = order_entry("OrderFilled", 3)
    entries = [order_entry("OrderInitialized", 1), order_entry("OrderAccepted", 2), order_entry("OrderFilled", 3)]
    feed(redis_server.client(), [*entries, ("events.fills.BTCUSDT-PERP.BINANCE", fill)])
    counts = (await follow_once(redis_server, database)).counts
    assert (counts.accepted, counts.duplicates) == (3, 1)


async def test_entries_that_are_added_later_and_new_streams_are_recorded(
    redis_server: RedisServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.streams.follower.DISCOVER_INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr("app.streams.consumer_group.BLOCK_MS", 50)
    client = redis_server.client()
    async with following(redis_server, database) as status:
        await until(lambda: status.redis_connected)
        for number in (1, 2, 3):
            topic = f"events.order.Strategy-{number:03}"
            feed(client, [(topic, as_json(published("OrderInitialized", number, strategy_id=f"Strategy-{number:03}")))])
            await until(lambda number=number: status.counts.accepted == number)  # type: ignore[misc]
        feed(client, [(topic, as_json(published("OrderSubmitted", 4, strategy_id="Strategy-003")))])
        await until(lambda: status.counts.accepted == 4)
    assert pending_in(client) == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"topic": "events.order.EMACross-000", "payload": UNREADABLE}, "MALFORMED_JSON"),
        ({"topic": "events.order.EMACross-000", "payload": b"\x81\xa4type"}, "MALFORMED_MSGPACK"),
        ({"topic": "events.order.EMACross-000", "payload": b'{"type":"OrderTeleported"}'}, "UNKNOWN_EVENT_TYPE"),
        ({"topic": "events.order.EMACross-000", "payload": b"\xdf" + b"x" * 1_100_000}, "EVENT_TOO_LARGE"),
        ({"topic": "events.order.EMACross-000"}, "INVALID_ENTRY"),
        ({"payload": b"{}"}, "INVALID_ENTRY"),
        ({"something": "else"}, "INVALID_ENTRY"),
    ],
)
async def test_an_entry_that_cannot_be_recorded_is_moved_aside_and_blocks_nothing(
    redis_server: RedisServer,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    fields: dict[str, bytes | str],
    code: str,
) -> None:
    client = redis_server.client()
    feed(client, [order_entry("OrderInitialized", 1)])
    refused_id = client.xadd(ORDERS, fields)  # type: ignore[arg-type]
    feed(client, [order_entry("OrderSubmitted", 2)])
    status = await follow_once(redis_server, database)
    assert (status.counts.accepted, status.counts.rejected, pending_in(client)) == (2, 1, 0)
    assert f"refused {ORDERS} {refused_id.decode()}: {code}" in caplog.text  # type: ignore[union-attr]
    ((_, copy),) = client.xrange(refusals.REFUSED_KEY)  # type: ignore[misc]
    assert (copy[b"key"], copy[b"id"], copy[b"code"]) == (ORDERS.encode(), refused_id, code.encode())
    kept = {name: value for name, value in fields.items() if name != "something" and len(value) < 1_000_000}
    for name in ("topic", "payload"):
        expected = kept.get(name)
        assert copy.get(name.encode()) == (expected.encode() if isinstance(expected, str) else expected)
    assert client.xlen(ORDERS) == 3


async def test_a_refusal_that_cannot_be_copied_blocks_nothing(
    redis_server: RedisServer, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    client = redis_server.client()
    client.execute_command("ACL", "SETUSER", "reader", "on", ">secret", "~trader-*", "+@all")
    feed(client, [("events.order.EMACross-000", b"{"), order_entry("OrderInitialized", 1)])
    status = StreamStatus()
    async with Redis(port=redis_server.port, protocol=2, username="reader", password="secret") as limited:
        await Follower(limited, database, options_of(), status).run()
    assert (status.counts.accepted, status.counts.rejected, pending_in(client)) == (1, 1, 0)
    assert "1 refused entries cannot be copied to purser:refused" in caplog.text
    assert client.exists(refusals.REFUSED_KEY) == 0


async def test_refused_entries_can_be_followed_once_their_cause_is_gone(
    redis_server: RedisServer, database: Database
) -> None:
    client = redis_server.client()
    topic, payload = order_entry("OrderInitialized", 1)
    client.xadd(refusals.REFUSED_KEY, {"key": ORDERS, "code": "X", "topic": topic, "payload": payload})
    client.xadd(refusals.REFUSED_KEY, {"key": ORDERS, "code": "X", "topic": topic, "payload": b"{"})
    status = await follow_once(redis_server, database, patterns=(refusals.REFUSED_KEY,))
    assert (status.counts.accepted, status.counts.rejected) == (1, 1)
    # The one that is refused again is not copied again.
    assert (client.xlen(refusals.REFUSED_KEY), pending_in(client)) == (2, 0)


async def test_an_instrument_that_contradicts_its_fills_is_refused(
    redis_server: RedisServer, database: Database
) -> None:
    client = redis_server.client()
    feed(client, [instrument_entry(), *entries_of("inverse")])
    await follow_once(redis_server, database)
    topic, payload = instrument_entry(as_json)
    feed(client, [(topic, as_json(json.loads(payload) | {"multiplier": "10"}))])
    assert (await follow_once(redis_server, database)).counts.rejected == 1
    ((_, copy),) = client.xrange(refusals.REFUSED_KEY)  # type: ignore[misc]
    assert copy[b"code"] == b"INSTRUMENT_IN_USE"
    await assert_engine_truth(database, "inverse")


async def test_a_new_group_may_begin_after_the_existing_entries(redis_server: RedisServer, database: Database) -> None:
    client = redis_server.client()
    feed(client, [order_entry("OrderInitialized", 1)])
    assert (await follow_once(redis_server, database, first_id="$")).entries == 0
    feed(client, [order_entry("OrderSubmitted", 2)])
    # A stream that appears later is new as a whole, also after a restart.
    feed(client, [("events.order.Other-000", as_json(published("OrderInitialized", 3, strategy_id="Other-000")))])
    status = await follow_once(redis_server, database, first_id="$")
    assert status.entries == 2


async def test_entries_of_a_dead_consumer_are_claimed(redis_server: RedisServer, database: Database) -> None:
    client = redis_server.client()
    feed(client, [order_entry("OrderInitialized", 1), order_entry("OrderSubmitted", 2)])
    client.xgroup_create(ORDERS, "purser", "0")
    client.xreadgroup("purser", "dead", {ORDERS: ">"})
    feed(client, [order_entry("OrderAccepted", 3)])
    assert (await follow_once(redis_server, database)).counts.quarantined == 1
    assert pending_in(client) == 2
    status = await follow_once(redis_server, database, claim_idle_seconds=0.001)
    assert (status.counts.accepted, pending_in(client)) == (2, 0)
    async with database.read() as connection:
        assert await connection.fetchval("SELECT status FROM orders") == "ACCEPTED"


async def test_entries_that_this_consumer_left_behind_are_read_first(
    redis_server: RedisServer, database: Database
) -> None:
    client = redis_server.client()
    feed(client, [order_entry("OrderInitialized", 1), order_entry("OrderSubmitted", 2)])
    client.xgroup_create(ORDERS, "purser", "0")
    client.xreadgroup("purser", "one", {ORDERS: ">"})
    feed(client, [order_entry("OrderAccepted", 3)])
    counts = (await follow_once(redis_server, database)).counts
    assert (counts.accepted, counts.quarantined, pending_in(client)) == (3, 0, 0)


async def test_entries_that_are_trimmed_before_they_are_read_are_counted(
    redis_server: RedisServer, database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.streams.follower.POSITIONS_INTERVAL_SECONDS", 0.01)
    client = redis_server.client()
    feed(client, [order_entry("OrderInitialized", 1), order_entry("OrderSubmitted", 2)])
    assert (await follow_once(redis_server, database)).removed_unread == 0
    feed(client, [order_entry("OrderAccepted", number) for number in range(3, 10)])
    client.xtrim(ORDERS, maxlen=4, approximate=False)
    caplog.clear()
    status = await follow_once(redis_server, database)
    assert (status.removed_unread, status.entries) == (3, 4)
    assert f"{ORDERS}: at least 3 entries were removed from Redis before they were read" in caplog.text
    # Trimming what was recorded loses nothing.
    client.xtrim(ORDERS, maxlen=1, approximate=False)
    feed(client, [order_entry("OrderPendingCancel", 10)])
    status = await follow_once(redis_server, database)
    assert (status.removed_unread, status.entries) == (0, 1)


async def test_entries_that_are_deleted_before_they_are_acknowledged_are_counted(
    redis_server: RedisServer, database: Database
) -> None:
    client = redis_server.client()
    feed(client, [order_entry("OrderInitialized", 1), order_entry("OrderSubmitted", 2)])
    client.xgroup_create(ORDERS, "purser", "0")
    ((_, delivered),) = client.xreadgroup("purser", "one", {ORDERS: ">"})  # type: ignore[misc]
    client.xdel(ORDERS, delivered[0][0])  # type: ignore[index]
    status = await follow_once(redis_server, database)
    assert (status.entries, status.removed_unread, pending_in(client)) == (1, 1, 0)


async def test_a_deleted_stream_is_followed_anew(
    redis_server: RedisServer, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = redis_server.client()
    feed(client, [order_entry("OrderInitialized", 1)])
    async with following(redis_server, database) as status:
        await until(lambda: status.entries == 1)
        client.delete(ORDERS)
        feed(client, [order_entry("OrderSubmitted", 2)])
        await until(lambda: status.entries == 2)
    assert left_in(client) == 0
