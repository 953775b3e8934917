"""A real PostgreSQL for all tests: one server for the run, one fresh, migrated database for each test."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.database import Database
from app.database.embedded import EmbeddedServer
from app.database.upgrade import connect, upgrade
from tests.scratch import Scratch

TEMPLATE = "template_purser"
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    # Commands are run by the hundred: without bytecode each compiles what it imports, two seconds' work.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    config.add_cleanup(Scratch().close)


async def execute(url: str, *statements: str) -> None:
    """Run statements, each in a transaction of its own."""
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
    """The run's server, without fsync: what it stores need not outlive the run."""
    with (
        tempfile.TemporaryDirectory(prefix="purser-tests-") as directory,
        EmbeddedServer.start(Path(directory), durable=False) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> str:
    """The name of a migrated database that nobody is connected to."""
    asyncio.run(execute(server.url_of("postgres"), f"CREATE DATABASE {TEMPLATE}"))
    asyncio.run(upgrade(server.url_of(TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def database_url(server: EmbeddedServer, template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    yield from _fresh_database(server, template)


@pytest.fixture
def empty_database_url(server: EmbeddedServer) -> Iterator[str]:
    """The URL of a fresh database without any table."""
    yield from _fresh_database(server, "template1")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database, opened."""
    opened = await Database.open(database_url)
    try:
        yield opened
    finally:
        await opened.close()


def _fresh_database(server: EmbeddedServer, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    maintenance = server.url_of("postgres")
    asyncio.run(execute(maintenance, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    try:
        yield server.url_of(name)
    finally:
        asyncio.run(execute(maintenance, f"DROP DATABASE {name} WITH (FORCE)"))
