"""Requests and answers, without any I/O: what is sent, and what an answer means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec

from purser_client.document import document_of
from purser_client.errors import (
    Busy,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    PurserError,
    TooManyAttempts,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    error_of,
)
from purser_client.generated.inputs import StrategyRef
from purser_client.generated.results import ConflictRefusal, InvalidInputRefusal, NotFoundRefusal
from purser_client.scalars import decode_scalar, encode_scalar

T = TypeVar("T")
PATH = "/graphql"
MEDIA_TYPE = "application/graphql-response+json"
StrategyName: TypeAlias = StrategyRef | UUID | str
"""A strategy: by reference, by id, or by name."""

_GATEWAY_ERRORS = {502, 504}
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_QUERY = re.compile(r"(?:\s|,|#[^\n]*\n)*(?:\{|query\b)")


class PageInfo(msgspec.Struct, frozen=True, rename="camel"):
    """Whether a list continues, and the cursor to continue at."""

    has_next_page: bool
    end_cursor: str | None


class Page(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """One page of a list."""

    nodes: list[T]
    page_info: PageInfo


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One operation of `purser_client/documents`, with its variables; `T` is the type of its result.

    `wire` is the type of the field `result` in the answer: `T`, or a union of `T` and refusals. `is_repeatable`:
    whether the request may be sent again when it is unknown whether it was executed.
    """

    operation: str
    variables: Mapping[str, Any]
    wire: Any
    is_repeatable: bool

    def body(self) -> bytes:
        """The body of a POST, or the payload of a `subscribe`. Variables that are None are left out."""
        given = {name: value for name, value in self.variables.items() if value is not None}
        return encode(document_of(self.operation), given)


class _Result(msgspec.Struct, Generic[T]):
    result: T


class GraphQLErrorBody(msgspec.Struct):
    """One of the `errors` of an answer."""

    message: str
    extensions: dict[str, Any] = {}

    def exception(self) -> PurserError:
        """The error as an exception."""
        return error_of(str(self.extensions.get("code", "BAD_REQUEST")), self.message)


class _Answer(msgspec.Struct, Generic[T]):
    data: T | None = None
    errors: list[GraphQLErrorBody] = []


def encode(document: str, variables: Mapping[str, Any]) -> bytes:
    """The body of a request. Raises InvalidInput for a variable that JSON cannot express."""
    try:
        return msgspec.json.encode({"query": document, "variables": variables}, enc_hook=encode_scalar)
    except (TypeError, ValueError, NotImplementedError, RecursionError) as error:
        raise InvalidInput(f"the variables are no JSON: {error}") from error


def is_query(document: str) -> bool:
    """Whether the document's operation is a query, which changes nothing."""
    return _QUERY.match(document) is not None


def strategy_ref(strategy: StrategyName) -> StrategyRef:
    """A strategy by its name (a text) or its id."""
    if isinstance(strategy, StrategyRef):
        return strategy
    return StrategyRef(id=strategy) if isinstance(strategy, UUID) else StrategyRef(name=strategy)


def base_url(url: str) -> str:
    """The service's URL without a slash at its end. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no URL like http://127.0.0.1:8000")
    return url.rstrip("/")


def unanswered(error: httpx.RequestError) -> Unavailable:
    """The error for a request without an answer. Raises PurserError if another attempt would fail in the same way."""
    message = f"{type(error).__name__}: {error}"
    if isinstance(error, httpx.DecodingError):
        raise UnexpectedAnswer(message) from error
    if isinstance(error, httpx.LocalProtocolError):
        raise InvalidInput(message) from error
    return Unavailable(message, was_sent=not isinstance(error, _NOT_SENT))


def headers_of(key: str | None) -> dict[str, str]:
    """The headers of every request."""
    own = {"Content-Type": "application/json", "Accept": MEDIA_TYPE}
    return own if key is None else {**own, "Authorization": f"Bearer {key.strip()}"}


def result_of(request: Request[T], status: int, headers: Mapping[str, str], body: bytes) -> T:
    """The result of a request. Raises PurserError, also for a result that is a refusal."""
    data: _Result[T] = data_of(_Result[request.wire], status, headers, body)  # type: ignore[name-defined]
    return accepted(data.result)


def data_of(type_: Any, status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """The `data` of an answer, as this type. Raises PurserError."""
    try:
        answer = _decoder(type_).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise error_without_body(status, headers, f"{error}") from error
    if answer.errors:
        raise _placed(answer.errors[0].exception(), status, headers)
    if answer.data is None or status >= 400:
        raise error_without_body(status, headers, "neither data nor errors")
    return answer.data


def accepted(result: T) -> T:
    """The result without refusals: raises one, and makes exceptions of those in a list."""
    if isinstance(result, list):
        result[:] = [_exception(one) if isinstance(one, _REFUSALS) else one for one in result]
    if isinstance(result, _REFUSALS):
        raise _exception(result)
    return result


_REFUSALS = (InvalidInputRefusal, NotFoundRefusal, ConflictRefusal)


def _exception(refusal: InvalidInputRefusal | NotFoundRefusal | ConflictRefusal) -> PurserError:
    match refusal:
        case InvalidInputRefusal(code, message, path):
            return InvalidInput(message, code, path)
        case NotFoundRefusal(code, message):
            return NotFound(message, code)
        case ConflictRefusal(code, message):
            return Conflict(message, code)


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_Answer[type_], dec_hook=decode_scalar)


def _placed(error: PurserError, status: int, headers: Mapping[str, str]) -> PurserError:
    if isinstance(error, TooManyAttempts | Unavailable):
        error.retry_after_seconds = _retry_after(headers)
    return error


def error_without_body(status: int, headers: Mapping[str, str], why: str) -> PurserError:
    """The error for an answer that does not come from Purser, but perhaps from a proxy before it."""
    message = f"HTTP status {status}: {why}"
    match status:
        case 401:
            return Unauthorized(message)
        case 403:
            return Forbidden(message)
        case 429:
            return TooManyAttempts(message, retry_after_seconds=_retry_after(headers))
        case 503:
            return Busy(message, retry_after_seconds=_retry_after(headers))
        case _ if status in _GATEWAY_ERRORS:
            return Unavailable(message)
        case _ if 400 <= status < 500:
            return InvalidInput(message, "BAD_REQUEST")
    return UnexpectedAnswer(message)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The header `Retry-After`, which Purser gives in seconds; a proxy's date is ignored."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
