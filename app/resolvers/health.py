"""Readiness of this process, without authentication: the answer contains nothing of the ledger."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import orjson

from app.database import ReadConnection
from app.database.upgrade import newest_revision
from app.errors import DatabaseUnavailable
from app.ledger.verify.verification import ValuationCounts, count_valuations
from app.resolvers.context import Context

T = TypeVar("T")

_REVISION = "SELECT version_num FROM alembic_version"

CHECK_TIMEOUT_SECONDS = 3.0
AGE_SECONDS_MAX = 10.0
"""Older answers of the registry of budgets are too far from the truth."""


async def check_readiness(context: Context) -> tuple[bool, bytes]:
    """Whether requests can be answered, and the checks as JSON.

    Ready: the database answers, its schema is this release's, and the registry is fresh.
    """
    revision: str | None = await _if_answered(context, lambda connection: connection.fetchval(_REVISION))
    expected = newest_revision()
    feed = context.feed.status
    age = feed.age_seconds
    is_ready = revision == expected and age is not None and age <= AGE_SECONDS_MAX
    checks = {
        "status": "ready" if is_ready else "not ready",
        "database": {
            "is_reachable": revision is not None,
            "schema_revision": revision,
            "schema_expected": expected,
        },
        "feed": {"is_connected": feed.is_connected, "lag_seconds": round(feed.lag_seconds, 3)},
        "registry": {"age_seconds": None if age is None else round(age, 3)},
    }
    return is_ready, orjson.dumps(checks)


async def find_valuation_counts(context: Context) -> ValuationCounts | None:
    """How much of the ledger rests on assumptions; None if the database does not answer."""
    return await _if_answered(context, count_valuations)


async def _if_answered(context: Context, fetch: Callable[[ReadConnection], Awaitable[T]]) -> T | None:
    """The result; None if the database does not answer in time."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS), context.database.read() as connection:
            return await fetch(connection)
    except (DatabaseUnavailable, TimeoutError, asyncpg.PostgresError):
        return None
