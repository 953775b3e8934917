"""Requests with a valid key, a wrong key and no key, over GraphQL and REST."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.authentication.authentication import Authentication
from app.authentication.middleware import address_of, principal_of
from app.database import Database
from app.errors import DatabaseUnavailable, Forbidden, TooManyAttempts, Unauthenticated
from app.principal import LOCAL, Principal, Role
from app.reads.catalogue.administration import STRATEGY
from app.resolvers import Context, keys, reads
from app.rules.api_keys import new_key
from graphql_schema.execution.root_fields import ROOT_FIELDS, RootRead
from tests.authentication.test_keyring import until
from tests.reads.serving import Client, serving

pytestmark = pytest.mark.anyio

REST = "/api/trading/summary"
QUERY = {"query": "{ summary { orders } }"}
HTML = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
PUBLIC = ["/", "/health", "/docs", "/redoc", "/openapi.json", "/docs/assets/swagger-ui.css"]


class Service:
    """A running service with one key named `bot`, of role viewer."""

    def __init__(self, app: Any, client: Client, key: str) -> None:
        self.app, self.http, self.key = app, client.http, key

    async def ask_both_apis(self, headers: Any = None) -> tuple[httpx.Response, httpx.Response]:
        """The responses of REST and GraphQL."""
        return await self.http.get(REST, headers=headers), await self.http.post("/graphql", json=QUERY, headers=headers)


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    # The change feed reads the keys again at this interval, also if the pool is closed.
    async with serving(database_url, keys_reload_seconds=3600) as (app, client):
        key = await keys.create_key(app.state.context, LOCAL, Role.VIEWER, "bot")
        await client.http.get("/health", headers={"X-API-Key": str(key)})  # loads the key into the keyring
        yield Service(app, client, str(key))


async def test_an_unused_key_takes_effect_and_is_revoked_without_a_request(database_url: str) -> None:
    async with serving(database_url, keys_reload_seconds=60) as (app, client):
        assert (await client.get(REST)).status_code == 200
        other_process = await Database.open(database_url)
        key = await keys.create_key(Context(other_process), LOCAL, Role.VIEWER, "bot")
        authentication, bot = app.state.authentication, Principal(Role.VIEWER, "key:bot")
        await until(lambda: authentication.is_in_force(bot))
        assert (await client.get(REST)).status_code == 401
        assert await keys.revoke_key(Context(other_process), LOCAL, key.id)
        await other_process.close()
        await until(lambda: not authentication.is_in_force(bot))
        assert (await client.http.get(REST, headers={"X-API-Key": str(key)})).status_code == 401


@pytest.mark.parametrize("form", ["Authorization: Bearer {}", "authorization: bEARER  {} ", "X-API-Key: {}"])
async def test_a_key_is_read_from_either_header(service: Service, form: str) -> None:
    name, _, value = form.format(service.key).partition(": ")
    rest, graphql = await service.ask_both_apis({name: value})
    assert (rest.status_code, rest.json()["orders"]) == (200, 0)
    assert (graphql.status_code, graphql.json()["data"]) == (200, {"summary": {"orders": 0}})


async def test_a_request_without_a_key_gets_401_from_both_apis(service: Service) -> None:
    rest, graphql = await service.ask_both_apis()
    assert (rest.status_code, rest.json()["code"]) == (401, "UNAUTHENTICATED")
    (error,) = graphql.json()["errors"]
    assert (graphql.status_code, error["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert "data" not in graphql.json()
    assert "X-API-Key" in rest.json()["detail"] == error["message"]
    for response in (rest, graphql):
        assert response.headers["www-authenticate"] == 'Bearer realm="purser"'


@pytest.mark.parametrize("wrong", ["", "x", "é", f"purser_{'0' * 16}_{'0' * 64}", "{key}0", "{key_id}"])
async def test_a_wrong_key_is_refused_on_every_path(service: Service, wrong: str) -> None:
    text = wrong.format(key=service.key, key_id=service.key.rpartition("_")[0])
    headers = {b"x-api-key": text.encode()}
    for response in [*await service.ask_both_apis(headers), await service.http.get("/openapi.json", headers=headers)]:
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="purser", error="invalid_token"'
        assert "UNAUTHENTICATED" in response.text


async def test_two_different_keys_in_one_request_are_refused(service: Service) -> None:
    twice = [("X-API-Key", service.key), ("Authorization", f"Bearer {service.key}")]
    assert [response.status_code for response in await service.ask_both_apis(twice)] == [200, 200]
    other = [("X-API-Key", service.key), ("Authorization", f"Bearer {new_key()}")]
    assert [response.status_code for response in await service.ask_both_apis(other)] == [401, 401]


async def test_another_authorization_scheme_counts_as_no_key(service: Service) -> None:
    headers = {"Authorization": "Basic dXNlcjpwYXNz"}
    for response in await service.ask_both_apis(headers):
        assert response.headers["www-authenticate"] == 'Bearer realm="purser"'
    assert (await service.http.get("/docs", headers=headers)).status_code == 200


@pytest.mark.parametrize("path", PUBLIC)
async def test_public_pages_need_no_key(service: Service, path: str) -> None:
    assert (await service.http.get(path, headers=HTML)).status_code == 200


async def test_graphiql_needs_no_key_and_its_queries_need_one(service: Service) -> None:
    page = await service.http.get("/graphql", headers=HTML)
    assert page.headers["content-type"].startswith("text/html")
    response = await service.http.get("/graphql", params=QUERY, headers={"accept": "application/json"})
    assert response.status_code == 401


async def test_repeated_wrong_keys_are_throttled_and_valid_keys_are_not(database_url: str) -> None:
    async with serving(database_url, wrong_keys_max=3) as (app, client):
        key = await keys.create_key(app.state.context, LOCAL, Role.VIEWER)
        service = Service(app, client, str(key))
        wrong = {"X-API-Key": "wrong"}
        assert {response.status_code for response in await service.ask_both_apis(wrong)} == {401}
        await service.http.get(REST, headers=wrong)
        rest, graphql = await service.ask_both_apis(wrong)
        assert (rest.status_code, rest.json()["code"]) == (429, "TOO_MANY_ATTEMPTS")
        assert (graphql.status_code, graphql.json()["errors"][0]["extensions"]["code"]) == (429, "TOO_MANY_ATTEMPTS")
        assert 0 < int(rest.headers["retry-after"]) <= 60
        assert graphql.headers["retry-after"].isdigit()
        authentication: Authentication = app.state.authentication
        with pytest.raises(TooManyAttempts):
            await authentication.authenticate("wrong", "127.0.0.1")
        await authentication.authenticate(service.key, "10.0.0.1")  # from another address: loads the key
        assert [response.status_code for response in await service.ask_both_apis({"X-API-Key": service.key})] == [
            200,
            200,
        ]
        assert [response.status_code for response in await service.ask_both_apis()] == [401, 401]


async def test_both_apis_pass_the_principal_to_the_resolver(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    principals = []

    async def note(_: object, principal: object, *__: object) -> None:
        principals.append(principal)
        raise Forbidden("Not permitted.")

    monkeypatch.setitem(ROOT_FIELDS, "strategies", lambda _: RootRead(STRATEGY, note))
    headers = {"X-API-Key": service.key, "X-Request-ID": "r-1"}
    with monkeypatch.context() as of_rest:
        of_rest.setattr(reads, "read", note)
        rest = await service.http.get("/api/trading/strategies", headers=headers)
    assert (rest.status_code, rest.json()) == (403, {"detail": "Not permitted.", "code": "FORBIDDEN"})
    body = {"query": "{ strategies { totalCount } summary { orders } }"}
    graphql = await service.http.post("/graphql", json=body, headers=headers)
    (error,) = graphql.json()["errors"]
    # A resolver's error: the HTTP request itself succeeded.
    assert (graphql.status_code, error["path"], error["extensions"]["code"]) == (200, ["strategies"], "FORBIDDEN")
    for principal in principals:
        assert (principal.role, principal.actor, principal.request_id) == (Role.VIEWER, "key:bot", "r-1")
        assert principal.strategy_ids is None
    assert len(principals) == 2


async def test_without_any_key_only_requests_to_local_host_names_are_admin(database_url: str) -> None:
    async with serving(database_url, allowed_hosts="box, other.example") as (app, client):
        service = Service(app, client, "")
        for host in ("localhost", "127.0.0.1:8000", "box:1", "other.example"):
            assert [response.status_code for response in await service.ask_both_apis({"Host": host})] == [200, 200]
        rest, graphql = await service.ask_both_apis({"Host": "evil.example"})
        assert (rest.status_code, rest.json()["code"]) == (403, "FORBIDDEN")
        assert (graphql.status_code, graphql.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
        assert "PURSER_ALLOWED_HOSTS" in rest.json()["detail"]
        key = await keys.create_key(app.state.context, LOCAL, Role.VIEWER)
        by_name = {"Host": "evil.example", "X-API-Key": str(key)}
        await service.ask_both_apis({"X-API-Key": str(key)})
        assert [response.status_code for response in await service.ask_both_apis(by_name)] == [200, 200]


async def test_a_service_on_all_interfaces_refuses_requests_without_a_key(database_url: str) -> None:
    async with serving(database_url, host="0.0.0.0") as (app, client):
        assert [response.status_code for response in await Service(app, client, "").ask_both_apis()] == [401, 401]


async def test_requests_get_503_while_keys_cannot_be_checked(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.app.state.authentication._keyring, "_stale_seconds_max", -1.0)
    for headers in ({"X-API-Key": service.key}, {}):
        rest, graphql = await service.ask_both_apis(headers)
        assert (rest.status_code, rest.json()["code"], rest.headers["retry-after"]) == (503, "NOT_READY", "1")
        assert (graphql.status_code, graphql.json()["errors"][0]["extensions"]["code"]) == (503, "BUSY")
        assert (await service.http.get("/health", headers=headers)).status_code == 200


async def test_a_revoked_key_is_no_longer_in_force_on_an_open_connection(service: Service) -> None:
    """Live connections check with `is_in_force` that their key is still valid."""
    authentication: Authentication = service.app.state.authentication
    principal = await authentication.authenticate(service.key, "127.0.0.1")
    assert authentication.is_in_force(principal)
    assert not authentication.is_in_force(LOCAL)
    assert await keys.revoke_key(service.app.state.context, LOCAL, "bot", by_name=True)
    with pytest.raises(Unauthenticated):
        await authentication.authenticate(str(new_key()), "127.0.0.1")  # an unknown key reloads the keyring
    assert not authentication.is_in_force(principal)
    with pytest.raises(Unauthenticated):
        await authentication.authenticate(None, "127.0.0.1")


async def connect(app: Any, *headers: tuple[bytes, bytes]) -> tuple[list[Any], Any]:
    """Connects a WebSocket to an unknown path. Returns the messages it was sent, and the ASGI scope."""
    sent: list[Any] = []
    scope = {
        **{"type": "websocket", "path": "/nowhere", "raw_path": b"/nowhere", "query_string": b"", "root_path": ""},
        **{"headers": list(headers), "subprotocols": [], "client": None, "scheme": "ws", "server": None},
    }

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent, scope


async def test_a_page_of_another_origin_gets_no_websocket(database_url: str) -> None:
    async with serving(database_url) as (app, _):
        host = (b"host", b"localhost:8000")
        for refused in (
            [(b"host", b"evil.example")],
            [host, (b"origin", b"http://evil.example")],
            [host, (b"origin", b"null")],
        ):
            sent, scope = await connect(app, *refused)
            assert sent == [{"type": "websocket.close", "code": 1008}]
            assert "purser.principal" not in scope
        for taken in ([host], [host, (b"origin", b"http://localhost:8000")]):
            _, scope = await connect(app, *taken)
            assert principal_of(scope) is LOCAL
            assert address_of(scope) == ""


async def test_a_websocket_may_send_its_key_after_connecting(service: Service) -> None:
    _, scope = await connect(service.app, (b"origin", b"http://elsewhere.example"))
    with pytest.raises(Unauthenticated):
        principal_of(scope)
    _, scope = await connect(service.app, (b"authorization", f"Bearer {service.key}".encode()))
    assert principal_of(scope).actor == "key:bot"
    sent, _ = await connect(service.app, (b"x-api-key", b"wrong"))
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_an_unknown_key_that_cannot_be_looked_up_is_not_counted_as_wrong(service: Service) -> None:
    authentication: Authentication = service.app.state.authentication
    await service.app.state.context.database.close()
    for _ in range(30):
        with pytest.raises(DatabaseUnavailable):
            await authentication.authenticate(str(new_key()), "127.0.0.1")
