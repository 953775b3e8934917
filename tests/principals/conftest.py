"""Two services: one over the rows of two strategies, for keys of every kind; one over the rows of OURS only."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import SQLModel

from app.authentication import keyring
from app.database import Database
from app.database.embedded import EmbeddedServer
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from tests.conftest import execute
from tests.principals.rows import OURS, rows, rows_of
from tests.reads.rows import insert
from tests.reads.serving import Client, serving

LIMITS = {
    "graphql_cost_max": 10**9,
    "graphql_tokens_max": 10**6,
    "graphql_fields_max": 10**6,
    "graphql_query_bytes_max": 10**7,
    "wrong_keys_max": 10**6,
    # PostgreSQL takes seconds to plan the deepest of these queries, and several times that on a busy machine.
    "statement_timeout_seconds": 300.0,
    "graphql_timeout_seconds": 300.0,
}
"""The queries of these tests exceed the limits of clients."""

KEYS: dict[str, tuple[Role, list[str]]] = {
    **{role.value: (role, []) for role in Role},
    **{f"bound {role}": (role, [str(OURS)]) for role in Role},
}
"""Role and strategies of each client's key."""


@pytest.fixture(scope="package", autouse=True)
def unknown_keys_are_looked_up_at_once() -> Iterator[None]:
    """A process looks up unknown keys once a second; these tests repeat every query with one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keyring, "UNKNOWN_INTERVAL_SECONDS", 0.0)
        yield


@pytest.fixture(scope="package")
async def clients(server: EmbeddedServer, template: str) -> AsyncIterator[dict[str, Client]]:
    """Clients by name: those of KEYS, `no key` and `wrong key`, of one service; `alone`, an admin of the other.

    For tests that change nothing.
    """
    async with AsyncExitStack() as stack:
        alone_url = await stack.enter_async_context(_database_with(server, template, "alone", rows_of(OURS)))
        _, alone = await stack.enter_async_context(serving(alone_url, **LIMITS))
        yield {"alone": alone, **await _clients(stack, server, template, "together")}


@pytest.fixture(scope="package")
async def changing_clients(server: EmbeddedServer, template: str) -> AsyncIterator[dict[str, Client]]:
    """The clients without `alone`, of a service whose rows the tests may change."""
    async with AsyncExitStack() as stack:
        yield await _clients(stack, server, template, "changing")


async def _clients(stack: AsyncExitStack, server: EmbeddedServer, template: str, name: str) -> dict[str, Client]:
    url = await stack.enter_async_context(_database_with(server, template, name, rows()))
    texts = {"wrong key": f"purser_{'0' * 16}_{'0' * 64}"}
    database = await Database.open(url)
    for kind, (role, strategies) in KEYS.items():
        texts[kind] = str(await keys.create_key(Context(database), LOCAL, role, kind, strategies))
    await database.close()
    app, without_key = await stack.enter_async_context(serving(url, **LIMITS))
    clients = {kind: Client(await stack.enter_async_context(_with_key(app, text))) for kind, text in texts.items()}
    return {"no key": without_key, **clients}


def _with_key(app: FastAPI, key: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers={"X-API-Key": key})


@asynccontextmanager
async def _database_with(
    server: EmbeddedServer, template: str, name: str, stored: Iterable[SQLModel]
) -> AsyncIterator[str]:
    url, maintenance = server.url_of(name), server.url_of("postgres")
    await execute(maintenance, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        database = await Database.open(url)
        await insert(database, stored)
        await database.close()
        yield url
    finally:
        await execute(maintenance, f"DROP DATABASE {name} WITH (FORCE)")
