"""Neither the service nor the database's owner can change append-only tables."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from app.database import Database
from app.database.embedded import EmbeddedServer
from app.database.protection import SERVICE_ROLE, lacks_protection
from app.database.upgrade import connect, upgrade
from app.models import metadata
from tests.cli.test_db import installed_purser
from tests.conftest import execute
from tests.database.system_postgres import SYSTEM_POSTGRES, system_postgres

pytestmark = pytest.mark.anyio

APPEND_ONLY = ("audit_entries", "budget_journal", "order_events")
ENTRY = (
    "INSERT INTO audit_entries (id, ts, actor, action, entity_type, entity_id, hash)"
    " VALUES (1, 1, 'a', 'b', 'c', 'd', 'e')"
)
FORBIDDEN_BY_TABLE = {
    table: (f"UPDATE {table} SET ts = 1", f"DELETE FROM {table}", f"TRUNCATE {table}") for table in APPEND_ONLY
}
FORBIDDEN_BY_TABLE["order_events"] = ("UPDATE order_events SET seq = 1", *FORBIDDEN_BY_TABLE["order_events"][1:])
FORBIDDEN = [statement for statements in FORBIDDEN_BY_TABLE.values() for statement in statements]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def old_server() -> Iterator[str]:
    if SYSTEM_POSTGRES is None:
        pytest.skip("needs a PostgreSQL of the system, version 15 to 17")
    with system_postgres() as url:
        yield url


@pytest.fixture(scope="module")
def new_server() -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="purser-roles-") as directory,
        EmbeddedServer.start(Path(directory), durable=False) as server,
    ):
        yield server.url_of("postgres")


@pytest.fixture(params=["new_server", "old_server"])
def superuser_url(request: pytest.FixtureRequest) -> str:
    """The URL of a superuser on a cluster without the service role: our PostgreSQL, and the oldest supported one."""
    url: str = request.getfixturevalue(request.param)
    asyncio.run(execute(url, f"DROP ROLE IF EXISTS {SERVICE_ROLE}"))
    return url


@asynccontextmanager
async def owned_database(superuser_url: str, rights: str) -> AsyncIterator[str]:
    """The URL of an empty database that belongs to a fresh user with these rights."""
    user = f"owner_{os.getpid()}_{next(_numbers)}"
    await execute(superuser_url, f"CREATE ROLE {user} LOGIN {rights}", f"CREATE DATABASE {user} OWNER {user}")
    try:
        yield superuser_url.replace("postgres@/postgres", f"{user}@/{user}")
    finally:
        await execute(superuser_url, f"DROP DATABASE {user} WITH (FORCE)")


async def error_of(url: str, statement: str) -> type[BaseException] | None:
    """The type of the error that a statement of the service raises; None if it succeeds."""
    database = await Database.open(url)
    try:
        async with database.unit_of_work() as work:
            await work.execute(statement)
            await work.commit()
    except asyncpg.PostgresError as error:
        return type(error)
    finally:
        await database.close()
    return None


async def role_of(url: str) -> str:
    database = await Database.open(url)
    try:
        async with database.unit_of_work() as work, database.read() as connection:
            role = await work.fetchval("SELECT current_user")
            assert await connection.fetchval("SELECT current_user") == role
            return str(role)
    finally:
        await database.close()


async def test_the_service_role_cannot_change_append_only_tables(database_url: str) -> None:
    assert await role_of(database_url) == SERVICE_ROLE
    assert await error_of(database_url, ENTRY) is None
    for statement in FORBIDDEN:
        assert await error_of(database_url, statement) is asyncpg.InsufficientPrivilegeError
    connection = await connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM audit_entries WHERE ts = 1") == 1
    finally:
        await connection.close()


async def test_the_service_role_has_exactly_the_rights_it_needs(database_url: str) -> None:
    connection = await connect(database_url)
    try:
        for table in metadata.sorted_tables:
            granted = await connection.fetch(
                "SELECT privilege FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER,REFERENCES}'::text[])"
                " privilege WHERE has_table_privilege($1, $2, privilege)",
                SERVICE_ROLE,
                table.name,
            )
            expected = {"SELECT", "INSERT"} if table.name in APPEND_ONLY else {"SELECT", "INSERT", "UPDATE", "DELETE"}
            assert {row["privilege"] for row in granted} == expected, table.name
        assert not await connection.fetchval(
            "SELECT has_table_privilege($1, 'alembic_version', 'UPDATE')", SERVICE_ROLE
        )
        assert not await connection.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", SERVICE_ROLE)
    finally:
        await connection.close()


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_triggers_stop_the_owner_from_changing_append_only_tables(database_url: str, statement: str) -> None:
    connection = await connect(database_url)
    try:
        await connection.execute(ENTRY)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="are never changed or removed"):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_an_owner_with_createrole_gets_the_service_role(superuser_url: str) -> None:
    async with owned_database(superuser_url, "CREATEROLE") as url:
        await upgrade(url)
        assert await role_of(url) == SERVICE_ROLE
        assert await error_of(url, ENTRY) is None
        assert await error_of(url, "DELETE FROM audit_entries") is asyncpg.InsufficientPrivilegeError
        before = await _tables(url)
        await upgrade(url)
        assert await _tables(url) == before


async def test_an_owner_without_createrole_is_limited_by_the_triggers(superuser_url: str) -> None:
    async with owned_database(superuser_url, "NOCREATEROLE") as url:
        await upgrade(url)
        connection = await connect(url)
        try:
            assert not await lacks_protection(connection)
        finally:
            await connection.close()
        user = url.partition("//")[2].partition("@")[0]
        assert await role_of(url) == user
        assert await error_of(url, ENTRY) is None
        for statement in FORBIDDEN:
            assert await error_of(url, statement) is asyncpg.InsufficientPrivilegeError
        assert (await upgrade(url)).before is not None


async def test_databases_of_one_cluster_can_be_upgraded_concurrently(superuser_url: str) -> None:
    async with owned_database(superuser_url, "CREATEROLE") as url:
        await upgrade(url)
        await execute(url, f"DROP OWNED BY {SERVICE_ROLE}", f"DROP ROLE {SERVICE_ROLE}")
        first = url.partition("@/")[2].partition("?")[0]
        names = [f"{first}_{number}" for number in range(6)]
        await execute(superuser_url, *(f"CREATE DATABASE {name} OWNER {first} TEMPLATE {first}" for name in names))
        urls = [url.replace(f"@/{first}", f"@/{name}") for name in names]
        try:
            await asyncio.gather(*(upgrade(url) for url in urls))
            assert [await role_of(url) for url in urls] == [SERVICE_ROLE] * len(names)
        finally:
            await execute(superuser_url, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names))


async def test_a_login_in_the_service_role_works_as_that_role(database_url: str) -> None:
    login = f"app_{os.getpid()}_{next(_numbers)}"
    await execute(database_url, f"CREATE ROLE {login} LOGIN IN ROLE {SERVICE_ROLE}")
    url = database_url.replace("postgres@", f"{login}@")
    try:
        await upgrade(url)
        assert await role_of(url) == SERVICE_ROLE
        assert await error_of(url, ENTRY) is None
        assert await error_of(url, "SET ROLE NONE; DELETE FROM audit_entries") is asyncpg.InsufficientPrivilegeError
        assert await error_of(url, "DROP TRIGGER audit_entries_append_only ON audit_entries") is not None
    finally:
        await execute(database_url, f"DROP ROLE {login}")


async def test_a_restored_database_is_protected_again(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    await execute(database_url, ENTRY)
    file = tmp_path / "purser.backup"
    for arguments, url in ((("backup", file), database_url), (("restore", file), empty_database_url)):
        done = await asyncio.to_thread(installed_purser, url, "db", *arguments)
        assert done.returncode == 0, done.stderr
    assert await role_of(empty_database_url) == SERVICE_ROLE
    assert await error_of(empty_database_url, "DELETE FROM audit_entries") is asyncpg.InsufficientPrivilegeError
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed"):
        await execute(empty_database_url, "DELETE FROM audit_entries")


async def test_the_service_role_finds_a_schema_named_after_the_owner(superuser_url: str) -> None:
    async with owned_database(superuser_url, "SUPERUSER") as url:
        user = url.partition("//")[2].partition("@")[0]
        await execute(url, f"CREATE SCHEMA {user}")
        await upgrade(url)
        assert await role_of(url) == SERVICE_ROLE
        assert await error_of(url, ENTRY) is None


async def _tables(url: str) -> list[str]:
    connection = await connect(url)
    try:
        found = await connection.fetch("SELECT oid, xmin, relname, relacl FROM pg_class WHERE relkind = 'r' ORDER BY 1")
        return [str(row) for row in found]
    finally:
        await connection.close()
