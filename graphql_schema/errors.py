"""Errors as a client of GraphQL sees them: each has a code, none has anything of our insides.

A *refused* request was not executed (`RequestRefused`): it has errors and no data. An error of a field stands beside
the data, or in its place.
"""

import logging
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any
from uuid import uuid4

from graphql import GraphQLError, GraphQLSyntaxError

from app.errors import ErrorCode, PurserError

MESSAGE_CHARACTERS_MAX = 1000
"""Messages quote the client's input, and a name may be as long as a request."""

BUSY = ErrorCode.BUSY.value
CODES = {ErrorCode.BAD_INPUT: "BAD_REQUEST", ErrorCode.NOT_READY: BUSY}
"""Domain codes that have another name in GraphQL; all others are the same in REST."""

_LOG = logging.getLogger("purser.graphql")


class RequestCode(StrEnum):
    """Why a request was refused before anything was executed. Part of the contract: add, never rename."""

    BAD_REQUEST = "BAD_REQUEST"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    QUERY_TOO_DEEP = "QUERY_TOO_DEEP"
    TOO_MANY_ALIASES = "TOO_MANY_ALIASES"
    TOO_MANY_DIRECTIVES = "TOO_MANY_DIRECTIVES"
    TOO_MANY_FIELDS = "TOO_MANY_FIELDS"
    TOO_MANY_TOKENS = "TOO_MANY_TOKENS"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    COST_EXCEEDED = "COST_EXCEEDED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    OPERATION_NOT_ALLOWED = "OPERATION_NOT_ALLOWED"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    TOO_MANY_OPERATIONS = "TOO_MANY_OPERATIONS"


class RequestRefused(Exception):
    """A request that is not executed.

    `status` None: it was well formed, so the media type of the answer decides between 200 and 400.
    """

    def __init__(
        self,
        errors: Iterable[GraphQLError],
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        self.errors = [add_code(error) for error in errors]
        self.status = status
        self.headers = dict(headers or {})
        self.extensions = extensions
        super().__init__("; ".join(error.message for error in self.errors))


def refusal(
    code: RequestCode,
    message: str,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> RequestRefused:
    """A refusal for one reason."""
    return RequestRefused([GraphQLError(message, extensions={"code": code.value})], status, headers, extensions)


def coded(error: Exception) -> GraphQLError:
    """The error for the client: domain errors with their code, unexpected errors masked."""
    if isinstance(error, PurserError) and error.code is not ErrorCode.INTERNAL:
        return GraphQLError(str(error), extensions={"code": CODES.get(error.code, error.code.value)})
    if isinstance(error, GraphQLError) and isinstance(error.original_error, GraphQLError | None):
        return error  # graphql-core's own, or one that has its code from a field further down
    error_id = str(uuid4())
    _LOG.error("error %s", error_id, exc_info=error)
    return GraphQLError(
        "Something went wrong on our side.", extensions={"code": ErrorCode.INTERNAL.value, "errorId": error_id}
    )


def formatted(error: GraphQLError) -> dict[str, Any]:
    """The error in the answer's body, always with a code."""
    shown: dict[str, Any] = dict(error.formatted)
    if len(error.message) > MESSAGE_CHARACTERS_MAX:
        shown["message"] = error.message[:MESSAGE_CHARACTERS_MAX] + "…"
    if "code" not in (error.extensions or {}):
        shown["extensions"] = {**(error.extensions or {}), "code": RequestCode.BAD_REQUEST.value}
    return shown


def add_code(error: GraphQLError) -> GraphQLError:
    """The error, which has a code from now on: of a domain error its own, of the document or its variables ours."""
    if "code" in (error.extensions or {}):
        return error
    cause = error.original_error
    if isinstance(cause, PurserError):
        code = CODES.get(cause.code, cause.code.value)
    else:
        # A scalar's refusal is the error's cause.
        is_validation = bool(error.nodes) and not isinstance(error, GraphQLSyntaxError)
        code = (RequestCode.VALIDATION_FAILED if is_validation else RequestCode.BAD_REQUEST).value
    error.extensions = {**(error.extensions or {}), "code": code}
    return error
