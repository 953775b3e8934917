"""Functions that the Python peers share."""

from datetime import UTC, datetime


def instant_text(nanoseconds: int) -> str:
    """An instant in Purser's format."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def engine_url(url: str) -> str:
    """A libpq URL in SQLAlchemy's format."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)
