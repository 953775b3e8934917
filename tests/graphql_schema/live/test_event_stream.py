"""GraphQL over server-sent events, distinct connections mode: results, refusals, limits, and clients that leave."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from app.principal import Role
from graphql_schema.live import event_stream
from tests.feed.rows import set_budget
from tests.graphql_schema.live.test_principals import create_key_text, service_with_keys
from tests.graphql_schema.live.test_subscriptions import END_CONNECTIONS
from tests.graphql_schema.service import running
from tests.reads.rows import EMA, MAKER

pytestmark = pytest.mark.anyio

ACCEPT = {"accept": "text/event-stream"}
BUDGETS = "subscription ($after: String) { budgets(after: $after) { cursor strategyId currency } }"


class Stream:
    """The events of one response, and its comments."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self.comments = 0

    async def event(self) -> tuple[str, Any]:
        """The next event: its name and its data."""
        name, data = "", ""
        async for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
            elif line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data:"):
                data = line.removeprefix("data:").strip()
            elif not line and name:
                return name, json.loads(data) if data else None
        raise EOFError

    async def currency(self) -> str:
        name, payload = await self.event()
        assert name == "next", payload
        return str(payload["data"]["budgets"]["currency"])


@asynccontextmanager
async def streamed(address: str, query: str, **options: Any) -> AsyncIterator[Stream]:
    """The stream of one operation, by POST; `variables` and `headers` are options."""
    body = {"query": query, "variables": options.get("variables", {})}
    headers = {**ACCEPT, **options.get("headers", {})}
    async with (
        httpx.AsyncClient(base_url=address, timeout=30) as client,
        client.stream("POST", "/graphql", json=body, headers=headers) as response,
    ):
        yield Stream(response)


async def feed_cursor(address: str) -> str:
    async with httpx.AsyncClient(base_url=address) as client:
        return str((await client.get("/graphql", params={"query": "{feedCursor}"})).json()["data"]["feedCursor"])


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_query_has_one_result_and_is_complete(service: str, method: str) -> None:
    request = {"query": "{ summary { orders } }"}
    sent: Any = {"params": request} if method == "GET" else {"json": request}
    async with httpx.AsyncClient(base_url=service) as client:
        response = await client.request(method, "/graphql", headers=ACCEPT, **sent)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.text == (
        ':\n\nevent: next\ndata: {"data":{"summary":{"orders":0}},'
        '"extensions":{"cost":{"requested":1,"max":250000}}}\n\n'
        "event: complete\ndata:\n\n"
    )


async def test_a_mutation_is_executed_by_post_only(service: str) -> None:
    mutation = 'mutation { registerStrategy(name: "EMACross-000", traderId: "TRADER-001") { __typename } }'
    async with httpx.AsyncClient(base_url=service) as client:
        refused = await client.get("/graphql", params={"query": mutation}, headers=ACCEPT)
        assert refused.status_code == 405
    async with streamed(service, mutation) as stream:
        name, payload = await stream.event()
        assert (name, "errors" in payload) == ("next", False), payload
        assert await stream.event() == ("complete", None)


async def test_a_subscription_resumes_after_a_cursor(service: str, connection: asyncpg.Connection) -> None:
    cursor = await feed_cursor(service)
    seen = []
    for number in range(3):
        for part in "abc":
            await set_budget(connection, f"{number}{part}", "1")
        await connection.execute(END_CONNECTIONS)
        async with streamed(service, BUDGETS, variables={"after": cursor}) as stream:
            for _ in range(3):
                name, payload = await stream.event()
                assert name == "next"
                seen.append(payload["data"]["budgets"]["currency"])
                cursor = payload["data"]["budgets"]["cursor"]
    assert seen == [f"{number}{part}" for number in range(3) for part in "abc"]


@pytest.mark.parametrize(
    "accept", ["text/event-stream", "application/json, text/event-stream", "text/event-stream;q=0.1, */*"]
)
async def test_a_subscription_is_a_stream_wherever_the_client_takes_one(
    service: str, connection: asyncpg.Connection, accept: str
) -> None:
    variables = {"after": await feed_cursor(service)}
    async with streamed(service, BUDGETS, variables=variables, headers={"accept": accept}) as stream:
        await set_budget(connection, "USDT", "1")
        assert await stream.currency() == "USDT"


