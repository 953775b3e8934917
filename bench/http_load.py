"""A load generator: requests over some keep-alive connections, each as soon as the answer before it has come."""

import asyncio
import json
import re
import time
from collections.abc import Callable

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class _Asking(asyncio.Protocol):
    """One connection. Counts bytes instead of parsing: what is sent is known, and so is every answer's form."""

    def __init__(self, next_request: Callable[[], bytes], until: float) -> None:
        self.next_request, self.until = next_request, until
        self.seconds: list[float] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head, self._missing = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        request = self.next_request()
        self._asked = time.perf_counter()
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
            self.seconds.append(now - self._asked)
            if now < self.until:
                self._ask()
            else:
                self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or RuntimeError("the server hung up"))

    def _end(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_result(None) if error is None else self.finished.set_exception(error)
            self.transport.close()


async def answers(port: int, next_request: Callable[[], bytes], connections: int, seconds: float) -> list[float]:
    """Ask for so long over that many connections; how long each answer took, in seconds. Raises RuntimeError."""
    loop, started = asyncio.get_running_loop(), time.perf_counter()
    asking = [
        (await loop.create_connection(lambda: _Asking(next_request, started + seconds), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(one.finished for one in asking))
    return [taken for one in asking for taken in one.seconds]


async def requests_per_second(port: int, request: bytes, connections: int, seconds: float) -> float:
    """Answers to the same request per second over that many connections."""
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
    """The body of one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    assert length, head
    body = await reader.readexactly(int(length[1]))
    writer.close()
    return body
