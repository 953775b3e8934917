"""One subscription over any number of connections, without I/O: the protocol graphql-transport-ws, and how to resume.

Every connection subscribes after the last cursor received, so that each change is received exactly once. If no cursor
is given, the first connection asks for the current one before it subscribes: otherwise a connection lost before the
first change would lose the changes after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from purser_client.errors import Busy, PurserError, Unauthorized, Unavailable, UnexpectedAnswer
from purser_client.generated import operations
from purser_client.request import PATH, GraphQLErrorBody, Request, error_without_body, result_of
from purser_client.retries import RetryPolicy

SUBPROTOCOL = Subprotocol("graphql-transport-ws")
HEARTBEAT_SECONDS = 10.0
"""How often the service is pinged, and how long its pong may take, until the connection counts as lost."""
MESSAGE_BYTES_MAX = 16 * 2**20
CLOSE_SECONDS_MAX = 1.0
_KEY_REFUSED = {4401, 4403}
_TRY_AGAIN_LATER = 1013
_PROTOCOL_ERRORS = range(4400, 4500)
_CURSOR, _CHANGES = "cursor", "changes"


class Change(Protocol):
    """What every subscription reports."""

    @property
    def cursor(self) -> str:
        """The position in the change feed after this change."""


C = TypeVar("C", bound=Change)


class _Message(msgspec.Struct):
    type: str
    id: str = ""
    payload: msgspec.Raw = msgspec.Raw(b"")


class Subscription(Generic[C]):
    """The state of one subscription: its cursor, and what its current connection has to send next."""

    def __init__(
        self,
        request: Callable[[str | None], Request[C]],
        after: str | None,
        url: str,
        key: str | None,
        timeout: float,
        retries: RetryPolicy,
    ) -> None:
        """`request` builds the subscription after a cursor, `after` is the first one, `timeout` is in seconds."""
        self.url = url.replace("http", "ws", 1) + PATH
        self.cursor = after
        self._request, self._key, self._timeout = request, key, timeout
        self._retries = retries
        self._failures = 0
        self._was_connected = False
        self._is_acknowledged = False

    @property
    def connect_options(self) -> dict[str, Any]:
        """Arguments of `websockets`' `connect`, which pings the service every `HEARTBEAT_SECONDS`."""
        return {
            "subprotocols": [SUBPROTOCOL],
            "open_timeout": self._timeout,
            "ping_interval": HEARTBEAT_SECONDS,
            "ping_timeout": HEARTBEAT_SECONDS,
            "close_timeout": CLOSE_SECONDS_MAX,
            "max_size": MESSAGE_BYTES_MAX,
            "compression": None,
        }

    @property
    def message_timeout(self) -> float | None:
        """Seconds to wait for the next message; None once changes may take any time."""
        return None if self._is_acknowledged and self.cursor is not None else self._timeout

    def opening(self) -> str:
        """The first message of a new connection."""
        self._is_acknowledged = False
        params = {} if self._key is None else {"Authorization": f"Bearer {self._key.strip()}"}
        return _message("connection_init", payload=params)

    def receive(self, text: str | bytes) -> tuple[str | None, C | None]:
        """What to send after this message, and the change that it reports. Raises PurserError."""
        try:
            message = _DECODER.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise UnexpectedAnswer(f"a message that is none of graphql-transport-ws: {error}") from error
        match message.type:
            case "connection_ack":
                self._is_acknowledged = self._was_connected = True
                return self._subscribe(), None
            case "ping":
                return _message("pong", payload=message.payload if bytes(message.payload) else None), None
            case "next" if message.id == _CURSOR:
                self.cursor = result_of(operations.feed_cursor(), 200, {}, bytes(message.payload))
                self._failures = 0
                return self._subscribe(), None
            case "next":
                change = result_of(self._request(self.cursor), 200, {}, bytes(message.payload))
                self.cursor, self._failures = change.cursor, 0
                return None, change
            case "error":
                raise _errors(bytes(message.payload))
            case "complete" if message.id == _CHANGES:
                raise Unavailable("the service ended the subscription")
        return None, None

    def wait_after(self, error: PurserError) -> float:
        """Seconds until the next connection. Raises the error if it ends the subscription.

        A connection that was lost is renewed without a limit; one that was never made, as often as `retries` says.
        """
        self._failures += 1
        is_final = not self._was_connected and self._failures >= self._retries.attempts_max
        if is_final or not isinstance(error, Unavailable):
            raise error
        return self._retries.wait(self._failures, error.retry_after_seconds)

    def _subscribe(self) -> str:
        if self.cursor is None:
            return _message("subscribe", _CURSOR, msgspec.Raw(operations.feed_cursor().body()))
        return _message("subscribe", _CHANGES, msgspec.Raw(self._request(self.cursor).body()))


def failure_of(error: Exception) -> PurserError:
    """The error for a connection that was refused or lost."""
    if isinstance(error, PurserError):
        return error
    if isinstance(error, InvalidStatus):
        return error_without_body(error.response.status_code, error.response.headers, "the WebSocket was refused")
    if isinstance(error, InvalidURI):
        return UnexpectedAnswer(str(error))
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        code, reason = error.rcvd.code, error.rcvd.reason
        if code in _KEY_REFUSED:
            return Unauthorized(reason)
        if code == _TRY_AGAIN_LATER:
            return Busy(reason)
        if code in _PROTOCOL_ERRORS:
            return UnexpectedAnswer(f"the WebSocket was closed with {code}: {reason}")
    return Unavailable(f"{type(error).__name__}: {error}")


_DECODER = msgspec.json.Decoder(_Message)
_ERRORS = msgspec.json.Decoder(list[GraphQLErrorBody])


def _message(type_: str, id: str | None = None, payload: Any = None) -> str:
    message = {"type": type_, "id": id, "payload": payload}
    return msgspec.json.encode({name: value for name, value in message.items() if value is not None}).decode()


def _errors(payload: bytes) -> PurserError:
    """The error that ends an operation."""
    try:
        return _ERRORS.decode(payload)[0].exception()
    except (msgspec.MsgspecError, IndexError) as error:
        return UnexpectedAnswer(f"an error without a description: {error}")
