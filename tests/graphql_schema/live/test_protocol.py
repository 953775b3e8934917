"""graphql-transport-ws, as its PROTOCOL.md has it; and the limits of a connection."""

import asyncio
import socket as sockets
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from websockets.exceptions import ConnectionClosed

from tests.feed.rows import DEADLINE_SECONDS, set_budget
from tests.graphql_schema.live.client import Socket, connected, open_socket
from tests.graphql_schema.live.test_principals import STRATEGY
from tests.graphql_schema.service import running
from tests.reads.rows import EMA

pytestmark = pytest.mark.anyio

BUDGETS = "subscription ($after: String) { budgets(after: $after) { currency } }"


async def test_queries_are_answered_and_completed(socket: Socket) -> None:
    assert await socket.answer("query Q($n: Int) { orders(first: $n) { totalCount } }", n=1) == {
        "orders": {"totalCount": 0}
    }
    await socket.ask("{ strategy { id } }")
    message = await socket.receive()
    assert (message["type"], message["payload"]["data"]) == ("next", {"strategy": None})
    assert [error["extensions"]["code"] for error in message["payload"]["errors"]] == ["BAD_REQUEST"]
    assert (await socket.receive())["type"] == "complete"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{ nothing }"}, "VALIDATION_FAILED"),
        ({"query": "subscription { nothing }"}, "VALIDATION_FAILED"),
        ({"query": "subscription { budgets { currency } fills { cursor } }"}, "VALIDATION_FAILED"),
        ({"query": "subscription { __typename }"}, "VALIDATION_FAILED"),
        ({"query": "subscription S { fills @skip(if: true) { cursor } }"}, "VALIDATION_FAILED"),
        ({"query": "subscription { budgets { currency } "}, "BAD_REQUEST"),
        ({"query": ""}, "BAD_REQUEST"),
        ({}, "BAD_REQUEST"),
        ([], "BAD_REQUEST"),
        ({"query": "{ summary { orders } }", "variables": []}, "BAD_REQUEST"),
        ({"query": "subscription ($a: String!) { budgets(after: $a) { currency } }"}, "VALIDATION_FAILED"),
        ({"query": 'subscription { budgets(strategyId: "x") { currency } }'}, "VALIDATION_FAILED"),
        ({"query": 'subscription { budgets(after: "x") { currency } }'}, "CURSOR_INVALID"),
        ({"query": f'subscription {{ budgets(after: "{"0" * 32}-1-1") {{ currency }} }}'}, "CURSOR_EXPIRED"),
        ({"query": "subscription { orders { order { fills(first: 1001) { totalCount } } } }"}, "PAGE_TOO_LARGE"),
        ({"query": "subscription { orders { order { fills(first: 1, last: 1) { nodes { id } } } } }"}, "BAD_REQUEST"),
    ],
)
async def test_a_refused_operation_is_an_error_and_the_connection_continues(
    socket: Socket, payload: Any, code: str
) -> None:
    await socket.send(id="1", type="subscribe", payload=payload)
    assert await socket.errors() == [code]
    assert await socket.answer("{ summary { orders } }", "1") == {"summary": {"orders": 0}}


async def test_pings_are_answered_before_and_after_the_init(service: str) -> None:
    async with open_socket(service) as socket:
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}
        await socket.send(type="connection_init")
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.send(type="pong")
        await socket.send(type="ping", payload={"n": 1})
        assert await socket.receive() == {"type": "pong", "payload": {"n": 1}}


async def test_a_completed_subscription_sends_no_events(socket: Socket, connection: asyncpg.Connection) -> None:
    cursor = await socket.feed_cursor()
    await socket.ask(BUDGETS, "1", after=cursor)
    await set_budget(connection, "USDT", "1")
    assert await socket.event() == {"budgets": {"currency": "USDT"}}
    await socket.send(id="1", type="complete")
    await socket.send(id="unknown", type="complete")
    await socket.ask(BUDGETS, "2", after=await socket.feed_cursor())
    await set_budget(connection, "EUR", "1")
    assert await socket.event("2") == {"budgets": {"currency": "EUR"}}
    # The id is free again, and means another operation.
    await socket.ask(BUDGETS, "1", after=cursor)
    assert [(await socket.event())["budgets"]["currency"] for _ in range(2)] == ["USDT", "EUR"]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["no JSON"], 4400),
        (["[]"], 4400),
        (['{"type": "start"}'], 4400),
        (['{"id": "1"}'], 4400),
        ([b"\x00"], 4400),
        (['{"type": "connection_init", "payload": 1}'], 4400),
        (['{"type": "connection_init"}', '{"type": "subscribe", "id": "1"}'], 4400),
        (['{"type": "connection_init"}', '{"type": "subscribe", "id": "", "payload": {}}'], 4400),
        (['{"type": "connection_init"}', '{"type": "complete"}'], 4400),
        (['{"type": "connection_init"}', "[" * 100_000], 4400),
        (['{"type": "subscribe", "id": "1", "payload": {"query": "{summary{orders}}"}}'], 4401),
        (['{"type": "connection_init"}', '{"type": "connection_init"}'], 4429),
        (
            [
                '{"type": "connection_init"}',
                *['{"type":"subscribe","id":"1","payload":{"query":"subscription{fills{cursor}}"}}'] * 2,
            ],
            4409,
        ),
        (
            [
                '{"type": "connection_init"}',
                *[f'{{"type":"subscribe","id":"{"é" * 90}","payload":{{"query":"subscription{{fills{{cursor}}}}"}}}}']
                * 2,
            ],
            4409,
        ),
    ],
)
async def test_a_protocol_violation_closes_the_connection_with_its_code(
    service: str, messages: list[str | bytes], code: int
) -> None:
    async with open_socket(service) as socket:
        for message in messages:
            await socket.connection.send(message)
        assert (await socket.closed())[0] == code


