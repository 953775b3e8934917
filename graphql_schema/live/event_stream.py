"""Operations over server-sent events: GraphQL over SSE, distinct connections mode (enisdenjo/graphql-sse, PROTOCOL.md).

One request is one operation. Each result is an event `next`; `complete` is the last event. What a WebSocket limits is
limited here by the same settings.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson
from starlette.types import Receive, Scope, Send

from app.authentication.authentication import Authentication
from app.errors import Busy, Unauthenticated
from app.settings import FixedLimits, Settings
from graphql_schema.caller import Caller
from graphql_schema.errors import RequestRefused, coded, formatted
from graphql_schema.live.batches import Batch

MEDIA_TYPE = "text/event-stream"
KEEP_ALIVE_SECONDS = 5.0
"""How often a comment is sent, and how often the key is checked: proxies close connections that are silent."""
_COMMENT = b":\n\n"
_COMPLETE = b"event: complete\ndata:\n\n"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"Accept"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-accel-buffering", b"no"),  # nginx would collect events
]


class EventStreams:
    """All event streams of the process."""

    def __init__(self, settings: Settings, limits: FixedLimits) -> None:
        self._streams_max = settings.graphql_sockets_max
        self._send_seconds_max = limits.websocket_send_timeout_seconds
        self._streams = 0

    def __len__(self) -> int:
        return self._streams

    def require_room(self) -> None:
        """Raises Busy if there are too many streams."""
        if self._streams >= self._streams_max:
            raise Busy("Too many event streams.")

    async def send_all(
        self, scope: Scope, receive: Receive, send: Send, results: AsyncGenerator[Batch, None], caller: Caller
    ) -> None:
        """Send the response: all results, until they end or the client is gone."""
        self._streams += 1
        try:
            await _Stream(scope, send, self._send_seconds_max, caller).run(receive, results)
        finally:
            self._streams -= 1


class _Gone(Exception):
    """The client is gone, or reads nothing."""


class _Stream:
    def __init__(self, scope: Scope, send: Send, send_seconds_max: float, caller: Caller) -> None:
        self._raw_send, self._send_seconds_max, self._caller = send, send_seconds_max, caller
        self._authentication: Authentication = scope["app"].state.authentication
        self._sending = asyncio.Lock()

    async def run(self, receive: Receive, results: AsyncGenerator[Batch, None]) -> None:
        await self._raw_send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._send(_COMMENT)
        sending = asyncio.create_task(self._send_results(results))
        tasks = [sending, asyncio.create_task(self._keep_alive()), asyncio.create_task(_until_gone(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [fault for fault in ended if isinstance(fault, Exception)]
        if not faults:
            await self._send(_COMPLETE, is_last=True)
        elif not any(isinstance(fault, _Gone) for fault in faults):
            await self._send(_errors(faults[0]) + _COMPLETE, is_last=True)

    async def _send_results(self, results: AsyncGenerator[Batch, None]) -> None:
        async with aclosing(results):
            async for batch in results:
                self._require_force()
                await self._send(batch.server_sent())

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            self._require_force()
            await self._send(_COMMENT)

    def _require_force(self) -> None:
        if not self._authentication.is_in_force(self._caller.principal):
            raise Unauthenticated(is_wrong=True)

    async def _send(self, body: bytes, *, is_last: bool = False) -> None:
        """Raises _Gone if the client does not read in time."""
        try:
            async with asyncio.timeout(self._send_seconds_max), self._sending:
                await self._raw_send({"type": "http.response.body", "body": body, "more_body": not is_last})
        except (TimeoutError, OSError):
            raise _Gone from None


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _Gone


def _errors(fault: Exception) -> bytes:
    errors = fault.errors if isinstance(fault, RequestRefused) else [coded(fault)]
    body = orjson.dumps({"errors": [formatted(error) for error in errors]})
    return b"event: next\ndata: %b\n\n" % body
