"""WebSocket connections: the principal of each, its running operations, and what is sent; and their number."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, TypeAlias

from starlette.types import Receive, Scope, Send

from app.authentication.authentication import Authentication
from app.authentication.middleware import address_of, principal_of
from app.errors import NotReadyError, PurserError
from app.principal import Principal
from app.settings import FixedLimits, Settings
from graphql_schema.caller import Caller
from graphql_schema.errors import RequestCode, RequestRefused, coded, refusal
from graphql_schema.live.batches import Batch
from graphql_schema.live.messages import (
    ACK,
    SUBPROTOCOL,
    CloseCode,
    Complete,
    ConnectionInit,
    Message,
    Ping,
    Subscribe,
    complete_message,
    error_message,
    pong,
    read_message,
)
from graphql_schema.live.server_protocol import frame_writer

KEY_CHECK_SECONDS = 5.0
"""How often to check that a connection's key is still in force."""

REASON_BYTES_MAX = 123
"""What a close frame has room for."""


Answers: TypeAlias = Callable[[bytes, Caller], AsyncGenerator[Batch, None]]
"""From a request, as a POST's body has it, to its results in batches: one, or of a subscription any number.

Raises RequestRefused and domain errors.
"""


class Sockets:
    """All connections of the process: an ASGI application."""

    def __init__(self, answers: Answers, settings: Settings, limits: FixedLimits, message_bytes_max: int) -> None:
        self._answers, self._limits, self._message_bytes_max = answers, limits, message_bytes_max
        self._connections_max = settings.graphql_sockets_max
        self._connections = 0

    def __len__(self) -> int:
        return self._connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, for the scope `websocket`."""
        self._connections += 1
        try:
            connection = _Connection(scope, receive, send, self._answers, self._limits, self._message_bytes_max)
            await connection.run(is_one_too_many=self._connections > self._connections_max)
        finally:
            self._connections -= 1


class _Closed(Exception):
    """The connection is to be closed with this code; None: it is closed already."""

    def __init__(self, code: CloseCode | None = None, reason: str = "") -> None:
        self.code = code
        self.reason = reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")
        super().__init__(reason)


class _Connection:
    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        answers: Answers,
        limits: FixedLimits,
        message_bytes_max: int,
    ) -> None:
        self._scope, self._receive, self._raw_send = scope, receive, send
        self._answers, self._limits, self._message_bytes_max = answers, limits, message_bytes_max
        self._authentication: Authentication = scope["app"].state.authentication
        self._caller: Caller | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()
        self._frames = frame_writer(scope)
        self._ending: asyncio.Future[_Closed] = asyncio.get_running_loop().create_future()

    async def run(self, *, is_one_too_many: bool) -> None:
        await self._receive()  # websocket.connect
        is_spoken = SUBPROTOCOL in self._scope["subprotocols"]
        await self._raw_send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if is_spoken else None})
        reading = asyncio.create_task(self._read(is_spoken=is_spoken, is_one_too_many=is_one_too_many))
        watching = asyncio.create_task(self._watch())
        try:
            awaited: set[asyncio.Future[Any]] = {reading, watching, self._ending}
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = [reading, watching, *self._running.values()]
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        causes = [self._ending.result()] if self._ending.done() else []
        causes += [cause for cause in ended if isinstance(cause, _Closed)]
        await self._close(causes[0] if causes else _Closed(CloseCode.INTERNAL))
        for fault in ended:
            if isinstance(fault, Exception) and not isinstance(fault, _Closed):
                raise fault

    async def _close(self, why: _Closed) -> None:
        if why.code is not None:
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(self._limits.websocket_send_timeout_seconds):
                    await self._raw_send({"type": "websocket.close", "code": int(why.code), "reason": why.reason})

    async def _watch(self) -> None:
        """Close the connection once its key is in force no more."""
        while True:
            await asyncio.sleep(KEY_CHECK_SECONDS)
            self._require_force()

    def _require_force(self) -> None:
        if self._caller is not None and not self._authentication.is_in_force(self._caller.principal):
            raise _Closed(CloseCode.FORBIDDEN, "The key was revoked.")

    async def _read(self, *, is_spoken: bool, is_one_too_many: bool) -> None:
        if not is_spoken:
            raise _Closed(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, f"Speak {SUBPROTOCOL}.")
        if is_one_too_many:
            raise _Closed(CloseCode.TRY_AGAIN_LATER, "Too many connections.")
        try:
            async with asyncio.timeout(self._limits.websocket_init_timeout_seconds):
                message = await self._message()
                while not isinstance(message, ConnectionInit):
                    if not isinstance(message, Ping):
                        raise _Closed(CloseCode.UNAUTHORIZED, "Unauthorized")
                    await self._send(pong(message.payload))
                    message = await self._message()
                self._caller = Caller(self._scope["app"].state.context, await self._authenticated(message))
        except TimeoutError:
            raise _Closed(CloseCode.INITIALISATION_TIMEOUT, "Connection initialisation timeout") from None
        await self._send(ACK)
        while True:
            await self._handle(await self._message(), self._caller)

    async def _authenticated(self, init: ConnectionInit) -> Principal:
        """By the key in the payload, or else by what came with the request's headers."""
        key = _key_in(init.payload or {})
        try:
            if key is None:
                return principal_of(self._scope)
            return await self._authentication.authenticate(key, address_of(self._scope))
        except NotReadyError as error:
            raise _Closed(CloseCode.TRY_AGAIN_LATER, str(error)) from error
        except PurserError as error:
            raise _Closed(CloseCode.FORBIDDEN, str(error)) from error

    async def _handle(self, message: Message, caller: Caller) -> None:
        match message:
            case ConnectionInit():
                raise _Closed(CloseCode.TOO_MANY_INITIALISATIONS, "Too many initialisation requests")
            case Ping():
                await self._send(pong(message.payload))
            case Subscribe():
                if message.id in self._running:
                    raise _Closed(CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {message.id} already exists")
                if len(self._running) >= self._limits.websocket_operations_max:
                    too_many = refusal(RequestCode.TOO_MANY_OPERATIONS, "Too many operations run on this connection.")
                    await self._send(error_message(message.id, too_many.errors))
                    return
                self._running[message.id] = asyncio.create_task(self._answer(message, caller))
            case Complete():
                task = self._running.pop(message.id, None)
                if task is not None:
                    task.cancel()

    async def _answer(self, message: Subscribe, caller: Caller) -> None:
        try:
            async with aclosing(self._answers(bytes(message.payload), caller)) as results:
                async for batch in results:
                    self._require_force()
                    await self._send_results(message.id, batch)
            last = complete_message(message.id)
        except _Closed as why:
            self._end(why)
            return
        except RequestRefused as why:
            last = error_message(message.id, why.errors)
        except Exception as error:
            last = error_message(message.id, [coded(error)])
        # Removed before the message is sent: the client may use the id again at once.
        if self._running.get(message.id) is asyncio.current_task():
            del self._running[message.id]
            try:
                await self._send(last)
            except _Closed as why:
                self._end(why)

    def _end(self, why: _Closed) -> None:
        if not self._ending.done():
            self._ending.set_result(why)

    async def _message(self) -> Message:
        received = await self._receive()
        if received["type"] == "websocket.disconnect":
            raise _Closed
        text = received.get("text")
        if text is None or len(text) > self._message_bytes_max:
            raise _Closed(CloseCode.INVALID_MESSAGE, "Messages are texts, and no longer than a request may be.")
        try:
            return read_message(text)
        except ValueError as error:
            raise _Closed(CloseCode.INVALID_MESSAGE, f"Invalid message: {error}") from error

    async def _send_results(self, operation_id: str, batch: Batch) -> None:
        """Raises _Closed if the client does not read in time."""
        if self._frames is None:
            for text in batch.messages(operation_id):
                await self._send(text)
            return
        try:
            if not self._frames.is_writable:
                async with asyncio.timeout(self._limits.websocket_send_timeout_seconds):
                    while not self._frames.is_writable:
                        await self._frames.drained()
            self._frames.write(batch.frames(operation_id))
        except TimeoutError:
            self._frames.abort()
            raise _Closed from None
        except OSError:
            raise _Closed from None

    async def _send(self, text: str) -> None:
        """Raises _Closed if the client does not read in time."""
        try:
            async with asyncio.timeout(self._limits.websocket_send_timeout_seconds), self._sending:
                await self._raw_send({"type": "websocket.send", "text": text})
        except TimeoutError:
            if self._frames is not None:
                self._frames.abort()
            raise _Closed from None
        except OSError:
            raise _Closed from None


def _key_in(payload: Mapping[str, Any]) -> str | None:
    """The key in `connectionParams`, under the names that the headers have."""
    for name, value in payload.items():
        if isinstance(value, str):
            if name.lower() == "authorization":
                scheme, _, key = value.partition(" ")
                return key.strip() if scheme.lower() == "bearer" else ""
            if name.lower() == "x-api-key":
                return value.strip()
    return None
