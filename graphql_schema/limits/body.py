"""The body of a request, read no further than it may be long."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from graphql_schema.errors import RequestCode, RequestRefused, refusal


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
