"""A real PostgreSQL for all tests: one server for the run, and a fresh, migrated database for each test."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from app.database import Database
from app.database.embedded import EmbeddedServer
from app.database.upgrade import connect, upgrade
from tests.scratch import Scratch

ROOT = Path(__file__).parents[1]
THOROUGH = (
    "tests/browser",
    "tests/cli",
    "tests/clients/gql",
    "tests/clients/nautilus/test_backtest.py",
    "tests/clients/nautilus/test_documentation.py",
    "tests/clients/nautilus/test_interruptions.py",
    "tests/clients/nautilus/test_live.py",
    "tests/clients/nautilus/test_questions.py",
    "tests/clients/python/test_documentation.py",
    "tests/clients/python/test_restarts.py",
    "tests/clients/python/test_updates.py",
    "tests/clients/typescript",
    "tests/database",
    "tests/differential",
    "tests/examples",
    "tests/graphql_schema/live",
    "tests/graphql_schema/test_contract.py",
    "tests/ledger/test_arrangements.py",
    "tests/ledger/test_budget_histories.py",
    "tests/ledger/test_engine_truth.py",
    "tests/ledger/test_order_independence.py",
    "tests/ledger/test_order_truth.py",
    "tests/ledger/test_recordings.py",
    "tests/ledger/test_verify.py",
    "tests/ledger/test_verify_tampering.py",
    "tests/principals",
    "tests/race",
    "tests/rest_compat/test_contract.py",
    "tests/streams/test_truth.py",
    "tests/test_scratch.py",
)
"""Folders and files that take most of the run time with a fifth of the tests; they get the marker `thorough`."""
TEMPLATE = "template_purser"
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    # Tests start hundreds of commands: without bytecode each one compiles what it imports, which takes two
    # seconds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    config.add_cleanup(Scratch().close)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    paths = [ROOT / name for name in THOROUGH]
    for item in items:
        if any(item.path.is_relative_to(path) for path in paths):
            item.add_marker("thorough")


async def execute(url: str, *statements: str) -> None:
    """Runs statements, each in its own transaction."""
    connection = await connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The server of the run, without fsync: its data need not outlive the run."""
    with (
        tempfile.TemporaryDirectory(prefix="purser-tests-") as directory,
        EmbeddedServer.start(Path(directory), durable=False) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> str:
    """The name of a migrated database without connections."""
    asyncio.run(execute(server.url_of("postgres"), f"CREATE DATABASE {TEMPLATE}"))
    asyncio.run(upgrade(server.url_of(TEMPLATE)))
    return TEMPLATE


@pytest.fixture(scope="session")
def administer(server: EmbeddedServer) -> Iterator[Callable[[str], object]]:
    """Run a statement over one connection that lasts: most of a database's time would go into connecting."""
    with asyncio.Runner() as runner:
        connection = runner.run(connect(server.url_of("postgres")))
        yield lambda statement: runner.run(connection.execute(statement))
        runner.run(connection.close())


@pytest.fixture
def database_url(server: EmbeddedServer, template: str, administer: Callable[[str], object]) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    yield from fresh_database(server, template, administer)


@pytest.fixture
def empty_database_url(server: EmbeddedServer, administer: Callable[[str], object]) -> Iterator[str]:
    """The URL of a fresh database without any table."""
    yield from fresh_database(server, "template1", administer)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database, opened."""
    opened = await Database.open(database_url)
    try:
        yield opened
    finally:
        await opened.close()


def fresh_database(server: EmbeddedServer, template: str, administer: Callable[[str], object]) -> Iterator[str]:
    """The URL of a database made from that template, which is dropped after it."""
    name = f"test_{next(_numbers)}"
    administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        yield server.url_of(name)
    finally:
        administer(f"DROP DATABASE {name} WITH (FORCE)")
