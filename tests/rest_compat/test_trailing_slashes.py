"""A path with a trailing slash redirects to the path without it, and never to another host."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from app.principal import LOCAL, Role
from app.resolvers import keys
from tests.authentication.test_requests import HTML
from tests.reads.rows import EMA
from tests.reads.serving import Client, serving
from tests.rest_compat.test_budgets import REGISTRY

pytestmark = pytest.mark.anyio

ORDERS = "/api/trading/orders"
READ = [
    *("/health", "/health/ready", "/api/trading/strategies", "/api/trading/fills", "/api/trading/fills/summary"),
    *(ORDERS, "/api/trading/positions", "/api/trading/summary", "/api/trading/audit", REGISTRY),
    *(f"{ORDERS}/O-13", f"{ORDERS}/O-13/fills", f"{ORDERS}/O-13/deny-reason"),
    *(f"/api/budget/{EMA}", f"/api/budget/{EMA}/pnl/realized"),
    *("/docs", "/redoc", "/openapi.json", "/metrics"),
]


@pytest.mark.parametrize("path", READ)
async def test_every_path_is_reached_with_a_trailing_slash(client: Client, path: str) -> None:
    for method in ("GET", "HEAD"):
        response = await client.http.request(method, f"{path}/")
        assert (response.status_code, response.headers["location"], response.content) == (307, path, b"")
    followed = await client.http.get(f"{path}/", follow_redirects=True)
    plain = await client.http.get(path)
    assert (followed.status_code, followed.headers["content-type"]) == (200, plain.headers["content-type"])


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        (f"{ORDERS}/?limit=1&strategy_name=%25_+x&status=", f"{ORDERS}?limit=1&strategy_name=%25_+x&status="),
        (f"{ORDERS}/?", ORDERS),
        (f"{ORDERS}/?next=//evil.example/", f"{ORDERS}?next=//evil.example/"),
        (f"{ORDERS}//", ORDERS),
        (f"{ORDERS}/a%2Fb/", f"{ORDERS}/a%2Fb"),
        (f"{ORDERS}/a%2F/fills/", f"{ORDERS}/a%2F/fills"),
        (f"{ORDERS}/a%2F/", f"{ORDERS}/a%2F"),
        (f"{ORDERS}/n%C3%A9e%20%E2%98%82/?limit=2", f"{ORDERS}/n%C3%A9e%20%E2%98%82?limit=2"),
        (f"{ORDERS}/%0D%0ASet-Cookie:a=b/", f"{ORDERS}/%0D%0ASet-Cookie:a=b"),
        (f"{ORDERS}/https:%2F%2Fevil.example/", f"{ORDERS}/https:%2F%2Fevil.example"),
    ],
)
async def test_path_and_query_stay_as_they_were_sent(client: Client, asked: str, location: str) -> None:
    response = await client.http.get(asked)
    assert (response.status_code, response.headers["location"]) == (307, location)


@pytest.mark.parametrize(
    "path",
    [
        *("//evil.example/api/trading/orders/", "//evil.example//", "///api/trading/orders/", "//api/trading/orders/"),
        *("/%2Fevil.example/api/trading/orders/", "/\\evil.example/api/trading/orders/", "/%5Cevil.example/health/"),
        *("/nope/", "/api/", "/api/trading/", "//", "/x//", "/docs/assets/nope/", "/docs/assets/"),
        *(f"{ORDERS}%2F", f"{ORDERS}/O-13/nope/", f"{ORDERS}//fills/", f"{ORDERS}/%2E%2E/", f"{ORDERS}/%2e/"),
        *(f"{ORDERS}/%2E%2e/fills/", "/health;x/", "/HEALTH/"),
    ],
)
async def test_no_other_path_leads_anywhere(client: Client, path: str) -> None:
    scope_path = httpx.URL("http://localhost").copy_with(raw_path=path.encode())
    response = await client.http.get(scope_path)
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")
    assert "location" not in response.headers


@pytest.mark.parametrize("host", ["evil.example", "localhost@evil.example", "//evil.example"])
async def test_the_host_of_a_request_is_never_in_the_answer(database_url: str, host: str) -> None:
    async with serving(database_url, allowed_hosts="evil.example") as (_, client):
        headers = {"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": "gopher"}
        response = await client.http.get(f"{ORDERS}/", headers=headers)
        assert response.headers.get("location", ORDERS) == ORDERS
        assert response.status_code in (307, 403)


async def test_behind_a_proxy_that_names_its_prefix_the_prefix_stays(own: tuple[FastAPI, Client]) -> None:
    app, _ = own
    transport = httpx.ASGITransport(app, root_path="/purser")
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        response = await http.get("/purser/api/trading/orders/?limit=1")
        assert (response.status_code, response.headers["location"]) == (307, "/purser/api/trading/orders?limit=1")
        assert (await http.get(response.headers["location"])).status_code == 200


async def test_put_and_delete_follow_with_their_body(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    async with app.state.context.database.unit_of_work() as work:
        await work.execute(
            "INSERT INTO strategies (strategy_id, name, trader_id, created_at) VALUES ($1, 'EMACross-000', 'T', 1)", EMA
        )
        await work.commit()
    address = f"/api/budget/{EMA}/USDT"
    response = await client.http.put(f"{address}/", content='{"allocated": "5.50"}')
    assert (response.status_code, response.headers["location"]) == (307, address)
    assert (await client.refused(f"/api/budget/{EMA}", 404))["code"] == "BUDGET_NOT_FOUND"
    client.http.follow_redirects = True
    response = await client.http.put(f"{address}/", content='{"allocated": "5.50"}')
    assert (response.status_code, response.json()["allocated"]) == (200, 5.5)
    assert (await client.http.delete(f"{address}/")).status_code == 204


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS"])
async def test_other_methods_learn_from_the_path_itself_that_it_does_not_take_them(client: Client, method: str) -> None:
    response = await client.http.request(method, f"{ORDERS}/")
    assert (response.status_code, response.headers["location"]) == (307, ORDERS)
    assert (await client.http.request(method, ORDERS)).status_code == 405


async def test_graphql_is_reached_with_a_trailing_slash(client: Client) -> None:
    question = {"query": "{ summary { orders } }"}
    response = await client.http.post("/graphql/", json=question)
    assert (response.status_code, response.headers["location"]) == (307, "/graphql")
    followed = await client.http.post("/graphql/", json=question, follow_redirects=True)
    assert followed.json()["data"] == {"summary": {"orders": 31}}
    page = await client.http.get("/graphql/?query=x", headers=HTML)
    assert (page.status_code, page.headers["location"]) == (307, "/graphql?query=x")


@pytest.fixture
async def guarded(database_url: str) -> AsyncIterator[tuple[Client, str]]:
    """A service with an API key, and the key."""
    async with serving(database_url) as (app, client):
        key = await keys.create_key(app.state.context, LOCAL, Role.VIEWER, "bot")
        await client.http.get("/health", headers={"X-API-Key": str(key)})
        yield client, str(key)


async def test_a_redirect_lets_nobody_past_the_key(guarded: tuple[Client, str]) -> None:
    client, key = guarded
    for path in (ORDERS, f"{ORDERS}/O-1", REGISTRY):
        without = await client.http.get(f"{path}/")
        assert (without.status_code, without.headers["location"], without.content) == (307, path, b"")
        assert (await client.http.get(f"{path}/", follow_redirects=True)).status_code == 401
        wrong = await client.http.get(f"{path}/", headers={"X-API-Key": "wrong"})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "UNAUTHENTICATED")
        assert "location" not in wrong.headers
    client.http.follow_redirects = True
    assert (await client.http.get(f"{ORDERS}/", headers={"X-API-Key": key})).json() == []


async def test_where_it_leads_does_not_tell_what_there_is(client: Client) -> None:
    for name in ("O-13", "NOPE"):
        response = await client.http.get(f"{ORDERS}/{name}/")
        assert (response.status_code, urlsplit(response.headers["location"]).path) == (307, f"{ORDERS}/{name}")
