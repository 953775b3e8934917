"""Errors over HTTP: every one has the body `{"detail": "...", "code": "..."}`."""

import logging
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from app.authentication.middleware import status_of
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

_FAULT = "Internal error; the service's log has the cause."
_LOG = logging.getLogger("purser.rest")
_STATUSES = ((NotFoundError, 404), (ConflictError, 409), (BadInputError, 422))
_HTTP_ERRORS = {
    404: (ErrorCode.NOT_FOUND, "No such path; /docs lists all paths."),
    405: (ErrorCode.METHOD_NOT_ALLOWED, "This path does not support the method."),
}


def add_error_handlers(app: FastAPI) -> None:
    """Turn domain errors, HTTP errors and internal errors into responses."""
    app.add_exception_handler(PurserError, _answer_domain_error)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(Exception, _answer_fault)


def rest_refusal(error: PurserError) -> Response:
    """The response to a request that fails authentication."""
    response = _response_to(error)
    assert response is not None, "authentication raises no internal errors"
    return response


def _error_response(status: int, detail: str, code: str, headers: dict[str, str] | None = None) -> Response:
    """The response to an error."""
    # The detail may quote the client's input, which may have lone surrogates: UTF-8 cannot encode them.
    clean = detail.encode("utf-8", "replace").decode()
    body = orjson.dumps({"detail": clean, "code": code})
    return Response(body, status, headers, media_type="application/json")


def responses_of(
    model: Any, description: str, *statuses: int, headers: dict[str, Any] | None = None, **examples: PurserError
) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of a path's responses: status 200, and `error_responses`."""
    ok = {"model": model, "description": description} | ({"headers": headers} if headers else {})
    return {200: ok, **error_responses(*statuses, **examples)}


def error_responses(
    *statuses: int, unknown: PurserError | None = None, conflict: PurserError | None = None
) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of a path's errors, those that any path may have (`_ANYWHERE`) included.

    `unknown` is the example of the path's 404, `conflict` that of its 409; by default those of an order.
    """
    described: dict[int | str, dict[str, Any]] = {
        status: _DESCRIBED[status] for status in sorted({*statuses, *_ANYWHERE})
    }
    if unknown is not None:
        described[404] = _described("Not found.", unknown.code, str(unknown))
    if conflict is not None:
        described[409] = _described("Conflict with the current state.", conflict.code, str(conflict))
    return described


async def _answer_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PurserError)
    return _response_to(error) or await _answer_fault(request, error)


def _response_to(error: PurserError) -> Response | None:
    """None for an internal error."""
    if (known := status_of(error)) is not None:
        status, headers = known
        return _error_response(status, str(error), error.code, headers)
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return _error_response(status, str(error), error.code)
    return None


async def _answer_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, detail = _HTTP_ERRORS.get(error.status_code, (ErrorCode.BAD_INPUT, error.detail))
    return _error_response(error.status_code, detail, code, dict(error.headers or {}))


async def _answer_fault(request: Request, error: Exception) -> Response:
    """Log an internal error; the client does not see its cause."""
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _error_response(500, _FAULT, ErrorCode.INTERNAL)


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
    404: _described("Not found.", ErrorCode.ORDER_NOT_FOUND, "No order has the client order id 'O-1'."),
    401: _described(
        "The API key is missing or wrong.",
        Unauthenticated.code,
        str(Unauthenticated(is_wrong=False)),
        headers={"WWW-Authenticate": {"description": "Bearer.", "schema": {"type": "string"}, "required": True}},
    ),
    403: _described("The API key does not permit this.", Forbidden.code, "The key is not for the strategy S-1."),
    429: _described("Too many wrong API keys.", TooManyAttempts.code, str(TooManyAttempts(42)), headers=_RETRY_AFTER),
    409: _described(
        "Several strategies share the id; choose one with `strategy_id`.",
        ErrorCode.ORDER_AMBIGUOUS,
        "The client order id 'O-1' exists in several strategies (...); add the strategy's id.",
    ),
    413: _described("The body is too large.", ErrorCode.BAD_INPUT, "The body has more than 4096 bytes."),
    422: _described("Invalid input.", ErrorCode.BAD_INPUT, "surprise: Extra inputs are not permitted"),
    500: _described("Internal error.", ErrorCode.INTERNAL, _FAULT),
    503: _described(
        "Not ready; try again.",
        ErrorCode.NOT_READY,
        "The database is not reachable; try again shortly.",
        headers=_RETRY_AFTER,
    ),
}
