"""Many subscribers of one document: each receives every change of an import, in order, whatever is cut meanwhile."""

import asyncio
import json
import os
import random
import signal
import socket as sockets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, NamedTuple

import asyncpg
import psutil
import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import State
from websockets.uri import parse_uri

from app.cli.serving import WEBSOCKET_OPTIONS
from app.database.embedded import EmbeddedServer
from app.database.upgrade import upgrade
from app.feed.changes import ORIGIN, Change, Offset, read_cursor
from graphql_schema.live import broadcast
from graphql_schema.live.batches import Batch
from graphql_schema.live.events import Row
from graphql_schema.live.subscription_writer import Subscription
from tests.conftest import ROOT
from tests.feed.rows import set_budget, until
from tests.graphql_schema.live.client import connected, open_socket
from tests.graphql_schema.live.test_protocol import until_connected
from tests.graphql_schema.service import running

pytestmark = pytest.mark.anyio

ORDERS = """subscription ($after: String) { orders(after: $after) { cursor order {
    clientOrderId strategyId status filledQty tsLast
} } }"""
CHANGES = "SELECT xid, id, strategy_id, key FROM changes WHERE entity = 'order' ORDER BY xid, id"
ROWS = "{ orders(first: 1000) { nodes { clientOrderId strategyId status filledQty tsLast } } }"
END_FEED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND query LIKE '%pg_snapshot_xmin%'"
)
PURSER = Path(sys.executable).with_name("purser")
MEMORY_MAX = 60 * 2**20
RECORDING = ROOT / "tests" / "data" / "dev_several.events.jsonl.gz"
BUDGETS = "subscription ($after: String) { budgets(after: $after) { cursor currency } }"
RowKey = tuple[str, str]


class Seen(NamedTuple):
    """One event: where it stands in the feed, and the order that it shows."""

    offset: Offset
    order: dict[str, Any]

    @property
    def row(self) -> RowKey:
        return self.order["strategyId"], self.order["clientOrderId"]


class Subscriber:
    """A client that follows all orders; if it is impatient, it breaks its connection again and again."""

    def __init__(self, address: str, cursor: str, *, is_impatient: bool) -> None:
        self.address, self.cursor, self.is_impatient = address, cursor, is_impatient
        self.seen: list[Seen] = []

    async def follow(self, is_complete: asyncio.Event) -> None:
        while not is_complete.is_set():
            async with connected(self.address) as socket:
                await socket.ask(ORDERS, after=self.cursor)
                for _ in range(random.randint(1, 200) if self.is_impatient else 1_000_000):
                    event = (await socket.event())["orders"]
                    self.cursor = event["cursor"]
                    self.seen.append(Seen(read_cursor(self.cursor)[1], event["order"]))
                    if is_complete.is_set():
                        return
                socket.connection.transport.abort()


async def import_recording(url: str) -> None:
    """Imports until it succeeds: PostgreSQL may be restarted meanwhile."""
    environment = {**os.environ, "PURSER_DATABASE_URL": url}
    code = -1
    while code:
        importing = await asyncio.create_subprocess_exec(PURSER, "import", RECORDING, env=environment, stderr=DEVNULL)
        code = await importing.wait()


async def cut_feed(url: str, times: int) -> None:
    connection = await asyncpg.connect(url)
    for _ in range(times):
        await connection.execute("SELECT pg_sleep(0.2)")
        await connection.execute(END_FEED)
    await connection.close()


async def follow_import(url: str, address: str, subscribers: int, *disturbances: Any) -> None:
    """Imports the recording while clients follow it; checks what each of them received against the tables."""
    async with connected(address) as socket:
        cursor = await socket.feed_cursor()
    clients = [Subscriber(address, cursor, is_impatient=not number % 10) for number in range(subscribers)]
    is_complete = asyncio.Event()
    following = [asyncio.create_task(client.follow(is_complete)) for client in clients]
    await asyncio.gather(import_recording(url), *disturbances)
    connection = await asyncpg.connect(url)
    changes = {Offset(xid, id): (str(one), key) for xid, id, one, key in await connection.fetch(CHANGES)}
    await connection.close()
    last = max(changes)
    await until(lambda: all(client.seen and client.seen[-1].offset == last for client in clients))
    is_complete.set()
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    async with connected(address) as socket:
        found = (await socket.answer(ROWS))["orders"]["nodes"]
    rows = {(one["strategyId"], one["clientOrderId"]): one for one in found}
    for client in clients:
        check(client.seen, changes, rows)


