"""Upgrades a database's schema to this release, one instance at a time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from app.database.connections import UNREACHABLE
from app.database.protection import lacks_protection, protect
from app.errors import DatabaseIncompatible, DatabaseUnavailable

SERVER_VERSION_MIN = 15
CONNECT_TIMEOUT_SECONDS = 10.0
LOCK_TIMEOUT_SECONDS = 600.0
LOCK_POLL_SECONDS = 0.1
_HAS_OUTDATED = """
SELECT EXISTS (SELECT FROM outdated_orders) OR EXISTS (SELECT FROM pending_revaluations)
"""
_LOCK_KEY = 0x707572736572  # "purser"
_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Upgraded:
    """The revisions before (None for an empty database) and after an upgrade."""

    before: str | None
    after: str


async def upgrade(url: str) -> Upgraded:
    """Upgrade the schema of the database at `url`, a libpq URL; of several hosts, the primary.

    Any number of instances may call this at once: one upgrades, the others wait for it.
    Raises DatabaseUnavailable, DatabaseIncompatible.
    """
    # The session's end releases the lock.
    async with connected(url, writes=True) as connection:
        await _refuse_unfit_server(connection)
        before = await _revision(connection)
        newest = newest_revision()
        if before == newest and not await lacks_protection(connection):
            return Upgraded(before, newest)
        await _lock(connection)
        before = await _revision(connection)
        if before is not None:
            refuse_newer_schema(before, of="the database")
        if before != newest:
            await _migrate(url)
        await protect(connection)
        return Upgraded(before, newest)


async def has_outdated_rows(url: str) -> bool:
    """Whether an upgrade left orders to fold again or amounts to revalue. Raises DatabaseUnavailable."""
    async with connected(url) as connection:
        return bool(await connection.fetchval(_HAS_OUTDATED))


async def connect(url: str, *, writes: bool = False) -> asyncpg.Connection:
    """A connection outside the pools, without statement timeouts. Raises DatabaseUnavailable."""
    try:
        return await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT_SECONDS,
            server_settings={"application_name": "purser", "statement_timeout": "0", "lock_timeout": "0"},
            target_session_attrs=SessionAttribute.read_write if writes else None,
        )
    except UNREACHABLE as error:
        reason = str(error) or "timed out"
        raise DatabaseUnavailable(f"Cannot connect to the database: {reason}") from error


@asynccontextmanager
async def connected(url: str, *, writes: bool = False) -> AsyncIterator[asyncpg.Connection]:
    """A connection as `connect` opens it, closed at the end of the block. Raises DatabaseUnavailable."""
    connection = await connect(url, writes=writes)
    try:
        yield connection
    finally:
        await connection.close()


def newest_revision() -> str:
    """The schema revision of this release."""
    return _revisions()[-1]


async def _refuse_unfit_server(connection: asyncpg.Connection) -> None:
    version = connection.get_server_version()
    if version.major < SERVER_VERSION_MIN:
        raise DatabaseIncompatible(
            f"The server is PostgreSQL {version.major}.{version.minor}; Purser needs {SERVER_VERSION_MIN} or "
            "newer. Upgrade it, or unset PURSER_DATABASE_URL to use the embedded one."
        )
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise DatabaseIncompatible(
            f"The database's encoding is {encoding}, which cannot represent every text that an engine may send. "
            "Create a database with ENCODING 'UTF8' TEMPLATE template0."
        )


def refuse_newer_schema(revision: str, *, of: str) -> None:
    """Raises DatabaseIncompatible for a schema revision that this release does not know."""
    if revision not in _revisions():
        raise DatabaseIncompatible(
            f"The schema of {of} is at revision {revision}, newer than this release, which knows up to "
            f"{newest_revision()}. Run the newer release, or restore a backup from before its upgrade."
        )


def _revisions() -> list[str]:
    """All revisions that this release knows, oldest first, from the names of their files."""
    return sorted(path.name.partition("_")[0] for path in _MIGRATIONS.glob("versions/[0-9]*.py"))


async def _revision(connection: asyncpg.Connection) -> str | None:
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


async def _lock(connection: asyncpg.Connection) -> None:
    """Lock out other upgrades. Polls: a waiting statement's snapshot would block a CREATE INDEX CONCURRENTLY."""
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(
                f"Another instance has been upgrading the database for {LOCK_TIMEOUT_SECONDS:g} seconds."
            )
        await asyncio.sleep(LOCK_POLL_SECONDS)


async def _migrate(url: str) -> None:
    # Imported here: they take most of a second to load, and most starts have nothing to upgrade.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import create_async_engine

    def run_alembic(connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        command.upgrade(config, "head")

    # asyncpg understands all libpq URLs (several hosts, sockets); SQLAlchemy does not.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: connect(url, writes=True))
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run_alembic)
            await connection.commit()
    finally:
        await engine.dispose()
