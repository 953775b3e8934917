"""Whether this process can do its work now. Anybody may ask: nothing of the ledger is in the answer."""

import asyncio
from dataclasses import asdict, dataclass

import asyncpg
import orjson

from app.database.upgrade import newest_revision
from app.errors import DatabaseUnavailable
from app.ledger.verify.verification import ValuationCounts, count_valuations
from app.resolvers.context import Context

CHECK_TIMEOUT_SECONDS = 3.0
AGE_SECONDS_MAX = 10.0
"""Once the registry is older, what it answers is too far from the truth."""


@dataclass(frozen=True, slots=True)
class DatabaseCheck:
    """`schema_revision` is None where the database does not say."""

    is_reachable: bool
    schema_revision: str | None
    schema_expected: str


@dataclass(frozen=True, slots=True)
class FeedCheck:
    """How the change feed is doing; `lag_seconds` is how long the oldest change has waited for older transactions."""

    is_connected: bool
    lag_seconds: float


@dataclass(frozen=True, slots=True)
class RegistryCheck:
    """`age_seconds` is how old the registry may be; None where it was never read."""

    age_seconds: float | None


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was checked; `status` is `ready` or `not ready`."""

    status: str
    database: DatabaseCheck
    feed: FeedCheck
    registry: RegistryCheck

    @property
    def is_ready(self) -> bool:
        """Whether requests can be answered."""
        return self.status == "ready"

    def json(self) -> bytes:
        """The fields, in this order."""
        return orjson.dumps(asdict(self))


async def check_readiness(context: Context) -> Readiness:
    """Ready: the database answers, its schema is this release's, and the registry is fresh."""
    revision = await _revision(context)
    feed = context.feed.status
    age = feed.age_seconds
    database = DatabaseCheck(revision is not None, revision, newest_revision())
    is_ready = revision == database.schema_expected and age is not None and age <= AGE_SECONDS_MAX
    return Readiness(
        "ready" if is_ready else "not ready",
        database,
        FeedCheck(feed.is_connected, round(feed.lag_seconds, 3)),
        RegistryCheck(None if age is None else round(age, 3)),
    )


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