def check(seen: list[Seen], changes: dict[Offset, RowKey], rows: dict[RowKey, dict[str, Any]]) -> None:
    """Each change once and in order; a change is missing only if a later one of its row was received instead."""
    offsets = [one.offset for one in seen]
    assert offsets == sorted(set(offsets))
    assert [one.row for one in seen] == [changes[offset] for offset in offsets]
    newest = {one.row: one for one in seen}
    assert {row: one.offset for row, one in newest.items()} == {row: offset for offset, row in changes.items()}
    assert {row: one.order for row, one in newest.items()} == {row: rows[row] for row in newest}
    versions: dict[RowKey, tuple[float, str]] = {}
    for one in seen:
        version = float(one.order["filledQty"]), one.order["tsLast"]
        assert versions.get(one.row, (0.0, "")) <= version
        versions[one.row] = version


async def test_two_hundred_subscribers_receive_every_change_of_an_import(database_url: str) -> None:
    with running(database_url) as address:
        await follow_import(database_url, address, 200, cut_feed(database_url, 5))


@pytest.mark.long
async def test_a_thousand_subscribers_receive_every_change_while_postgresql_is_restarted() -> None:
    with own_server() as server:
        await upgrade(server.url)
        with running(server.url, graphql_sockets_max=2000) as address:
            await follow_import(server.url, address, 1000, cut_and_restart(server))


@contextmanager
def own_server() -> Iterator[EmbeddedServer]:
    """A server that may be restarted."""
    with (
        tempfile.TemporaryDirectory(prefix="purser-fan-out-") as directory,
        EmbeddedServer.start(Path(directory), durable=False) as server,
    ):
        yield server


async def cut_and_restart(server: EmbeddedServer) -> None:
    """Cuts the feed, then kills PostgreSQL, once the import has written; returns when it is up again."""
    connection = await asyncpg.connect(server.url)
    while await connection.fetchval("SELECT count(*) FROM changes") < 500:
        await connection.execute("SELECT pg_sleep(0.05)")
    await connection.execute(END_FEED)
    victim = server.postmaster_pid
    assert victim is not None
    os.kill(victim, signal.SIGQUIT)
    connection.terminate()
    is_up = False
    while not is_up:
        with suppress(OSError, asyncpg.PostgresError):
            again = await asyncpg.connect(server.url)
            is_up = await again.fetchval("SELECT true")
            await again.close()


async def test_a_subscriber_that_reads_nothing_is_cut_off_and_costs_no_memory(
    database_url: str, connection: asyncpg.Connection
) -> None:
    """A hundred megabytes of events pass it by."""
    aliases = " ".join(f"c{number}: currency" for number in range(50))
    query = f"subscription ($after: String) {{ budgets(after: $after) {{ cursor {aliases} }} }}"
    currencies = [f"{number:04}" + "x" * 2000 for number in range(1000)]
    with running(database_url, websocket_send_timeout_seconds=1, graphql_sockets_max=2) as address:
        stalled = sockets.socket()
        stalled.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", int(address.rpartition(":")[2])))
        async with (
            open_socket(address, max_queue=4) as reader,
            open_socket(address, sock=stalled, max_queue=1, compression=None, close_timeout=0.1) as silent,
        ):
            for one in (silent, reader):
                await one.send(type="connection_init")
                assert (await one.receive())["type"] == "connection_ack"
            cursor = await reader.feed_cursor()
            for one in (silent, reader):
                await one.ask(query, after=cursor)
            process = psutil.Process()
            before = process.memory_info().rss
            for currency in currencies:
                await set_budget(connection, currency, "1")
            for currency in currencies:
                assert (await reader.event())["budgets"]["c49"] == currency
            assert process.memory_info().rss - before < MEMORY_MAX
            await until_connected(address)


