"""Readiness and metrics, as an operator's monitoring reads them."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from app.database.embedded import EmbeddedServer
from app.database.upgrade import newest_revision, upgrade
from app.resolvers import health
from tests.feed.rows import change, set_budget, until
from tests.ledger.assumptions import events_with_assumptions
from tests.ledger.state import record
from tests.ledger.test_valuation import INVERSE, define_instruments, lines
from tests.reads.serving import Client, own, serving

__all__ = ["own"]

pytestmark = pytest.mark.anyio

READY = "/health/ready"


async def metrics(client: Client) -> dict[tuple[str, ...], float]:
    """The metrics by name and labels."""
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def readiness(client: Client, status: int) -> Any:
    response = await client.get(READY)
    assert response.status_code == status
    return response.json()


async def test_the_service_is_ready_while_the_database_answers(own: tuple[FastAPI, Client]) -> None:
    _, client = own
    body = await readiness(client, 200)
    assert body["status"] == "ready"
    revision = newest_revision()
    assert body["database"] == {"is_reachable": True, "schema_revision": revision, "schema_expected": revision}
    assert body["feed"] == {"is_connected": True, "lag_seconds": 0}
    assert list(body["registry"]) == ["age_seconds"]
    assert body["registry"]["age_seconds"] >= 0


async def test_the_service_is_not_ready_until_the_database_is_back() -> None:
    with tempfile.TemporaryDirectory(prefix="purser-ready-") as directory:
        server = await asyncio.to_thread(EmbeddedServer.start, Path(directory), durable=False)
        await upgrade(server.url)
        async with serving(server.url) as (app, client):
            assert (await readiness(client, 200))["database"]["is_reachable"]
            await asyncio.to_thread(server.stop)
            await until(lambda: not app.state.context.feed.status.is_connected)
            away = await readiness(client, 503)
            assert away["status"] == "not ready"
            assert (away["database"]["is_reachable"], away["database"]["schema_revision"]) == (False, None)
            assert (await metrics(client))["purser_feed_connected",] == 0
            server = await asyncio.to_thread(EmbeddedServer.start, Path(directory), durable=False)
            await until(lambda: app.state.context.feed.status.is_connected)
            assert (await readiness(client, 200))["feed"]["is_connected"]
        await asyncio.to_thread(server.stop)


async def test_the_service_is_not_ready_with_another_schema(own: tuple[FastAPI, Client], database_url: str) -> None:
    _, client = own
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    assert (await readiness(client, 503))["database"]["schema_revision"] == "9999"


async def test_the_service_is_not_ready_with_a_stale_registry(
    own: tuple[FastAPI, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = own
    monkeypatch.setattr(health, "AGE_SECONDS_MAX", 0)
    body = await readiness(client, 503)
    assert (body["status"], body["database"]["is_reachable"]) == ("not ready", True)


async def test_a_pending_change_raises_the_feed_lag(own: tuple[FastAPI, Client], database_url: str) -> None:
    app, client = own
    early, late = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    async with early.transaction():
        await change(early, "order", "O-1")
        await change(late, "order", "O-2")
        await until(lambda: app.state.context.feed.status.lag_seconds > 0)
        assert (await metrics(client))["purser_feed_lag_seconds",] > 0
    for connection in (early, late):
        await connection.close()


async def test_requests_are_counted_by_api_and_status(own: tuple[FastAPI, Client]) -> None:
    _, client = own
    await client.query("{ summary { orders } }")
    for path in ("/api/trading/orders", "/api/trading/summary", "/api/trading/nothing", "/health"):
        await client.get(path)
    found = await metrics(client)
    counted = {
        labels: value
        for (name, *labels_), value in found.items()
        if name == "purser_requests_total"
        for labels in [tuple(labels_)]
    }
    assert counted == {("graphql", "200"): 1, ("rest", "200"): 2, ("rest", "404"): 1, ("other", "200"): 1}
    assert found["purser_request_seconds_count", "rest"] == 3
    assert found["purser_request_seconds_sum", "rest"] > 0
    assert found["purser_request_seconds_bucket", "rest", "+Inf"] == 3
    assert (await metrics(client))["purser_requests_total", "other", "200"] == 2


async def test_metrics_show_the_registry_and_the_feed(own: tuple[FastAPI, Client], database_url: str) -> None:
    app, client = own
    connection = await asyncpg.connect(database_url)
    await set_budget(connection, "USDT", "1")
    await connection.close()
    await until(lambda: len(app.state.context.registry) == 1)
    found = await metrics(client)
    assert (found["purser_feed_connected",], found["purser_registry_budgets",]) == (1, 1)
    assert found["purser_orders_waiting",] == 0
    assert 0 <= found["purser_registry_age_seconds",] < 10


async def test_metrics_show_assumed_and_unvalued_amounts(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    names = [
        *(("purser_instruments", "RECORDED"), ("purser_instruments", "ASSUMED"), ("purser_fills_assumed",)),
        *(("purser_orders_unvalued",), ("purser_discrepancies",), ("purser_events_quarantined",)),
    ]

    async def counted() -> list[float]:
        found = await metrics(client)
        return [found[name] for name in names]

    assert await counted() == [0, 0, 0, 0, 0, 0]
    await record(app.state.context.database, lines(*events_with_assumptions()))
    assert await counted() == [0, 1, 2, 1, 2, 1]
    await define_instruments(app.state.context.database, INVERSE)
    assert await counted() == [1, 0, 0, 1, 0, 1]
