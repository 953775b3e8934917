"""Whether this process can do its work now. Anybody may ask: nothing of the ledger is in the answer."""

import asyncio
from typing import NamedTuple

import asyncpg
import orjson

from app.database.upgrade import newest_revision
from app.errors import DatabaseUnavailable
from app.ledger.verify.verification import ValuationCounts, count_valuations
from app.resolvers.context import Context

CHECK_TIMEOUT_SECONDS = 3.0
AGE_SECONDS_MAX = 10.0
"""Once the registry is older, what it answers is too far from the truth."""


class Readiness(NamedTuple):
    """What was checked, as JSON, and whether requests can be answered."""

    is_ready: bool
    json: bytes


async def check_readiness(context: Context) -> Readiness:
    """Ready: the database answers, its schema is this release's, and the registry is fresh."""
    revision, expected = await _revision(context), newest_revision()
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
    return Readiness(is_ready, orjson.dumps(checks))


async def find_valuation_counts(context: Context) -> ValuationCounts | None:
    """How much of the ledger rests on assumptions; None where the database does not answer."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS), context.database.read() as connection:
            return await count_valuations(connection)
    except (DatabaseUnavailable, TimeoutError, asyncpg.PostgresError):
        return None


async def _revision(context: Context) -> str | None:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS), context.database.read() as connection:
            revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
            return revision
    except (DatabaseUnavailable, TimeoutError, asyncpg.PostgresError):
        return None
