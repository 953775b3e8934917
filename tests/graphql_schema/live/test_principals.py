"""Who may follow what: keys in `connectionParams` or in headers, bound ones, revoked ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from websockets.exceptions import InvalidStatus

from app.database import Database
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from app.rules.identity import NO_STRATEGY
from graphql_schema.live import socket as live_socket
from tests.feed.rows import change, set_budget
from tests.graphql_schema.live.client import connected, open_socket
from tests.graphql_schema.live.test_subscriptions import AUDIT
from tests.graphql_schema.service import running
from tests.reads.rows import EMA, MAKER

pytestmark = pytest.mark.anyio

STRATEGY = "INSERT INTO strategies (strategy_id, name, trader_id, created_at) VALUES ($1, $2, 'TRADER-001', 1)"
BUDGETS = "subscription ($after: String) { budgets(after: $after) { strategyId currency budget { strategyId } } }"


@asynccontextmanager
async def service_with_keys(url: str, **settings: Any) -> AsyncIterator[tuple[str, Context]]:
    """A server where keys are in place, and the means to make them."""
    database = await Database.open(url)
    context = Context(database)
    connection = await asyncpg.connect(url)
    await connection.executemany(STRATEGY, [(EMA, "EMACross-000"), (MAKER, "Maker-001")])
    await connection.close()
    await create_key_text(context, "first", Role.ADMIN)
    with running(url, **settings) as address:
        yield address, context
    await database.close()


async def create_key_text(context: Context, name: str, role: Role = Role.VIEWER, *strategies: UUID) -> str:
    """The text of a new key."""
    return str(await keys.create_key(context, LOCAL, role, name, [str(one) for one in strategies]))


@pytest.mark.parametrize("name", ["Authorization", "authorization", "X-API-Key", "x-api-key"])
async def test_a_key_in_the_connection_params_is_accepted(database_url: str, name: str) -> None:
    async with service_with_keys(database_url) as (address, context):
        key = await create_key_text(context, "ui")
        value = f"Bearer {key}" if name.lower() == "authorization" else key
        async with connected(address, **{name: value}) as socket:
            assert await socket.answer("{ summary { orders } }") == {"summary": {"orders": 0}}


async def test_a_key_in_the_headers_is_accepted(database_url: str) -> None:
    async with service_with_keys(database_url) as (address, context):
        key = await create_key_text(context, "script")
        async with open_socket(address, additional_headers={"X-API-Key": key}) as socket:
            await socket.send(type="connection_init")
            assert await socket.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    "params",
    [{}, {"other": "x"}, {"Authorization": ""}, {"Authorization": "Basic x"}, {"X-API-Key": "purser_x_y"}],
)
async def test_a_connection_without_a_valid_key_is_closed(database_url: str, params: dict[str, str]) -> None:
    async with service_with_keys(database_url) as (address, _), open_socket(address) as socket:
        await socket.send(type="connection_init", payload=params)
        assert (await socket.closed())[0] == 4403


async def test_a_bound_key_receives_only_events_of_its_strategies(
    database_url: str, connection: asyncpg.Connection
) -> None:
    async with service_with_keys(database_url) as (address, context):
        key = await create_key_text(context, "ema", Role.VIEWER, EMA)
        async with connected(address, **{"X-API-Key": key}) as socket:
            cursor = await socket.feed_cursor()
            await socket.ask(BUDGETS, "live", after=cursor)
            await socket.ask(f'subscription {{ budgets(strategyId: "{MAKER}") {{ cursor }} }}', "theirs")
            for currency in ("USDT", "EUR"):
                await set_budget(connection, currency, "1", strategy_id=MAKER)
                await set_budget(connection, currency, None, strategy_id=MAKER)
                await set_budget(connection, currency, "1")
            await socket.ask(BUDGETS, "missed", after=cursor)
            received: dict[str, list[str]] = {"live": [], "missed": []}
            while sum(map(len, received.values())) < 4:
                message = await socket.receive()
                event = message["payload"]["data"]["budgets"]
                assert event["strategyId"] == str(EMA)
                received[message["id"]].append(event["currency"])
            assert received == {"live": ["USDT", "EUR"], "missed": ["USDT", "EUR"]}


async def test_a_bound_key_receives_only_audit_entries_of_its_strategies(
    database_url: str, connection: asyncpg.Connection
) -> None:
    async with service_with_keys(database_url) as (address, context):
        key = await create_key_text(context, "ema", Role.VIEWER, EMA)
        before = await connection.fetchval("SELECT coalesce(max(id), 0) FROM audit_entries")
        async with connected(address, **{"X-API-Key": key}) as socket:
            query = "subscription ($after: String) { auditLog(after: $after) { entry { actor } } }"
            await socket.ask(query, after=await socket.feed_cursor())
            for number, strategy_id in enumerate((None, MAKER, EMA), start=before + 1):
                await connection.execute(AUDIT, number, str(strategy_id), strategy_id)
                await change(connection, "audit", str(number), strategy_id=strategy_id or NO_STRATEGY)
            assert (await socket.event())["auditLog"] == {"entry": {"actor": str(EMA)}}


async def test_a_connection_is_closed_after_its_key_is_revoked(
    database_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "KEY_CHECK_SECONDS", 0.05)
    async with service_with_keys(database_url, keys_reload_seconds=0.1) as (address, context):
        key = await create_key_text(context, "gone")
        async with connected(address, **{"X-API-Key": key}) as socket:
            await socket.ask(BUDGETS)
            await keys.revoke_key(context, LOCAL, key.split("_")[1])
            assert await socket.closed() == (4403, "The key was revoked.")
        async with open_socket(address) as socket:
            await socket.send(type="connection_init", payload={"X-API-Key": key})
            assert (await socket.closed())[0] == 4403


async def test_a_page_of_another_origin_is_refused_while_no_key_exists(service: str) -> None:
    async with open_socket(service, origin="http://localhost:8000") as socket:
        await socket.send(type="connection_init")
        assert await socket.receive() == {"type": "connection_ack"}
    with pytest.raises(InvalidStatus, match="403"):
        await open_socket(service, origin="http://elsewhere.example").__aenter__()
