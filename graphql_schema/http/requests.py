"""From an HTTP request to a GraphQL request, by the draft "GraphQL over HTTP". Malformed requests are refused."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson

from graphql_schema.errors import RequestCode, RequestRefused, refusal

PARAMETERS_MAX = 100
"""Most parameters of a URL, those that mean nothing to us included."""


@dataclass(slots=True)
class GraphQLRequest:
    """A request for one operation. `query` None: it is to be found by `extensions`.

    `given` are the variables: as values, or the text of a JSON object that was not parsed yet.
    """

    query: str | None
    operation_name: str | None
    given: Mapping[str, Any] | bytes
    extensions: Mapping[str, Any]
    bytes_sent: int = 0
    """The length of the body that it came in."""

    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables as values. Raises RequestRefused."""
        if isinstance(self.given, bytes):
            self.given = _object({"variables": _json(self.given, "The member variables")}, "variables")
        return self.given


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    """A body as nearly all are. A thousand orders are not made into dictionaries on the way to the ledger."""

    query: str | None = None
    operationName: str | None = None
    variables: msgspec.Raw = msgspec.Raw(b"{}")
    extensions: msgspec.Raw = msgspec.Raw(b"{}")


_BODY = msgspec.json.Decoder(_Body)


def from_url(query_string: bytes) -> GraphQLRequest:
    """The request in a URL's query. Raises RequestRefused."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=False,
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except UnicodeDecodeError:
        raise malformed("The URL's parameters are not UTF-8.") from None
    except ValueError:
        raise malformed(f"The URL has more than {PARAMETERS_MAX} parameters.") from None
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in given:
            raise malformed(f"The parameter {name!r} is given twice.")
        given[name] = value
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = _json(given[name], f"The parameter {name}")
    return _request(given)


def from_body(body: bytes) -> GraphQLRequest:
    """The request in a body. Raises RequestRefused."""
    try:
        plain = _BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        plain = None
    if plain is not None and plain.query:
        extensions = _object({"extensions": _json(bytes(plain.extensions), "The member extensions")}, "extensions")
        return GraphQLRequest(plain.query, plain.operationName or None, bytes(plain.variables), extensions, len(body))
    parsed = _json(body, "The body")
    if isinstance(parsed, list):
        raise malformed("Batches are not taken: send one operation in one request.")
    if not isinstance(parsed, dict):
        raise malformed("The body is a JSON object with a query.")
    request = _request(parsed)
    request.bytes_sent = len(body)
    return request


def malformed(message: str) -> RequestRefused:
    """The refusal of what is no GraphQL request."""
    return refusal(RequestCode.BAD_REQUEST, message, 400)


def _request(given: Mapping[str, Any]) -> GraphQLRequest:
    variables, extensions = (_object(given, name) for name in ("variables", "extensions"))
    query, operation_name = (_text(given, name) for name in ("query", "operationName"))
    if not query and "persistedQuery" not in extensions:
        raise malformed("The request has no query.")
    return GraphQLRequest(query or None, operation_name or None, variables, extensions)


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise malformed(f"{name} is a string.")
    return value


def _object(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name)
    if value is not None and not isinstance(value, dict):
        raise malformed(f"{name} is a JSON object.")
    return value or {}


def _json(text: str | bytes, what: str) -> Any:
    """orjson refuses what is no UTF-8, half surrogate pairs and NaN."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise malformed(f"{what} is not JSON: {error}") from None


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


async def read_body(
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]], declared: str | None, bytes_max: int
) -> bytes:
    """The whole body; `declared` is the Content-Length. Raises RequestRefused, ClientGone."""
    if declared is not None and declared.isascii() and declared.isdigit() and int(declared[:20]) > bytes_max:
        raise too_large(bytes_max)
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        length += len(chunk)
        if length > bytes_max:
            raise too_large(bytes_max)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def too_large(bytes_max: int, status: int = 413) -> RequestRefused:
    """The refusal. The rest is not read, so the connection is of no further use."""
    message = f"The request has more than {bytes_max} bytes."
    return refusal(RequestCode.BODY_TOO_LARGE, message, status, {"connection": "close"})
