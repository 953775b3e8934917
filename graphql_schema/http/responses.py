"""From a result to an HTTP response: body, status, validators.

| | application/graphql-response+json | application/json |
| --- | --- | --- |
| data | 200 | 200 |
| data (or null in its place) and errors | 294, "Partial Success" | 200 |
| well formed but refused: parsing, validation, limits, variables | 400 | 200 |
| not well formed, or a fault of ours before execution | 4xx, 500 | 4xx, 500 |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson
from graphql import ExecutionResult

from graphql_schema.errors import RequestRefused, formatted
from graphql_schema.http.media_types import MediaType

PARTIAL_SUCCESS = 294
"""Data and errors: GraphQL over HTTP, September 2026, for application/graphql-response+json only."""
_BASIC = {"vary": "Accept", "x-content-type-options": "nosniff"}


@dataclass(slots=True)
class Reply:
    """An HTTP response, ready to send."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    is_whole: bool = False
    """Whether it has data and no errors."""


def answered(result: ExecutionResult | bytes, extensions: Mapping[str, Any], media_type: MediaType) -> Reply:
    """The reply of an operation that was executed. Bytes: the JSON of its data, where there are no errors."""
    if isinstance(result, bytes):
        more = b',"extensions":%b' % orjson.dumps(extensions) if extensions else b""
        return Reply(200, b'{"data":%b%b}' % (result, more), _headers(media_type), is_whole=True)
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = [formatted(error) for error in result.errors]
    body["data"] = result.data
    if extensions:
        body["extensions"] = extensions
    status = PARTIAL_SUCCESS if result.errors and media_type is MediaType.GRAPHQL else 200
    return Reply(status, orjson.dumps(body), _headers(media_type), is_whole=not result.errors)


def refused(why: RequestRefused, media_type: MediaType) -> Reply:
    """The reply to a request that was not executed: no data."""
    body: dict[str, Any] = {"errors": [formatted(error) for error in why.errors]}
    if why.extensions:
        body["extensions"] = why.extensions
    status = why.status if why.status is not None else 400 if media_type is MediaType.GRAPHQL else 200
    headers = {**_headers(media_type), "cache-control": "no-store", **why.headers}
    return Reply(status, orjson.dumps(body), headers)


def validated(reply: Reply, media_type: MediaType, if_none_match: str | None) -> Reply:
    """The reply to a GET, with a strong validator; 304 if the client already has it."""
    digest = blake2b(reply.body, digest_size=16, person=media_type.name.encode()).hexdigest()
    etag = f'"{digest}"'
    reply.headers["etag"] = etag
    # The answer depends on the principal and may change with the next event: cache it, but revalidate.
    reply.headers["cache-control"] = "private, no-cache"
    if if_none_match is not None and _names(if_none_match, etag):
        del reply.headers["content-type"]
        return Reply(304, b"", reply.headers)
    return reply


def _names(if_none_match: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in tags or "*" in tags


def _headers(media_type: MediaType) -> dict[str, str]:
    return {"content-type": f"{media_type}; charset=utf-8", **_BASIC}
