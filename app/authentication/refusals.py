"""How a refusal of the asker looks over HTTP, on either face."""

from app.errors import Forbidden, NotReadyError, PurserError, TooManyAttempts, Unauthenticated

RETRY_AFTER_SECONDS = 1
"""What is not ready now may be so a second later."""


def status_of(error: PurserError) -> tuple[int, dict[str, str]] | None:
    """Status and headers; None for errors that have nothing to do with who asks, or with whether we can answer."""
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
