"""Web pages of other origins: none may use the APIs but those in PURSER_ALLOWED_ORIGINS."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError
from websockets.exceptions import InvalidStatus

from app.principal import LOCAL, Role
from app.resolvers import keys
from app.settings import Settings
from tests.graphql_schema.live.client import open_socket
from tests.graphql_schema.service import running
from tests.reads.serving import Client, serving

pytestmark = pytest.mark.anyio

DESK = "https://desk.example"
OTHER = "https://desk.example.evil.example"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type, x-api-key"}


@asynccontextmanager
async def client_of(url: str, **settings: Any) -> AsyncIterator[Client]:
    async with serving(url, **settings) as (app, client):
        await keys.create_key(app.state.context, LOCAL, Role.VIEWER, "bot")
        yield client


@pytest.mark.parametrize("path", ["/graphql", "/api/trading/summary"])
async def test_a_page_of_an_allowed_origin_may_use_both_apis(database_url: str, path: str) -> None:
    async with client_of(database_url, allowed_origins=f"http://localhost:5173, {DESK}") as client:
        preflight = await client.http.options(path, headers={"origin": DESK, **PREFLIGHT})
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, DESK)
        assert "X-API-Key" in preflight.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in preflight.headers
        # The page can read refusals too.
        response = await client.http.get(path, headers={"origin": DESK, "x-api-key": "purser_wrong_key"})
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (401, DESK)
        assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("origin", [OTHER, "http://desk.example", "https://desk.example:8443", "null"])
async def test_a_page_of_any_other_origin_may_not(database_url: str, origin: str) -> None:
    async with client_of(database_url, allowed_origins=DESK) as client:
        preflight = await client.http.options("/graphql", headers={"origin": origin, **PREFLIGHT})
        assert preflight.status_code == 400
        assert "access-control-allow-origin" not in preflight.headers
        response = await client.http.get("/api/trading/summary", headers={"origin": origin})
        assert "access-control-allow-origin" not in response.headers


async def test_no_origin_is_allowed_by_default(database_url: str) -> None:
    async with client_of(database_url) as client:
        preflight = await client.http.options("/graphql", headers={"origin": DESK, **PREFLIGHT})
        assert preflight.status_code == 405
        assert not [name for name in preflight.headers if name.startswith("access-control-")]


async def test_an_allowed_origin_may_open_a_websocket_while_no_key_exists(database_url: str) -> None:
    with running(database_url, allowed_origins=DESK) as address:
        async with open_socket(address, origin=DESK) as socket:
            await socket.send(type="connection_init")
            assert await socket.receive() == {"type": "connection_ack"}
        with pytest.raises(InvalidStatus):
            async with open_socket(address, origin=OTHER):
                raise AssertionError


@pytest.mark.parametrize(
    "origins",
    ["*", "https://*.example", "desk.example", "null", f"{DESK}/", f"{DESK}/path", "ftp://desk.example", "https://u@h"],
)
def test_what_is_no_exact_origin_is_refused(origins: str) -> None:
    with pytest.raises(ValidationError, match="origin"):
        Settings(allowed_origins=f"http://localhost:5173,{origins}")
