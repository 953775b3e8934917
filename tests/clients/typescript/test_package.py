"""@purser/client with the real Apollo Client, urql, Relay and graphql-ws, against a served Purser."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database import Database
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from tests.graphql_schema.service import running

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "clients" / "typescript"
NODE = ROOT / ".venv" / "bin" / "node"
RUN_SECONDS_MAX = 120
TEST_FILES = sorted(path.name for path in PACKAGE.glob("tests/*.test.ts"))


@pytest.fixture
def admin_key(database_url: str) -> str:
    """The text of an administrator's key."""
    return asyncio.run(create_admin_key(database_url))


@pytest.fixture
def service(database_url: str, admin_key: str) -> Iterator[str]:
    """The URL of a service over an empty database that requires a key."""
    with running(database_url) as address:
        yield address


@pytest.mark.parametrize("test_file", TEST_FILES)
def test_the_package_works_with_the_libraries(service: str, admin_key: str, test_file: str) -> None:
    environment = {"PURSER_TEST_URL": f"{service}/graphql", "PURSER_TEST_KEY": admin_key}
    done = run_node("--conditions=purser-source", "--test", "--test-timeout=8000", f"tests/{test_file}", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nℹ fail 0\n" in done.stdout


def test_generated_files_are_up_to_date() -> None:
    done = run_node("scripts/generate.ts", "--check")
    assert done.returncode == 0, done.stderr


async def create_admin_key(database_url: str) -> str:
    database = await Database.open(database_url)
    key = await keys.create_key(Context(database), LOCAL, Role.ADMIN, "admin")
    await database.close()
    return str(key)


def run_node(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs Node in the package's folder."""
    return subprocess.run(
        [NODE, *arguments],
        cwd=PACKAGE,
        env=os.environ | environment | {"NODE_NO_WARNINGS": "1"},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
        check=False,
    )
