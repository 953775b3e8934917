"""The middleware that authenticates every request, over HTTP and WebSocket, and the HTTP status of its refusals."""

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from app.authentication.authentication import Authentication
from app.errors import Forbidden, NotReadyError, PurserError, TooManyAttempts, Unauthenticated
from app.principal import Principal

REQUEST_ID_CHARACTERS_MAX = 200

_PRINCIPAL = "purser.principal"


class AuthenticationMiddleware:
    """Authenticates a request for `principal_of`. The application's `state.authentication` must be set by startup.

    A request without a key is passed on, because pages need none, and everything that reads the ledger calls
    `principal_of`. A request with a wrong key is refused here, whatever its path.
    """

    def __init__(self, app: ASGIApp, refuse: Callable[[Scope, PurserError], ASGIApp]) -> None:
        """`refuse` makes the response to a refused request."""
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        answer = self._app
        if scope["type"] != "lifespan":
            try:
                scope[_PRINCIPAL] = await _authenticated(scope)
            except PurserError as error:
                if _is_deferred(error):
                    scope[_PRINCIPAL] = error
                elif scope["type"] == "websocket":
                    answer = _closed
                else:
                    answer = self._refuse(scope, error)
        await answer(scope, receive, send)


def principal_of(scope: Scope) -> Principal:
    """The principal of a request. Raises Unauthenticated, DatabaseUnavailable."""
    found: Principal | PurserError = scope[_PRINCIPAL]
    if isinstance(found, PurserError):
        raise found
    return found


def address_of(scope: Scope) -> str:
    """The network address that a request comes from; empty if unknown."""
    client: Any = scope.get("client")
    return str(client[0]) if client else ""


async def _authenticated(scope: Scope) -> Principal:
    authentication: Authentication = scope["app"].state.authentication
    host = origin = key = request_id = None
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"authorization" and value[:7].lower() == b"bearer ":
            key = _only(key, value[7:].strip())
        elif name == b"x-api-key":
            key = _only(key, value.strip())
        elif name == b"x-request-id":
            request_id = value.decode("latin-1")[:REQUEST_ID_CHARACTERS_MAX]
        elif name == b"origin" and scope["type"] == "websocket":
            origin = value
    authentication.require_local_names(host, origin)
    text = None if key is None else key.decode("latin-1")
    return await authentication.authenticate(text, address_of(scope), request_id)


def _only(known: bytes | None, key: bytes) -> bytes:
    """The request's only key; of two different ones neither is accepted."""
    return key if known is None or known == key else b""


def _is_deferred(error: PurserError) -> bool:
    """Whether the error is raised by `principal_of` only, because the request may not need a principal."""
    return isinstance(error, NotReadyError) or (isinstance(error, Unauthenticated) and not error.is_wrong)


async def _closed(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a WebSocket before it is accepted; the client receives HTTP 403."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})


RETRY_AFTER_SECONDS = 1
"""Suggested to clients while the service is not ready."""


def status_of(error: PurserError) -> tuple[int, dict[str, str]] | None:
    """Status and headers; None for errors that concern neither authentication nor readiness."""
    match error:
        case Unauthenticated():
            invalid = ', error="invalid_token"' if error.is_wrong else ""
            return 401, {"WWW-Authenticate": f'Bearer realm="purser"{invalid}'}
        case Forbidden():
            return 403, {}
        case TooManyAttempts():
            return 429, {"Retry-After": str(error.retry_after_seconds)}
        case NotReadyError():
            return 503, {"Retry-After": str(RETRY_AFTER_SECONDS)}
        case _:
            return None
