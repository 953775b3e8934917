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
from tests.authentication.test_keyring import until
from tests.configured import configured
from tests.feed.rows import change, set_budget
from tests.graphql_schema.live.client import Socket, connected
from tests.reads.serving import serving

pytestmark = pytest.mark.anyio

POOL_SIZE = 2
BOT = Principal(Role.VIEWER, "key:bot")
# Only the feed reports keys: the timer never fires during a test.
SETTINGS: dict[str, Any] = {"pool_size_max": POOL_SIZE, "keys_reload_seconds": 3600, "keys_stale_seconds_max": 3600}


@pytest.fixture
async def elsewhere(database_url: str) -> AsyncIterator[Context]:
    """The context of another process on the same database."""
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
async def filled(database: Database) -> AsyncIterator[None]:
    """All reader connections are in use during the block."""
    async with AsyncExitStack() as stack:
        for _ in range(POOL_SIZE):
            await stack.enter_async_context(database.read())
        yield


async def test_keys_take_effect_and_followers_stay_while_the_pool_is_full(
    database_url: str, elsewhere: Context, connection: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(database_url, **SETTINGS) as (app, _):
        context, authentication = app.state.context, app.state.authentication
        async with filled(context.database), context.feed.follow("order") as follower:
            await follower.start()
            for name in ("bot", "other", "third"):
                key = await keys.create_key(elsewhere, LOCAL, Role.VIEWER, name)
                named = Principal(Role.VIEWER, f"key:{name}")
                await until(lambda named=named: authentication.is_in_force(named))  # type: ignore[misc]
                await change(connection, "order", name)
                assert [one.key for one in await follower.next()] == [name]
                assert await keys.revoke_key(elsewhere, LOCAL, key.id)
                await until(lambda named=named: not authentication.is_in_force(named))  # type: ignore[misc]
    assert "the change feed" not in caplog.text


async def test_a_new_key_is_let_in_at_once_though_the_pool_is_full(database_url: str, elsewhere: Context) -> None:
    async with serving(database_url, **SETTINGS) as (app, _):
        authentication: Authentication = app.state.authentication
        async with filled(app.state.context.database):
            key = await keys.create_key(elsewhere, LOCAL, Role.VIEWER, "bot")
            async with asyncio.timeout(PoolLimits.acquire_timeout_seconds - 1):
                assert await authentication.authenticate(str(key), "127.0.0.1") == BOT


async def test_subscribers_stay_while_requests_fill_the_pool_and_keys_come_and_go(
    database_url: str,
    elsewhere: Context,
    connection: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_socket, "KEY_CHECK_SECONDS", 0.05)
    ui = await keys.create_key(elsewhere, LOCAL, Role.VIEWER, "ui")
    async with (
        listening(database_url) as (app, address),
        connected(address, **{"X-API-Key": str(ui)}) as socket,
    ):
        await socket.ask("subscription { budgets { currency } }")
        await begun(socket, connection)
        async with filled(app.state.context.database):
            bot = await keys.create_key(elsewhere, LOCAL, Role.VIEWER, "bot")
            async with connected(address, **{"X-API-Key": str(bot)}) as other:
                assert await keys.revoke_key(elsewhere, LOCAL, bot.id)
                assert await other.closed() == (4403, "The key was revoked.")
            await set_budget(connection, "EUR", "1")
        while (await socket.event())["budgets"]["currency"] != "EUR":
            pass
    assert "the change feed" not in caplog.text


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[tuple[FastAPI, str]]:
    """The application in a server of this event loop, so that the test can use its pool, and the server's address."""
    app = configured(url, **SETTINGS)
    with socket_module.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
        serving = asyncio.create_task(server.serve([listener]))
        yield app, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


async def begun(socket: Socket, connection: asyncpg.Connection) -> None:
    """Wait until a subscription to budgets receives changes."""
    told = asyncio.create_task(socket.event())
    for allocated in range(1, 1000):
        await set_budget(connection, "USDT", str(allocated))
        done, _ = await asyncio.wait({told}, timeout=0.1)
        if done:
            return
    raise AssertionError("the subscription never began")
