"""`purser db`: a backup restores completely, and a refusal changes nothing."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from app.database.upgrade import connect, newest_revision
from tests.cli import processes
from tests.cli.processes import Done
from tests.conftest import execute

STRATEGY = (
    "INSERT INTO strategies (strategy_id, name, trader_id, created_at)"
    " VALUES (gen_random_uuid(), '{}', 'TRADER-001', 1)"
)


def purser(url: str, *arguments: str | Path) -> Done:
    """Runs the command against a database."""
    return processes.purser({"PURSER_DATABASE_URL": url}, *arguments)


def installed_purser(url: str, *arguments: str | Path) -> Done:
    """Runs the command against a database through the installed script."""
    return processes.installed_purser({"PURSER_DATABASE_URL": url}, *arguments)


def test_a_backup_restores_into_an_empty_database(database_url: str, empty_database_url: str, tmp_path: Path) -> None:
    asyncio.run(execute(database_url, STRATEGY.format("Grün $1 \\ ''")))
    file = tmp_path / "purser.backup"
    backup = installed_purser(database_url, "db", "backup", file)
    assert (backup.returncode, backup.stderr) == (0, "")
    assert file.stat().st_mode & 0o077 == 0
    restored = installed_purser(empty_database_url, "db", "restore", file)
    assert (restored.returncode, restored.stderr) == (0, "")
    assert asyncio.run(rows(empty_database_url)) == asyncio.run(rows(database_url)) != []
    assert f"revision {newest_revision()}" in installed_purser(empty_database_url, "db", "upgrade").stdout


def test_a_restored_database_starts_a_new_epoch_of_the_change_feed(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    change = "INSERT INTO changes (strategy_id, entity, key, xid) VALUES (gen_random_uuid(), 'order', 'O-1', {})"
    # From a server whose transaction ids were far ahead of this server's.
    asyncio.run(execute(database_url, change.format("'1'"), change.format("'9000000000000'")))
    file = tmp_path / "purser.backup"
    assert purser(database_url, "db", "backup", file).returncode == 0
    assert purser(empty_database_url, "db", "restore", file).returncode == 0
    before, after = (asyncio.run(feed_state(url)) for url in (database_url, empty_database_url))
    assert before["epoch"] != after["epoch"]
    assert (before["settled"], after["settled"]) == (1, 2)


async def feed_state(url: str) -> asyncpg.Record:
    """The epoch of the change feed, and the number of its rows that a reader can see."""
    connection = await connect(url)
    try:
        settled = "SELECT count(*) FROM changes WHERE xid < pg_snapshot_xmin(pg_current_snapshot())"
        row = await connection.fetchrow(f"SELECT epoch, ({settled}) AS settled FROM feed_epoch")
        assert row is not None
        return row
    finally:
        await connection.close()


def test_restore_refuses_a_database_with_data_unless_forced(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "purser.backup"
    asyncio.run(execute(database_url, STRATEGY.format("old")))
    assert purser(database_url, "db", "backup", file).returncode == 0
    asyncio.run(execute(database_url, STRATEGY.format("new")))
    before = asyncio.run(rows(database_url))

    refused = purser(database_url, "db", "restore", file)
    assert refused.returncode == 1
    assert "The database is not empty (public.strategies has rows)" in refused.stderr
    assert asyncio.run(rows(database_url)) == before

    assert purser(database_url, "db", "restore", "--force", file).returncode == 0
    assert [name for _, name in asyncio.run(rows(database_url))] == ["old"]


def test_restore_refuses_while_a_purser_is_connected(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "purser.backup"
    assert purser(database_url, "db", "backup", file).returncode == 0

    async def restore_while_connected() -> Done:
        connection = await connect(database_url)
        try:
            return await asyncio.to_thread(purser, database_url, "db", "restore", file)
        finally:
            await connection.close()

    refused = asyncio.run(restore_while_connected())
    assert refused.returncode == 1
    assert "A running Purser has 1 connections" in refused.stderr


def test_a_damaged_backup_changes_nothing(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "purser.backup"
    insert = "INSERT INTO signals SELECT gen_random_uuid(), gen_random_uuid(), NULL, md5(n::text), '1', n, n"
    asyncio.run(execute(database_url, f"{insert} FROM generate_series(1, 5000) AS n"))
    assert purser(database_url, "db", "backup", file).returncode == 0
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    asyncio.run(execute(database_url, STRATEGY.format("kept")))

    refused = purser(database_url, "db", "restore", "--force", file)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert [name for _, name in asyncio.run(rows(database_url))] == ["kept"]


def test_a_backup_of_a_newer_release_changes_nothing(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "purser.backup"
    asyncio.run(execute(database_url, "UPDATE alembic_version SET version_num = '9999'"))
    # The command does not upgrade the schema before a backup: a backup must be possible after a failed downgrade.
    assert purser(database_url, "db", "backup", file).returncode == 0
    refused = purser(empty_database_url, "db", "restore", file)
    assert refused.returncode == 1
    assert "at revision 9999, newer than this release" in refused.stderr


def test_backup_overwrites_a_file_only_when_forced(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "precious"
    file.write_text("precious")
    refused = purser(database_url, "db", "backup", file)
    assert refused.returncode == 1
    assert f"{file} exists" in refused.stderr
    assert file.read_text() == "precious"
    assert purser(database_url, "db", "backup", "--force", file).returncode == 0
    assert file.read_bytes().startswith(b"PGDMP")
    assert os.listdir(tmp_path) == ["precious"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["db", "restore", "/etc/passwd"], "is not a backup"),
        (["db", "restore", "/nonexistent"], "No such file"),
        (["db", "backup", "/nonexistent/file"], "cannot be written"),
    ],
)
def test_expected_failures_print_one_line_and_exit_with_1(
    database_url: str, arguments: list[str], message: str
) -> None:
    failed = purser(database_url, *arguments)
    assert failed.returncode == 1
    assert message in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


def test_an_invalid_setting_exits_with_2() -> None:
    failed = purser("mysql://root:hunter2@localhost/x", "db", "upgrade")
    assert failed.returncode == 2
    assert failed.stderr.startswith("purser: PURSER_DATABASE_URL: must begin with postgresql://")
    assert "hunter2" not in failed.stderr


def test_the_password_is_never_a_command_line_argument() -> None:
    from app.database.backup import _for_libpq

    assert _for_libpq("postgresql://u:p%40ss@h1:1,h2:2/d?x=1") == (
        "postgresql://u@h1:1,h2:2/d?x=1",
        {"PGPASSWORD": "p@ss"},
    )
    assert _for_libpq("postgresql:///d?host=/run/pg&user=u&password=s") == (
        "postgresql:///d?host=%2Frun%2Fpg&user=u",
        {"PGPASSWORD": "s"},
    )
    assert _for_libpq("postgresql://postgres@/purser?host=/x") == (
        "postgresql://postgres@/purser?host=%2Fx",
        {},
    )


async def rows(url: str) -> list[tuple[object, str]]:
    connection = await connect(url)
    try:
        found = await connection.fetch("SELECT strategy_id, name FROM strategies ORDER BY name")
        return [(row["strategy_id"], row["name"]) for row in found]
    finally:
        await connection.close()


@pytest.mark.parametrize("address", ["h:notaport", "h:0", "a:5432,b:99999", "[::1]:x"])
def test_an_invalid_port_exits_with_2(address: str) -> None:
    failed = purser(f"postgresql://root:hunter2@{address}/x", "db", "upgrade")
    assert failed.returncode == 2
    assert "a port is a number from 1 to 65535" in failed.stderr
    assert "hunter2" not in failed.stderr


def test_a_refusal_of_postgresql_prints_one_line_and_exits_with_1(database_url: str) -> None:
    role = f"stranger_{os.getpid()}"
    asyncio.run(execute(database_url, f"CREATE ROLE {role} LOGIN"))
    try:
        failed = purser(database_url.replace("postgres@", f"{role}@"), "verify")
    finally:
        asyncio.run(execute(database_url, f"DROP ROLE {role}"))
    assert failed.returncode == 1
    assert failed.stderr.startswith("purser: PostgreSQL refused: permission denied")
    assert len(failed.stderr.splitlines()) == 1
