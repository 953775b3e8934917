"""`/api/budget`: one budget, and the registry in memory."""

import asyncio
import tempfile
from pathlib import Path

import asyncpg
import pytest
from fastapi import FastAPI

from app.database.embedded import EmbeddedServer
from app.database.upgrade import upgrade
from rest_compat import schemas
from rest_compat.budget_routes import AGE_HEADER
from tests.feed.rows import set_budget, until
from tests.reads.rows import EMA, MAKER, UNKNOWN
from tests.reads.serving import Client, serving

pytestmark = pytest.mark.anyio

REGISTRY = "/api/budget/registry"
STRATEGIES = "INSERT INTO strategies (strategy_id, name, trader_id, created_at) VALUES ($1, $2, 'TRADER-001', 1)"


async def insert_budgets(url: str) -> None:
    """Inserts two strategies; the first has two budgets, of which USDT is older."""
    connection = await asyncpg.connect(url)
    await connection.executemany(STRATEGIES, [(EMA, "EMACross-000"), (MAKER, "Maker-001")])
    await set_budget(connection, "USDT", "1000.0", "200.0")
    await set_budget(connection, "BTC", "0.10000000")
    await connection.execute("UPDATE budgets SET created_at = 2 WHERE currency = 'BTC'")
    await connection.close()


def budget_body(currency: str, amounts: str) -> bytes:
    """The response body for a budget of EMA."""
    return f'{{"strategy_id":"{EMA}","currency":"{currency}",{amounts},"realized_pnl":0,"total_fees":0}}'.encode()


USDT = budget_body("USDT", '"allocated":1000.0,"reserved":200.0,"available":800.0')
BTC = budget_body("BTC", '"allocated":0.10000000,"reserved":0,"available":0.10000000')


async def test_the_oldest_budget_is_the_default(database_url: str) -> None:
    await insert_budgets(database_url)
    async with serving(database_url) as (_, client):
        assert (await client.get(f"/api/budget/{EMA}")).content == USDT
        assert (await client.get(f"/api/budget/{EMA}?currency=USDT")).content == USDT
        assert (await client.get(f"/api/budget/{EMA}?currency=BTC")).content == BTC
        for path, code in (
            (f"/api/budget/{EMA}?currency=EUR", "BUDGET_NOT_FOUND"),
            (f"/api/budget/{MAKER}", "BUDGET_NOT_FOUND"),
            (f"/api/budget/{UNKNOWN}", "STRATEGY_NOT_FOUND"),
        ):
            assert (await client.refused(path, 404))["code"] == code
        await client.refused("/api/budget/nobody", 422)
        await client.refused(f"/api/budget/{EMA}?currency=%00", 422)


async def test_the_registry_has_every_budget_as_its_own_path_returns_it(database_url: str) -> None:
    await insert_budgets(database_url)
    async with serving(database_url) as (_, client):
        response = await client.get(REGISTRY)
        assert response.content == b'{"%b":{"BTC":%b,"USDT":%b}}' % (str(EMA).encode(), BTC, USDT)
        assert float(response.headers[AGE_HEADER]) >= 0
        assert list(response.json()[str(EMA)]["BTC"]) == list(schemas.BudgetSummaryResponse.model_fields)


async def test_an_unchanged_registry_is_answered_with_304(own: tuple[FastAPI, Client], database_url: str) -> None:
    app, client = own
    first = await client.get(REGISTRY)
    assert (first.content, first.headers["cache-control"]) == (b"{}", "private, no-cache")
    for known in (first.headers["etag"], f'W/{first.headers["etag"]}, "x"', "*"):
        again = await client.http.get(REGISTRY, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert AGE_HEADER in again.headers
    await insert_budgets(database_url)
    await until(lambda: len(app.state.context.registry) == 2)
    changed = await client.http.get(REGISTRY, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


async def test_the_registry_is_served_while_the_database_is_unreachable() -> None:
    with tempfile.TemporaryDirectory(prefix="purser-registry-") as directory:
        server = await asyncio.to_thread(EmbeddedServer.start, Path(directory), durable=False)
        await upgrade(server.url)
        await insert_budgets(server.url)
        async with serving(server.url) as (app, client):
            before = await client.get(REGISTRY)
            await asyncio.to_thread(server.stop)
            await until(lambda: not app.state.context.feed.status.is_connected)
            assert (await client.get(f"/api/budget/{EMA}")).status_code == 503
            away = await client.get(REGISTRY)
            assert (away.status_code, away.content) == (200, before.content)
            assert float(away.headers[AGE_HEADER]) > 0


async def test_a_registry_that_was_never_loaded_is_not_ready(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("ALTER TABLE feed_epoch RENAME TO away")
    await connection.close()
    async with serving(database_url) as (_, client):
        assert (await client.refused(REGISTRY, 503))["code"] == "NOT_READY"
