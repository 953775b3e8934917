"""A client of graphql-transport-ws, over a real connection to a real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SUBPROTOCOL = "graphql-transport-ws"
ANSWER_SECONDS_MAX = 30.0


class Socket:
    """One connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Any:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            return json.loads(await self.connection.recv())

    async def ask(self, query: str, id: str = "1", **variables: Any) -> None:
        await self.send(id=id, type="subscribe", payload={"query": query, "variables": variables})

    async def event(self, id: str = "1") -> Any:
        """The data of the next event; nothing else may come."""
        payload = await self.payload(id)
        assert "errors" not in payload, payload
        return payload["data"]

    async def payload(self, id: str = "1") -> Any:
        """The next event, with what went wrong in it; nothing else may come."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("next", id), message
        return message["payload"]

    async def answer(self, query: str, id: str = "question", **variables: Any) -> Any:
        """The data of a query."""
        await self.ask(query, id, **variables)
        data = await self.event(id)
        assert await self.receive() == {"id": id, "type": "complete"}
        return data

    async def feed_cursor(self) -> str:
        return str((await self.answer("{ feedCursor }"))["feedCursor"])

    async def errors(self, id: str = "1") -> list[str]:
        """The codes of the errors that end an operation."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("error", id), message
        return [error["extensions"]["code"] for error in message["payload"]]

    async def closed(self) -> tuple[int, str]:
        """Why the server closes the connection."""
        with pytest.raises(ConnectionClosed) as caught:
            await self._receive_until_closed()
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code, caught.value.rcvd.reason

    async def _receive_until_closed(self) -> None:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while True:
                await self.connection.recv()


@asynccontextmanager
async def open_socket(address: str, *subprotocols: Any, **options: Any) -> AsyncIterator[Socket]:
    """A connection that has said nothing yet."""
    url = f"{address.replace('http', 'ws', 1)}/graphql"
    # Without bound: a client that stops reading at a full queue never sees the end of the connection either.
    options = {"max_queue": None, **options}
    async with connect(url, subprotocols=subprotocols or (SUBPROTOCOL,), **options) as connection:
        yield Socket(connection)


@asynccontextmanager
async def connected(address: str, **params: Any) -> AsyncIterator[Socket]:
    """A connection that was acknowledged, with these `connectionParams`."""
    async with open_socket(address) as socket:
        await socket.send(type="connection_init", **({"payload": params} if params else {}))
        assert await socket.receive() == {"type": "connection_ack"}
        yield socket
