"""What the peers written in Python share."""

from datetime import UTC, datetime


def written(nanoseconds: int) -> str:
    """An instant as Purser writes it."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def engine_url(url: str) -> str:
    """A libpq URL as SQLAlchemy takes it."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)
