"""Fixtures: the application over the small ledger. Imported by the conftest of every folder that asks it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.database import Database
from app.database.embedded import EmbeddedServer
from tests.application import create_test_app
from tests.conftest import execute
from tests.reads.rows import insert, ledger

_numbers = itertools.count(1)


class Client:
    """Asks the application, through both of its faces."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """A GET whose path goes out as it is written."""
        return await self.http.get(httpx.URL(path, params=params) if params else path)

    async def refused(self, path: str, status: int) -> dict[str, str]:
        """The body of an error, after its form was checked."""
        response = await self.http.get(path)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/json"
        body: dict[str, str] = response.json()
        assert list(body) == ["detail", "code"]
        return body

    async def query(self, document: str, **variables: Any) -> Any:
        """The data of a GraphQL question that has no errors."""
        body = await self.graphql(document, **variables)
        assert "errors" not in body, body
        return body["data"]

    async def graphql(self, document: str, **variables: Any) -> Any:
        """The whole answer to a GraphQL question."""
        response = await self.http.post("/graphql", json={"query": document, "variables": variables})
        return response.json()

    async def code(self, document: str, **variables: Any) -> str:
        """The code of the only error of a GraphQL question."""
        (error,) = (await self.graphql(document, **variables))["errors"]
        return str(error["extensions"]["code"])


@pytest.fixture(scope="session")
def ledger_url(server: EmbeddedServer, template: str) -> Iterator[str]:
    """The URL of a database with the small ledger, shared by all tests that change nothing."""
    # Each conftest that imports this fixture has its own.
    with database_with_ledger(server, template) as url:
        yield url


@contextmanager
def database_with_ledger(server: EmbeddedServer, template: str) -> Iterator[str]:
    """The URL of a new database with the small ledger."""
    name = f"ledger_{next(_numbers)}"
    maintenance, url = server.url_of("postgres"), server.url_of(name)
    asyncio.run(execute(maintenance, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    asyncio.run(_insert_ledger(url))
    yield url
    asyncio.run(execute(maintenance, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
async def ledger_database(ledger_url: str) -> AsyncIterator[Database]:
    """The shared database, opened."""
    database = await Database.open(ledger_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def client(ledger_url: str) -> AsyncIterator[Client]:
    """A client of the application over the shared database."""
    async with serving(ledger_url) as (_, client):
        yield client


@pytest.fixture
async def own(database_url: str) -> AsyncIterator[tuple[FastAPI, Client]]:
    """The application over an empty database of the test's own, and its client."""
    async with serving(database_url) as served:
        yield served


@asynccontextmanager
async def serving(url: str, **options: Any) -> AsyncIterator[tuple[FastAPI, Client]]:
    """The started application, and a client of it."""
    app = create_test_app(url, **options)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
    ):
        yield app, Client(http)


async def _insert_ledger(url: str) -> None:
    database = await Database.open(url)
    await insert(database, ledger())
    await database.close()
