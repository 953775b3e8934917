"""Automatic persisted queries, and the allow-list that replaces them."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.errors import SettingsInvalid
from app.main import create_app
from app.settings import Settings, load_settings
from graphql_schema.http.persisted import CHARACTERS_KEPT_MAX, PersistedQueries
from graphql_schema.http.requests import GraphQLRequest
from tests.reads.serving import Client, serving

pytestmark = pytest.mark.anyio

COUNT = "{summary{orders}}"
FILLS = "query Fills{summary{fills}}"


def persisted_request(text: str, **more: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}, **more}


def hash_of(query: str) -> str:
    return sha256(query.encode()).hexdigest()


async def post(client: Client, body: dict[str, Any], status: int) -> Any:
    response = await client.http.post("/graphql", json=body, headers={"accept": "application/graphql-response+json"})
    assert response.status_code == status, response.text
    return response.json()


async def code(client: Client, body: dict[str, Any]) -> str:
    (error,) = (await post(client, body, 400))["errors"]
    return str(error["extensions"]["code"])


async def test_a_query_is_registered_when_it_is_sent_with_its_hash(ledger_url: str) -> None:
    async with serving(ledger_url) as (_, client):
        unknown = (await post(client, persisted_request(COUNT), 400))["errors"][0]
        assert (unknown["message"], unknown["extensions"]["code"]) == (
            "PersistedQueryNotFound",
            "PERSISTED_QUERY_NOT_FOUND",
        )
        assert (await post(client, persisted_request(COUNT, query=COUNT), 200))["data"] == {"summary": {"orders": 31}}
        assert (await post(client, persisted_request(COUNT), 200))["data"] == {"summary": {"orders": 31}}
        params = {"extensions": json.dumps(persisted_request(COUNT)["extensions"])}
        by_url = await client.http.get("/graphql", params=params)
        assert (by_url.status_code, by_url.json()["data"]) == (200, {"summary": {"orders": 31}})
        assert "etag" in by_url.headers


async def test_an_unknown_hash_has_status_200_under_plain_json(client: Client) -> None:
    response = await client.http.post("/graphql", json=persisted_request("{never}"))
    assert (response.status_code, response.json()["errors"][0]["message"]) == (200, "PersistedQueryNotFound")


async def test_a_hash_of_another_query_is_refused(client: Client) -> None:
    (error,) = (await post(client, persisted_request(COUNT, query=FILLS), 400))["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("provided sha does not match query", "BAD_REQUEST")
    assert await code(client, persisted_request(FILLS)) == "PERSISTED_QUERY_NOT_FOUND"


async def test_an_invalid_query_is_not_registered(client: Client) -> None:
    assert await code(client, persisted_request("{nothing}", query="{nothing}")) == "VALIDATION_FAILED"
    assert await code(client, persisted_request("{nothing}")) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "persisted",
    [
        None,
        5,
        [],
        {},
        {"version": 2, "sha256Hash": hash_of(COUNT)},
        {"version": 1},
        {"version": 1, "sha256Hash": "x"},
        {"version": 1, "sha256Hash": 5},
    ],
)
async def test_a_malformed_hash_is_refused(client: Client, persisted: Any) -> None:
    assert await code(client, {"extensions": {"persistedQuery": persisted}}) == "BAD_REQUEST"


def test_the_number_of_registered_queries_is_limited() -> None:
    def register(queries: PersistedQueries, text: str) -> None:
        queries.remember(GraphQLRequest(text, None, {}, persisted_request(text)["extensions"]))

    few, many = PersistedQueries(2), PersistedQueries(10**6)
    for number in range(5):
        register(few, f"{{a{number}}}")
    assert len(few) == 2
    length = CHARACTERS_KEPT_MAX // 10
    for number in range(30):
        register(many, str(number % 10) * (length + number))
    assert len(many) == 9
    none = PersistedQueries(0)
    register(none, COUNT)
    assert len(none) == 0


MANIFESTS = [
    {"count": COUNT, "fills": FILLS},
    {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [
            {"id": "count", "name": "Count", "type": "query", "body": COUNT},
            {"id": "fills", "name": "Fills", "type": "query", "body": FILLS},
        ],
    },
]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=["plain", "apollo"])
async def test_only_queries_on_the_allow_list_are_executed(ledger_url: str, tmp_path: Path, manifest: Any) -> None:
    file = tmp_path / "allowed.json"
    file.write_text(json.dumps(manifest))
    async with serving(ledger_url, graphql_allow_list=file) as (_, client):
        assert (await post(client, persisted_request(COUNT), 200))["data"] == {"summary": {"orders": 31}}
        assert (await post(client, {"query": FILLS}, 200))["data"] == {"summary": {"fills": 7}}
        assert await code(client, {"query": FILLS + " "}) == "OPERATION_NOT_ALLOWED"
        assert await code(client, {"query": "{__schema{types{name}}}"}) == "OPERATION_NOT_ALLOWED"
        assert (
            await code(client, persisted_request("{summary{signals}}", query="{summary{signals}}"))
            == "OPERATION_NOT_ALLOWED"
        )
        assert await code(client, persisted_request("{summary{signals}}")) == "OPERATION_NOT_ALLOWED"
        assert await code(client, persisted_request("{summary{signals}}", query=COUNT)) == "BAD_REQUEST"


def test_a_missing_allow_list_prevents_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="PURSER_GRAPHQL_ALLOW_LIST"):
        load_settings(graphql_allow_list=tmp_path / "nothing.json")


@pytest.mark.parametrize("content", ["{", "5", "[]", '{"a": 5}', '{"operations": [{"id": "a"}]}'])
def test_an_invalid_allow_list_prevents_the_start(tmp_path: Path, content: str) -> None:
    file = tmp_path / "allowed.json"
    file.write_text(content)
    with pytest.raises(SettingsInvalid, match="PURSER_GRAPHQL_ALLOW_LIST"):
        create_app(Settings(graphql_allow_list=file))
