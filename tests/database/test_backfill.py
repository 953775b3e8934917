"""The newest revision fills the columns it adds: rows of the previous release pass verification after the upgrade.

The rows of the previous release are those of this release without the tables and columns that the revision adds.
"""

from io import BytesIO
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from app.database import Database, migrations
from app.database.upgrade import connect, upgrade
from app.engines import nautilus
from app.ledger.holds.revaluation import revalue_pending
from app.ledger.importing import import_file
from app.ledger.recording.record import refold_outdated
from app.models import metadata
from tests.ledger.state import DATA, broken_invariants, content_of

pytestmark = pytest.mark.anyio

RECORDINGS = ("dev_contingent", "dev_quote", "dev_spot")
_CONFIG = Config()
_CONFIG.set_main_option("script_location", str(Path(migrations.__file__).parent))


async def test_the_newest_revision_fills_the_columns_it_adds(
    database: Database, database_url: str, empty_database_url: str
) -> None:
    for recording in RECORDINGS:
        await import_file(database, DATA / f"{recording}.events.jsonl.gz", nautilus.read_message)
    expected = await content_of(database)
    await _migrate_to_the_previous_revision(empty_database_url)
    await _copy_rows(database_url, empty_database_url)
    await upgrade(empty_database_url)
    upgraded = await Database.open(empty_database_url)
    try:
        await refold_outdated(upgraded)
        await revalue_pending(upgraded)
        assert await broken_invariants(upgraded) == []
        assert await content_of(upgraded) == expected
    finally:
        await upgraded.close()


async def _migrate_to_the_previous_revision(url: str) -> None:
    script = ScriptDirectory.from_config(_CONFIG)
    newest = script.get_revision("head")
    assert newest is not None

    def run(connection: Connection) -> None:
        _CONFIG.attributes["connection"] = connection
        command.upgrade(_CONFIG, str(newest.down_revision))

    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: connect(url))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


async def _copy_rows(source_url: str, target_url: str) -> None:
    """Copies every table that both databases have, with the columns that both have."""
    source, target = await connect(source_url), await connect(target_url)
    try:
        await target.execute("SET session_replication_role = replica")
        for table in metadata.sorted_tables:
            known = await _columns_of(target, table.name)
            columns = [one.name for one in table.columns if one.name in known and one.identity is None]
            if not columns:
                continue
            await target.execute(f"DELETE FROM {table.name}")
            rows = BytesIO()
            await source.copy_from_table(table.name, columns=columns, output=rows)
            rows.seek(0)
            await target.copy_to_table(table.name, columns=columns, source=rows)
    finally:
        await source.close()
        await target.close()


async def _columns_of(connection: asyncpg.Connection, table: str) -> set[str]:
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped", table
    )
    return {row["attname"] for row in rows}
