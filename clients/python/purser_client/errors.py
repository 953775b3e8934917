"""Errors of the client.

PurserError             every error; has `code`, `message` and `path`
  InvalidInput          the request is invalid; `path` leads to the field
  NotFound              a named strategy, order, budget or event does not exist
  Conflict              the request contradicts what is stored
  Unauthorized          the API key is missing, unknown or revoked
  Forbidden             the API key lacks the role, or the host name is not accepted
  TooManyAttempts       too many wrong API keys came from this address; has `retry_after_seconds`
  QueryTimeout          a query took longer than the service allows
  CursorExpired         a subscription cannot resume at its cursor: load the data again
  Unavailable           no answer: the service was not reached, or the connection was lost
    Busy                the service or its database has no capacity; has `retry_after_seconds`
  UnexpectedAnswer      an internal error of the service, or an answer that is none of Purser's
"""

from collections.abc import Sequence


class PurserError(Exception):
    """Any error of the client.

    `code` is one of the service's error codes, `path` leads to the input that is wrong, or is empty.
    """

    code = "INTERNAL"

    def __init__(self, message: str, code: str | None = None, path: Sequence[str | int] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.path = tuple(path)

    def __str__(self) -> str:
        where = f" (at {'.'.join(map(str, self.path))})" if self.path else ""
        return f"{self.code}: {self.message}{where}"


class InvalidInput(PurserError):
    """The request is invalid; the message says what would be valid."""

    code = "BAD_INPUT"


class NotFound(PurserError):
    """A strategy, order, budget or event that the request names does not exist."""

    code = "NOT_FOUND"


class Conflict(PurserError):
    """The request contradicts what is stored; nothing was changed."""

    code = "CONFLICT"


class Unauthorized(PurserError):
    """The API key is missing, unknown or revoked."""

    code = "UNAUTHENTICATED"


class Forbidden(PurserError):
    """The API key lacks the role, or the service does not accept the host name in the URL."""

    code = "FORBIDDEN"


class QueryTimeout(PurserError):
    """A query took longer than the service allows. Narrow it."""

    code = "TIMEOUT"


class CursorExpired(PurserError):
    """The change feed cannot resume at the cursor. Load the data again and subscribe from a fresh `feed_cursor()`."""

    code = "CURSOR_EXPIRED"


class UnexpectedAnswer(PurserError):
    """An internal error of the service, or an answer that is none of Purser's. The outcome is unknown."""


class TooManyAttempts(PurserError):
    """Too many wrong API keys came from this address. Not retried."""

    code = "TOO_MANY_ATTEMPTS"

    def __init__(self, message: str, code: str | None = None, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, code)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(PurserError):
    """There is no answer. Whether the request was executed is unknown, unless `was_sent` is False."""

    code = "UNAVAILABLE"

    def __init__(
        self,
        message: str,
        code: str | None = None,
        *,
        was_sent: bool = True,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, code)
        self.was_sent = was_sent
        self.retry_after_seconds = retry_after_seconds


class Busy(Unavailable):
    """The service or its database has no capacity (HTTP 503)."""

    code = "BUSY"


_BY_CODE: dict[str, type[PurserError]] = {
    one.code: one for one in (Unauthorized, Forbidden, QueryTimeout, CursorExpired, TooManyAttempts, Busy)
}
_CONFLICTS = {
    "ORDER_AMBIGUOUS",
    "STRATEGY_AMBIGUOUS",
    "AUTHORIZATION_CONFLICT",
    "ORDER_NOT_RELEASABLE",
    "EVENT_NOT_RESOLVABLE",
    "BUDGET_IN_USE",
    "INSTRUMENT_IN_USE",
    "SIGNAL_CONFLICT",
}


def error_of(code: str, message: str) -> PurserError:
    """The error for an error code of the service. Codes that are unknown here concern the request."""
    if code in _BY_CODE:
        return _BY_CODE[code](message, code)
    if code == "INTERNAL":
        return UnexpectedAnswer(message, code)
    if code in _CONFLICTS:
        return Conflict(message, code)
    if code.endswith("NOT_FOUND"):
        return NotFound(message, code)
    return InvalidInput(message, code)
