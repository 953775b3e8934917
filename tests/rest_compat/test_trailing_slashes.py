"""A path with a trailing slash redirects to the path without it, never to another host."""

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
async def test_every_path_redirects_from_a_trailing_slash(client: Client, path: str) -> None:
    for method in ("GET", "HEAD"):
        response = await client.http.request(method, f"{path}/")
        assert (response.status_code, response.headers["location"], response.content) == (307, path, b"")
    followed = await client.http.get(f"{path}/", follow_redirects=True)
    plain = await client.http.get(path)
    assert (followed.status_code, followed.headers["content-type"]) == (200, plain.headers["content-type"])


@pytest.mark.parametrize(
    ("path", "location"),
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
async def test_a_redirect_keeps_path_and_query(client: Client, path: str, location: str) -> None:
    response = await client.http.get(path)
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
async def test_other_paths_are_not_redirected(client: Client, path: str) -> None:
    scope_path = httpx.URL("http://localhost").copy_with(raw_path=path.encode())
    response = await client.http.get(scope_path)
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")
    assert "location" not in response.headers


@pytest.mark.parametrize("host", ["evil.example", "localhost@evil.example", "//evil.example"])
async def test_a_redirect_never_contains_the_host_of_the_request(database_url: str, host: str) -> None:
    async with serving(database_url, allowed_hosts="evil.example") as (_, client):
        headers = {"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": "gopher"}
        response = await client.http.get(f"{ORDERS}/", headers=headers)
        assert response.headers.get("location", ORDERS) == ORDERS
        assert response.status_code in (307, 403)


async def test_a_redirect_keeps_the_prefix_of_a_proxy(own: tuple[FastAPI, Client]) -> None:
    app, _ = own
    transport = httpx.ASGITransport(app, root_path="/purser")
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        response = await http.get("/purser/api/trading/orders/?limit=1")
        assert (response.status_code, response.headers["location"]) == (307, "/purser/api/trading/orders?limit=1")
        assert (await http.get(response.headers["location"])).status_code == 200


async def test_put_and_delete_are_redirected_with_their_body(own: tuple[FastAPI, Client]) -> None:
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
async def test_other_methods_are_redirected_and_then_refused(client: Client, method: str) -> None:
    response = await client.http.request(method, f"{ORDERS}/")
    assert (response.status_code, response.headers["location"]) == (307, ORDERS)
    assert (await client.http.request(method, ORDERS)).status_code == 405


async def test_graphql_redirects_from_a_trailing_slash(client: Client) -> None:
    body = {"query": "{ summary { orders } }"}
    response = await client.http.post("/graphql/", json=body)
    assert (response.status_code, response.headers["location"]) == (307, "/graphql")
    followed = await client.http.post("/graphql/", json=body, follow_redirects=True)
    assert followed.json()["data"] == {"summary": {"orders": 31}}
    page = await client.http.get("/graphql/?query=x", headers=HTML)
    assert (page.status_code, page.headers["location"]) == (307, "/graphql?query=x")


@pytest.fixture
async def client_and_key(database_url: str) -> AsyncIterator[tuple[Client, str]]:
    """A client of a service that has an API key, and the key."""
    async with serving(database_url) as (app, client):
        key = await keys.create_key(app.state.context, LOCAL, Role.VIEWER, "bot")
        await client.http.get("/health", headers={"X-API-Key": str(key)})
        yield client, str(key)


async def test_a_redirect_does_not_bypass_the_key(client_and_key: tuple[Client, str]) -> None:
    client, key = client_and_key
    for path in (ORDERS, f"{ORDERS}/O-1", REGISTRY):
        without = await client.http.get(f"{path}/")
        assert (without.status_code, without.headers["location"], without.content) == (307, path, b"")
        assert (await client.http.get(f"{path}/", follow_redirects=True)).status_code == 401
        wrong = await client.http.get(f"{path}/", headers={"X-API-Key": "wrong"})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "UNAUTHENTICATED")
        assert "location" not in wrong.headers
    client.http.follow_redirects = True
    assert (await client.http.get(f"{ORDERS}/", headers={"X-API-Key": key})).json() == []


async def test_a_redirect_does_not_reveal_whether_an_order_exists(client: Client) -> None:
    for name in ("O-13", "NOPE"):
        response = await client.http.get(f"{ORDERS}/{name}/")
        assert (response.status_code, urlsplit(response.headers["location"]).path) == (307, f"{ORDERS}/{name}")
