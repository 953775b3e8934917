"""WebSocket clients that only count: parsing every message would measure the clients."""

import asyncio
import base64
import json
import os
import sys
import time

from bench.http_load import get

_MARK = b'"type":"next"'
_READ_PAUSE_SECONDS = 0.01


class CountingClient(asyncio.Protocol):
    """A client of graphql-transport-ws. `received` has the bytes after the handshake if `keeps`."""

    def __init__(self, messages: list[object], *, keeps: bool = False) -> None:
        self._messages, self._keeps = messages, keeps
        self.count, self.last_at, self.received = 0, 0.0, bytearray()
        self._tail = b""
        self.opened = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13"}
        request = get(
            "/graphql", **upgrade, **{"sec-websocket-key": key, "sec-websocket-protocol": "graphql-transport-ws"}
        )
        transport.write(request)

    def data_received(self, received: bytes) -> None:
        if not self.opened.is_set():
            self.opened.set()
            self.transport.write(b"".join(_masked(json.dumps(one).encode()) for one in self._messages))
        if self._keeps:
            self.received += received
        seen = self._tail + received
        found = seen.count(_MARK)
        self._tail = seen[-len(_MARK) + 1 :]
        if found:
            self.count += found
            self.last_at = time.perf_counter()


async def connect(port: int, clients: int, query: str) -> list[CountingClient]:
    """Clients that subscribe to the same document, each under an id of its own; the first keeps what it receives."""
    loop = asyncio.get_running_loop()
    connected = []
    for number in range(clients):
        subscribe = {"id": f"{number:036}", "type": "subscribe", "payload": {"query": query}}
        client = CountingClient([{"type": "connection_init"}, subscribe], keeps=not number)
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
        connected.append(client)
    await asyncio.gather(*(client.opened.wait() for client in connected))
    return connected


def payloads(received: bytes) -> list[bytes]:
    """The payloads of all frames after the response to the handshake."""
    place = received.index(b"\r\n\r\n") + 4
    found = []
    while place + 2 <= len(received):
        length, place = received[place + 1], place + 2
        if length >= 126:
            width = 2 if length == 126 else 8
            length, place = int.from_bytes(received[place : place + width], "big"), place + width
        found.append(bytes(received[place : place + length]))
        place += length
    return found


def _masked(payload: bytes) -> bytes:
    """A text frame of a client, masked with zeros."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + payload


async def _read_for_ever(port: int) -> None:
    """Prints the milliseconds of each small read until standard input ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    while not ended.done():
        began = time.perf_counter()
        writer.write(get("/api/trading/summary"))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        print((time.perf_counter() - began) * 1000)
        await asyncio.sleep(_READ_PAUSE_SECONDS)


if __name__ == "__main__":
    asyncio.run(_read_for_ever(int(sys.argv[1])))
