"""A client's connection to one of several instances. It stays open, and moves to the next instance after a failure."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any

ANSWER_SECONDS_MAX = 60.0
PAUSE_SECONDS = 0.05
"""Pause after a refusal: a stopped instance needs time to restart."""


class Connection:
    """Repeats a request, byte for byte, until there is a response."""

    def __init__(self, ports: Sequence[int], first: int) -> None:
        self._ports = cycle([*ports[first:], *ports[:first]])
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.repeats = 0
        """The number of repeated requests."""

    async def ask(self, query: str, variables: dict[str, Any]) -> Any:
        """The `data` of the response. Raises AssertionError if it has errors, TimeoutError."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        head = "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while True:
                with suppress(OSError, EOFError):
                    status, answer = await self._send(request)
                    if status != 503:
                        assert status == 200, (status, answer)
                        assert "errors" not in answer, answer
                        return answer["data"]
                await self._disconnect()
                self.repeats += 1

    async def close(self) -> None:
        """Closes the connection, if it is open."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _disconnect(self) -> None:
        await self.close()
        await asyncio.sleep(PAUSE_SECONDS)

    async def _send(self, request: bytes) -> tuple[int, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", next(self._ports))
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ", 1)[1].split("\r\n", 1)[0])
        return int(head.split(" ", 2)[1]), json.loads(await reader.readexactly(length))