@pytest.mark.parametrize("subprotocol", ["graphql-ws", "chat"])
async def test_another_subprotocol_is_refused(service: str, subprotocol: str) -> None:
    url = f"{service.replace('http', 'ws', 1)}/graphql"
    # Not by the client of `websockets`, which hangs up by itself where its subprotocol is not taken.
    _, port = url.removesuffix("/graphql").rsplit(":", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    writer.write(
        b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: " + subprotocol.encode() + b"\r\n\r\n"
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    frame = await reader.readexactly(4)
    assert (frame[0], int.from_bytes(frame[2:4], "big")) == (0x88, 4406)
    writer.close()


async def test_a_connection_without_init_is_closed(database_url: str) -> None:
    with running(database_url, websocket_init_timeout_seconds=0.1) as address:
        async with open_socket(address) as socket:
            assert await socket.closed() == (4408, "Connection initialisation timeout")
        async with connected(address) as socket:
            assert await socket.answer("{ summary { orders } }") == {"summary": {"orders": 0}}


async def test_the_number_of_connections_is_limited(database_url: str) -> None:
    with running(database_url, graphql_sockets_max=2) as address:
        async with connected(address), connected(address) as second:
            async with open_socket(address) as third:
                assert (await third.closed())[0] == 1013
            await second.answer("{ summary { orders } }")
        async with connected(address) as fourth:
            await fourth.answer("{ summary { orders } }")


async def test_the_number_of_operations_of_a_connection_is_limited(database_url: str) -> None:
    with running(database_url, websocket_operations_max=2) as address:
        async with connected(address) as socket:
            for id in ("1", "2", "3"):
                await socket.ask("subscription { fills { cursor } }", id)
            assert await socket.errors("3") == ["TOO_MANY_OPERATIONS"]
            await socket.send(id="1", type="complete")
            assert await socket.answer("{ summary { orders } }", "3") == {"summary": {"orders": 0}}


async def test_a_message_has_the_length_limit_of_a_request(database_url: str) -> None:
    with running(database_url, graphql_query_bytes_max=2048, graphql_mutation_bytes_max=4096) as address:
        async with connected(address) as socket:
            await socket.ask("{ summary { orders } } #" + "x" * 2500)
            assert await socket.errors() == ["BODY_TOO_LARGE"]
            await socket.ask("mutation { __typename } #" + "x" * 5000)
            assert (await socket.closed())[0] == 4400


async def test_a_mutation_is_completed_after_its_client_completes_it(
    database_url: str, connection: asyncpg.Connection
) -> None:
    budget = 'setBudget(strategy: {name: "EMACross-000"}, currency: "USDT", allocated: 5) { __typename }'
    await connection.execute(STRATEGY, EMA, "EMACross-000")
    holder = await asyncpg.connect(database_url)
    with running(database_url) as address:
        async with holder.transaction():
            # Whoever changes something of the strategy waits for us.
            await holder.execute("SELECT FROM strategies FOR UPDATE")
            async with connected(address) as socket:
                await socket.ask(f"mutation {{ {budget} }}", "left")
                await until_found(connection, "pg_stat_activity WHERE wait_event_type = 'Lock' AND query <> ''")
                await socket.send(id="left", type="complete")
                await socket.answer("{ summary { orders } }")
        await until_found(connection, "budgets WHERE allocated = 5")
    await holder.close()


async def until_found(connection: asyncpg.Connection, rows: str) -> None:
    """Ask until there are such rows."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await connection.fetchval(f"SELECT count(*) FROM {rows}"):
            pass


async def test_a_client_that_does_not_read_is_disconnected(database_url: str, connection: asyncpg.Connection) -> None:
    with running(database_url, websocket_send_timeout_seconds=0.5, graphql_sockets_max=1) as address:
        port = int(address.rpartition(":")[2])
        stalled = sockets.socket()
        stalled.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", port))
        async with open_socket(address, sock=stalled, max_queue=1, compression=None, close_timeout=0.1) as socket:
            await socket.send(type="connection_init")
            assert (await socket.receive())["type"] == "connection_ack"
            flooding = asyncio.create_task(ping_forever(socket))
            # The only connection that there may be is given up for another one.
            await until_connected(address)
            flooding.cancel()


async def ping_forever(socket: Socket) -> None:
    """Ask for answers of a hundred kilobytes, which nobody takes."""
    with suppress(ConnectionClosed):
        while True:
            await socket.send(type="ping", payload={"text": "x" * 100_000})


async def until_connected(address: str) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            async with open_socket(address) as socket:
                with suppress(ConnectionClosed):
                    await socket.send(type="connection_init")
                    assert await socket.receive() == {"type": "connection_ack"}
                    return
