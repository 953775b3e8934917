"""The migrations create exactly the tables of the models, also when several processes run them concurrently."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.ext.asyncio import create_async_engine

from app.database import migrations
from app.database.embedded import EmbeddedServer
from app.database.postgres_programs import SystemUser, run_program
from app.database.upgrade import Upgraded, connect, newest_revision, upgrade
from app.errors import DatabaseIncompatible, DatabaseUnavailable
from app.models import metadata
from app.models.feed import Xid8
from tests.conftest import execute
from tests.database.system_postgres import SYSTEM_POSTGRES, system_postgres


def test_migration_files_are_named_after_their_revisions() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert script.get_heads() == [newest_revision()]
    for revision in script.walk_revisions():
        assert Path(revision.path).name.startswith(f"{revision.revision}_")


async def test_an_empty_database_is_upgraded(empty_database_url: str) -> None:
    assert await upgrade(empty_database_url) == Upgraded(None, newest_revision())


async def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    await upgrade(empty_database_url)
    before = _schema(empty_database_url)
    assert await upgrade(empty_database_url) == Upgraded(newest_revision(), newest_revision())
    assert _schema(empty_database_url) == before


async def test_instances_that_start_together_upgrade_once(empty_database_url: str) -> None:
    results = await asyncio.gather(*(upgrade(empty_database_url) for _ in range(8)))
    assert [result.before for result in results].count(None) == 1
    assert {result.after for result in results} == {newest_revision()}


async def test_alembic_finds_no_difference_between_schema_and_models(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    monkeypatch.setitem(PGDialect.ischema_names, "xid8", Xid8)  # SQLAlchemy does not know it
    assert await _with_sqlalchemy(database_url, differences) == []


async def test_the_dumped_schema_equals_that_of_the_models(database_url: str, empty_database_url: str) -> None:
    """Alembic does not compare CHECK constraints; a dump contains everything."""
    await _with_sqlalchemy(empty_database_url, metadata.create_all)
    assert _schema(database_url) == _schema(empty_database_url)


async def test_a_schema_newer_than_the_code_is_refused(database_url: str) -> None:
    await execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseIncompatible, match=r"revision 9999, newer than this release"):
        await upgrade(database_url)


async def test_an_unreachable_server_is_reported(free_tcp_port: int) -> None:
    with pytest.raises(DatabaseUnavailable, match="Cannot connect"):
        await upgrade(f"postgresql://nobody@127.0.0.1:{free_tcp_port}/none")


async def test_an_upgrade_uses_the_host_that_accepts_writes(empty_database_url: str) -> None:
    """The first host of the URL is unreachable."""
    socket_dir = empty_database_url.partition("?host=")[2]
    several = empty_database_url.replace(f"?host={socket_dir}", f"?host=/nowhere,{socket_dir}&port=5432,5432")
    assert (await upgrade(several)).before is None


@pytest.mark.skipif(SYSTEM_POSTGRES is None, reason="needs a PostgreSQL of the system, version 15 to 17")
async def test_the_oldest_supported_server_is_upgraded(system_url: str) -> None:
    assert (await upgrade(system_url)).before is None
    assert (await upgrade(system_url)).before == newest_revision()


async def test_a_server_older_than_supported_is_refused(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL 14 is not installed, so the test raises the minimum above the installed version."""
    monkeypatch.setattr("app.database.upgrade.SERVER_VERSION_MIN", 19)
    with pytest.raises(DatabaseIncompatible, match="needs 19 or newer"):
        await upgrade(empty_database_url)
    assert _schema(empty_database_url) == []


@pytest.fixture
def system_url() -> Iterator[str]:
    with system_postgres() as url:
        yield url


async def _with_sqlalchemy(url: str, function: Callable[[Connection], Any]) -> Any:
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: connect(url))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(function)
    finally:
        await engine.dispose()


def _schema(url: str) -> list[str]:
    """The DDL of the database, in the order and words of pg_dump."""
    user = SystemUser(os.geteuid(), os.getegid())
    dump = run_program(
        *(
            "pg_dump",
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            "--exclude-table=alembic_version",
            f"--dbname={url}",
        ),
        user=user,
    )
    return [line for line in dump.splitlines() if line and not line.startswith(("--", "SET ", "SELECT ", "\\"))]


async def test_a_database_that_is_not_utf8_is_refused(server: EmbeddedServer) -> None:
    await execute(
        server.url_of("postgres"),
        "DROP DATABASE IF EXISTS latin",
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    )
    with pytest.raises(DatabaseIncompatible, match="LATIN1"):
        await upgrade(server.url_of("latin"))
