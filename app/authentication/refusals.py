"""HTTP status and headers of authentication errors, the same for GraphQL and REST."""

from app.errors import Forbidden, NotReadyError, PurserError, TooManyAttempts, Unauthenticated

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