async def test_changes_of_a_row_are_one_event_for_a_subscriber_that_is_far_behind(
    database_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "MERGE_ABOVE", 5)
    with running(database_url) as address:
        async with connected(address) as socket:
            cursor = await socket.feed_cursor()
            for currency in ("A", "B", "A", "A"):
                await set_budget(connection, currency, "1")
            await socket.ask(BUDGETS, "near", after=cursor)
            near = [await socket.event("near") for _ in range(4)]
            assert [one["budgets"]["currency"] for one in near] == ["A", "B", "A", "A"]
            await socket.send(id="near", type="complete")
            for currency in ("B", "C"):
                await set_budget(connection, currency, "1")
            await socket.ask(BUDGETS, "far", after=cursor)
            far = [(await socket.event("far"))["budgets"] for _ in range(3)]
            assert [one["currency"] for one in far] == ["A", "B", "C"]
            assert far[0]["cursor"] == near[-1]["budgets"]["cursor"]


async def test_an_event_is_encoded_once_for_subscriptions_that_select_the_same(
    database_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    write = Subscription.write

    def counted(self: Subscription, change: Change, cursor: str, row: Row) -> bytes:
        written.append(change.key)
        return write(self, change, cursor, row)

    monkeypatch.setattr(Subscription, "write", counted)
    with running(database_url) as address:
        async with connected(address) as one, connected(address) as other:
            cursor = await one.feed_cursor()
            for socket in (one, other):
                for id in ("a", "longer"):
                    await socket.ask(BUDGETS, id, after=cursor)
            for currency in ("FIRST", "SECOND"):
                # Subscriptions that resume may each read what they missed; from then on they are one.
                await set_budget(connection, currency, "1")
                for socket in (one, other):
                    received = [await socket.receive() for _ in range(2)]
                    assert {message["id"] for message in received} == {"a", "longer"}
                    assert {message["payload"]["data"]["budgets"]["currency"] for message in received} == {currency}
    assert written.count("SECOND") == 1


async def test_a_server_that_frames_messages_itself_is_served_too(
    database_url: str, connection: asyncpg.Connection
) -> None:
    for options in ({}, {"ws_per_message_deflate": True, **WEBSOCKET_OPTIONS, "ws": "websockets-sansio"}):
        with running(database_url, server_options=options) as address:
            async with connected(address) as socket:
                cursor = await socket.feed_cursor()
                await socket.ask(BUDGETS, after=cursor)
                for currency in ("A", "B" * 200):
                    await set_budget(connection, currency, "1")
                    assert (await socket.event())["budgets"]["currency"] == currency


@pytest.mark.parametrize("length", [0, 1, 60, 61, 62, 63, 64, 65, 125, 65_400, 65_460, 65_480, 65_500, 70_000])
def test_frames_are_what_a_websocket_library_reads(length: int) -> None:
    batch = Batch([b'{"data":"%b"}' % (b"x" * size) for size in (length, 3, length)])
    for id in ("1", "é", "1", '"quoted"'):
        client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
        client.receive_data(batch.frames(id))
        texts = [frame.data.decode() for frame in client.events_received() if isinstance(frame, Frame)]
        assert texts == list(batch.messages(id))
        assert json.loads(texts[0]) == {"id": id, "type": "next", "payload": {"data": "x" * length}}


def test_a_batch_is_cut_at_an_offset() -> None:
    offsets = [Offset(1, 2), Offset(1, 5), Offset(2, 1)]
    batch = Batch([b"1", b"2", b"3"], offsets, Offset(3, 0))
    for offset, left in ((ORIGIN, 3), (Offset(1, 2), 2), (Offset(1, 4), 2), (Offset(2, 1), 0)):
        assert len(batch.after(offset).results) == left
