"""Keys created and revoked while every connection of the process's pool is in use."""

import asyncio
import socket as socket_module
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
import uvicorn
from fastapi import FastAPI

from app.authentication.authentication import Authentication
from app.database import Database
from app.database.connections import PoolLimits
from app.principal import LOCAL, Principal, Role
from app.resolvers import Context, keys
from graphql_schema.live import socket as live_socket
from tests.application import create_test_app
from tests.authentication.test_keyring import until
from tests.feed.rows import change, set_budget
from tests.graphql_schema.live.client import Socket, connected
from tests.reads.serving import serving

pytestmark = pytest.mark.anyio

POOL_SIZE = 2
BOT = Principal(Role.VIEWER, "key:bot")
# Only the change feed reports new and revoked keys: the reload timer never fires during a test.
SETTINGS: dict[str, Any] = {"pool_size_max": POOL_SIZE, "keys_reload_seconds": 3600, "keys_stale_seconds_max": 3600}


@pytest.fixture
async def other_process(database_url: str) -> AsyncIterator[Context]:
    """A context on the same database, with a pool of its own, as another process has."""
    database = await Database.open(database_url)
    yield Context(database)
    await database.close()


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for writes, outside all pools."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


@asynccontextmanager
async def all_connections_in_use(database: Database) -> AsyncIterator[None]:
    """Keeps all reader connections in use during the block."""
    async with AsyncExitStack() as stack:
        for _ in range(POOL_SIZE):
            await stack.enter_async_context(database.read())
        yield


async def test_created_and_revoked_keys_take_effect_and_subscribers_stay_while_the_pool_is_full(
    database_url: str, other_process: Context, connection: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(database_url, **SETTINGS) as (app, _):
        context, authentication = app.state.context, app.state.authentication
        async with all_connections_in_use(context.database), context.feed.follow("order") as follower:
            await follower.start()
            for name in ("bot", "other", "third"):
                key = await keys.create_key(other_process, LOCAL, Role.VIEWER, name)
                principal = Principal(Role.VIEWER, f"key:{name}")
                await until(lambda principal=principal: authentication.is_in_force(principal))  # type: ignore[misc]
                await change(connection, "order", name)
                assert [one.key for one in await follower.next()] == [name]
                assert await keys.revoke_key(other_process, LOCAL, key.id)
                await until(lambda principal=principal: not authentication.is_in_force(principal))  # type: ignore[misc]
    assert "the change feed" not in caplog.text


async def test_a_new_key_is_accepted_at_once_while_the_pool_is_full(database_url: str, other_process: Context) -> None:
    async with serving(database_url, **SETTINGS) as (app, _):
        authentication: Authentication = app.state.authentication
        async with all_connections_in_use(app.state.context.database):
            key = await keys.create_key(other_process, LOCAL, Role.VIEWER, "bot")
            async with asyncio.timeout(PoolLimits.acquire_timeout_seconds - 1):
                assert await authentication.authenticate(str(key), "127.0.0.1") == BOT


async def test_a_subscription_survives_a_full_pool_and_the_revocation_of_another_key(
    database_url: str,
    other_process: Context,
    connection: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_socket, "KEY_CHECK_SECONDS", 0.05)
    ui = await keys.create_key(other_process, LOCAL, Role.VIEWER, "ui")
    async with (
        served_application(database_url) as (app, address),
        connected(address, **{"X-API-Key": str(ui)}) as socket,
    ):
        await socket.ask("subscription { budgets { currency } }")
        await wait_until_subscribed(socket, connection)
        async with all_connections_in_use(app.state.context.database):
            bot = await keys.create_key(other_process, LOCAL, Role.VIEWER, "bot")
            async with connected(address, **{"X-API-Key": str(bot)}) as other:
                assert await keys.revoke_key(other_process, LOCAL, bot.id)
                assert await other.closed() == (4403, "The key was revoked.")
            await set_budget(connection, "EUR", "1")
        while (await socket.event())["budgets"]["currency"] != "EUR":
            pass
    assert "the change feed" not in caplog.text


@asynccontextmanager
async def served_application(url: str) -> AsyncIterator[tuple[FastAPI, str]]:
    """The application, served in this event loop so that the test can use its pool, and its URL."""
    app = create_test_app(url, **SETTINGS)
    with socket_module.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
        serving = asyncio.create_task(server.serve([listener]))
        yield app, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


async def wait_until_subscribed(socket: Socket, connection: asyncpg.Connection) -> None:
    """Waits until the subscription to budgets receives changes."""
    event = asyncio.create_task(socket.event())
    for allocated in range(1, 1000):
        await set_budget(connection, "USDT", str(allocated))
        done, _ = await asyncio.wait({event}, timeout=0.1)
        if done:
            return
    raise AssertionError("the subscription never began")
