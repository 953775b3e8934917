"""A load generator: requests over keep-alive connections, each sent as soon as the previous response is complete."""

import asyncio
import json
import re
import time
from collections.abc import Callable

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """One connection. Counts bytes instead of parsing, as the format of every response is known."""

    def __init__(self, next_request: Callable[[], bytes], until: float) -> None:
        self.next_request, self.until = next_request, until
        self.seconds: list[float] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head, self._missing = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def _send(self) -> None:
        request = self.next_request()
        self._sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, received: bytes) -> None:
        if not self._missing:
            self._head += received
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._head.startswith(b"HTTP/1.1 200 "):
                self._end(RuntimeError(f"answered {self._head[:200]!r}"))
                return
            length = _LENGTH.search(self._head)
            assert length, self._head
            self._missing = end + 4 + int(length[1])
            received, self._head = self._head, b""
        self._missing -= len(received)
        if not self._missing:
            now = time.perf_counter()
            self.seconds.append(now - self._sent_at)
            if now < self.until:
                self._send()
            else:
                self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or RuntimeError("the server hung up"))

    def _end(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_result(None) if error is None else self.finished.set_exception(error)
            self.transport.close()


async def answers(port: int, next_request: Callable[[], bytes], connections: int, seconds: float) -> list[float]:
    """Sends requests for `seconds`. Returns the latency of each response, in seconds. Raises RuntimeError."""
    loop, started = asyncio.get_running_loop(), time.perf_counter()
    open_connections = [
        (await loop.create_connection(lambda: _Connection(next_request, started + seconds), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(one.finished for one in open_connections))
    return [taken for one in open_connections for taken in one.seconds]


async def requests_per_second(port: int, request: bytes, connections: int, seconds: float) -> float:
    """Responses to the same request per second over `connections`."""
    started = time.perf_counter()
    taken = await answers(port, lambda: request, connections, seconds)
    return len(taken) / (time.perf_counter() - started)


def get(path: str, **headers: str) -> bytes:
    """The bytes of a GET request."""
    lines = [f"GET {path} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post_json(path: str, body: object) -> bytes:
    """The bytes of a POST request."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


async def answer_to(port: int, request: bytes) -> bytes:
    """The body of one response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    assert length, head
    body = await reader.readexactly(int(length[1]))
    writer.close()
    return body
