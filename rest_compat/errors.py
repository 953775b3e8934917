"""Errors over HTTP: `{"detail": "...", "code": "..."}`, whatever went wrong and wherever."""

import logging
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from app.authentication import status_of
from app.errors import (
    BadInputError,
    ConflictError,
    ErrorCode,
    Forbidden,
    NotFoundError,
    PurserError,
    TooManyAttempts,
    Unauthenticated,
)
from rest_compat.schemas import Error

_FAULT = "Something went wrong on our side; the log has the cause."
_LOG = logging.getLogger("purser.rest")
_STATUSES: tuple[tuple[type[PurserError], int], ...] = (
    (NotFoundError, 404),
    (ConflictError, 409),
    (BadInputError, 422),
)
_HTTP_CODES = {404: ErrorCode.NOT_FOUND, 405: ErrorCode.METHOD_NOT_ALLOWED}
_HTTP_DETAILS = {
    404: "There is nothing at this path; /docs lists all paths.",
    405: "This path does not take that method.",
}


def add_error_handlers(app: FastAPI) -> None:
    """Answer domain errors, HTTP errors and faults of ours in one shape."""
    app.add_exception_handler(PurserError, _answer_domain_error)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(Exception, _answer_fault)


def rest_refusal(error: PurserError) -> Response:
    """The answer to a request that gets no further than who it comes from."""
    reply = _reply_to(error)
    assert reply is not None, "only what the asker can mend is refused"
    return reply


def error_reply(status: int, detail: str, code: str, headers: dict[str, str] | None = None) -> Response:
    """An error's response."""
    # Whatever a client sent may be quoted in the detail, half surrogate pairs too, which JSON bytes cannot
    # hold.
    clean = detail.encode("utf-8", "replace").decode()
    body = orjson.dumps({"detail": clean, "code": code})
    return Response(body, status, headers, media_type="application/json")


def responses(
    *statuses: int, unknown: PurserError | None = None, conflict: PurserError | None = None
) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of a path's errors; those in `_ANYWHERE` can happen on every path.

    `unknown` is the path's own 404, `conflict` its 409; those of an order unless given.
    """
    described: dict[int | str, dict[str, Any]] = {
        status: _DESCRIBED[status] for status in sorted({*statuses, *_ANYWHERE})
    }
    if unknown is not None:
        described[404] = _described("Unknown.", unknown.code, str(unknown))
    if conflict is not None:
        described[409] = _described("Not as things stand.", conflict.code, str(conflict))
    return described


async def _answer_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PurserError)
    return _reply_to(error) or await _answer_fault(request, error)


def _reply_to(error: PurserError) -> Response | None:
    """None for what is a fault of ours."""
    if (known := status_of(error)) is not None:
        status, headers = known
        return error_reply(status, str(error), error.code, headers)
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return error_reply(status, str(error), error.code)
    return None


async def _answer_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = _HTTP_DETAILS.get(error.status_code, error.detail)
    code = _HTTP_CODES.get(error.status_code, ErrorCode.BAD_INPUT)
    return error_reply(error.status_code, detail, code, dict(error.headers or {}))


async def _answer_fault(request: Request, error: Exception) -> Response:
    """A fault of ours: the log has it, the client does not."""
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_reply(500, _FAULT, ErrorCode.INTERNAL)


def _described(description: str, code: ErrorCode, detail: str, **more: Any) -> dict[str, Any]:
    example = {"detail": detail, "code": code.value}
    return {
        "model": Error,
        "description": description,
        "content": {"application/json": {"example": example}},
        **more,
    }


_ANYWHERE = (401, 403, 422, 429, 500, 503)
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}, "required": True}}
_DESCRIBED: dict[int, dict[str, Any]] = {
    404: _described("Unknown.", ErrorCode.ORDER_NOT_FOUND, "No order has client_order_id 'O-1'."),
    401: _described(
        "An API key is needed, and there was none or a wrong one.",
        Unauthenticated.code,
        str(Unauthenticated(is_wrong=False)),
        headers={"WWW-Authenticate": {"description": "Bearer.", "schema": {"type": "string"}, "required": True}},
    ),
    403: _described("The API key is not for this.", Forbidden.code, "The key is not for the strategy S-1."),
    429: _described("Too many wrong API keys.", TooManyAttempts.code, str(TooManyAttempts(42)), headers=_RETRY_AFTER),
    409: _described(
        "Several strategies share the id; say which with `strategy_id`.",
        ErrorCode.ORDER_AMBIGUOUS,
        "client_order_id 'O-1' exists in several strategies (...); say which with strategy_id.",
    ),
    413: _described("The body is too large.", ErrorCode.BAD_INPUT, "The body has more than 4096 bytes."),
    422: _described("Wrong input.", ErrorCode.BAD_INPUT, "surprise: Extra inputs are not permitted"),
    500: _described("A fault of the service.", ErrorCode.INTERNAL, _FAULT),
    503: _described(
        "Not ready; ask again.",
        ErrorCode.NOT_READY,
        "The database is not reachable; try again shortly.",
        headers=_RETRY_AFTER,
    ),
}
