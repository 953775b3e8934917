"""Messages of the protocol graphql-transport-ws (github.com/enisdenjo/graphql-ws, PROTOCOL.md)."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

import msgspec
import orjson
from graphql import GraphQLError

from graphql_schema.errors import formatted

SUBPROTOCOL = "graphql-transport-ws"


class CloseCode(IntEnum):
    """Why we close a connection; the protocol's own codes, and two of WebSocket's."""

    INTERNAL = 1011
    TRY_AGAIN_LATER = 1013
    INVALID_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITIALISATIONS = 4429


class ConnectionInit(msgspec.Struct, tag="connection_init", forbid_unknown_fields=True):
    """The client's first message."""

    payload: dict[str, Any] | None = None


class Ping(msgspec.Struct, tag="ping", forbid_unknown_fields=True):
    """Requests a pong."""

    payload: dict[str, Any] | None = None


class Pong(msgspec.Struct, tag="pong", forbid_unknown_fields=True):
    """Answers a ping, or shows that the client is alive."""

    payload: dict[str, Any] | None = None


class Subscribe(msgspec.Struct, tag="subscribe", forbid_unknown_fields=True):
    """Starts an operation of any type. The payload is that of a POST's body."""

    id: str
    payload: msgspec.Raw


class Complete(msgspec.Struct, tag="complete", forbid_unknown_fields=True):
    """Ends an operation of the client."""

    id: str


Message = ConnectionInit | Ping | Pong | Subscribe | Complete

_DECODER = msgspec.json.Decoder(Message)
ACK = '{"type":"connection_ack"}'


def read_message(text: str) -> Message:
    """Parse a message of the client. Raises ValueError."""
    try:
        message: Message = _DECODER.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if isinstance(message, Subscribe | Complete) and not message.id:
        raise ValueError("An operation's id is not empty.")
    return message


def pong(payload: Mapping[str, Any] | None) -> str:
    """The answer to a ping, with its payload."""
    return orjson.dumps({"type": "pong"} | ({} if payload is None else {"payload": payload})).decode()


def error_message(operation_id: str, errors: Iterable[GraphQLError]) -> str:
    """The operation was refused or failed: its last message."""
    payload = orjson.dumps([formatted(error) for error in errors]).decode()
    return f'{{"id":{_quoted(operation_id)},"type":"error","payload":{payload}}}'


def complete_message(operation_id: str) -> str:
    """The operation has ended: its last message."""
    return f'{{"id":{_quoted(operation_id)},"type":"complete"}}'


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