async def test_a_query_is_json_for_a_client_that_takes_both(service: str) -> None:
    async with httpx.AsyncClient(base_url=service) as client:
        for accept in ("application/json, text/event-stream", "text/event-stream, */*"):
            response = await client.post("/graphql", json={"query": "{summary{orders}}"}, headers={"accept": accept})
            assert response.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("subscription { nothing }", 400, "VALIDATION_FAILED"),
        ("subscription { budgets { currency } ", 400, "BAD_REQUEST"),
        ('subscription { budgets(strategyId: "x") { currency } }', 400, "VALIDATION_FAILED"),
        ("{ orders(first: 1001) { totalCount } }", 400, "PAGE_TOO_LARGE"),
    ],
)
async def test_what_is_refused_has_a_status(service: str, query: str, status: int, code: str) -> None:
    async with streamed(service, query) as stream:
        body = json.loads(await stream.response.aread())
    assert (stream.response.status_code, body["errors"][0]["extensions"]["code"]) == (status, code)


async def test_an_error_of_a_subscription_is_its_last_result(service: str) -> None:
    for cursor, code in (("x", "CURSOR_INVALID"), (f"{'0' * 32}-1-1", "CURSOR_EXPIRED")):
        async with streamed(service, BUDGETS, variables={"after": cursor}) as stream:
            name, payload = await stream.event()
            assert (name, payload["errors"][0]["extensions"]["code"]) == ("next", code)
            assert await stream.event() == ("complete", None)


async def test_a_stream_ends_once_its_key_is_revoked(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "KEEP_ALIVE_SECONDS", 0.05)
    async with service_with_keys(database_url) as (address, context):
        key = await create_key_text(context, "ui")
        async with streamed(address, BUDGETS, headers={"X-API-Key": key}) as stream:
            revoking = await asyncpg.connect(database_url)
            await revoking.execute("UPDATE api_keys SET revoked_at = 1 WHERE name = 'ui'")
            await revoking.execute("INSERT INTO changes (strategy_id, entity, key) VALUES ($1, 'key', 'ui')", EMA)
            await revoking.close()
            name, payload = await stream.event()
            assert (name, payload["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
            assert await stream.event() == ("complete", None)
            assert stream.comments > 0
        async with streamed(address, BUDGETS) as stream:
            assert stream.response.status_code == 401


async def test_a_bound_key_receives_only_events_of_its_strategies(
    database_url: str, connection: asyncpg.Connection
) -> None:
    async with service_with_keys(database_url) as (address, context):
        bound = {"X-API-Key": await create_key_text(context, "ema", Role.VIEWER, EMA)}
        free = {"X-API-Key": await create_key_text(context, "all", Role.VIEWER)}
        async with streamed(address, "{ feedCursor }", headers=free) as stream:
            cursor = (await stream.event())[1]["data"]["feedCursor"]
        after = {"after": cursor}
        async with (
            streamed(address, BUDGETS, variables=after, headers=bound) as narrow,
            streamed(address, BUDGETS, variables=after, headers=free) as wide,
        ):
            for currency, strategy in (("A", MAKER), ("B", EMA), ("C", MAKER), ("D", EMA)):
                await set_budget(connection, currency, "1", strategy_id=strategy)
            assert [await wide.currency() for _ in range(4)] == ["A", "B", "C", "D"]
            assert [await narrow.currency() for _ in range(2)] == ["B", "D"]


async def test_a_client_that_leaves_frees_its_place(database_url: str) -> None:
    with running(database_url, graphql_sockets_max=1) as address:
        async with streamed(address, BUDGETS) as held:
            assert held.response.status_code == 200
            async with streamed(address, BUDGETS) as refused:
                assert refused.response.status_code == 503
                assert refused.response.headers["retry-after"] == "1"
        status = 503
        while status == 503:
            async with streamed(address, BUDGETS) as again:
                status = again.response.status_code
        assert status == 200
