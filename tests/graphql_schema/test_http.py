"""GraphQL over HTTP: methods, media types, status codes, validators; nothing a foreign page could misuse."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.database import Database
from tests.reads.rows import insert, ledger
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
COUNT = "{summary{orders}}"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


async def post(client: Client, body: Any = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.http.post("/graphql", json=body if body is not None else {"query": COUNT}, headers=named)


async def get(client: Client, accept: str = GRAPHQL, **params: str) -> httpx.Response:
    return await client.http.get("/graphql", params=params, headers={"accept": accept})


def code_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] in (f"{JSON}; charset=utf-8", f"{GRAPHQL}; charset=utf-8")
    body = response.json()
    assert "data" not in body
    (error,) = body["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        ("*/*", JSON),
        ("", JSON),
        ("application/*", JSON),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON};q=0.9", JSON),
        (f"{GRAPHQL};q=0.9, {JSON};q=0.5", GRAPHQL),
        (f"{GRAPHQL};q=0, */*", JSON),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{GRAPHQL}, */*", GRAPHQL),
        (f"{GRAPHQL};q=0.1, */*;q=0.5", JSON),
        (f"{GRAPHQL.upper()} ; Q=1.0", GRAPHQL),
        (f"{GRAPHQL};charset=utf-16, {JSON}", JSON),
        (BROWSER, JSON),
        ("text/plain", None),
        (f"{JSON};q=0", None),
        (f"{JSON};q=nonsense", None),
        ("application/json;charset=latin-1", None),
        (",;,=;q", None),
    ],
)
async def test_the_client_chooses_the_media_type(client: Client, accept: str, chosen: str | None) -> None:
    response = await post(client, accept=accept)
    if chosen is None:
        assert (response.status_code, code_of(response)) == (406, "NOT_ACCEPTABLE")
    else:
        assert (response.status_code, response.headers["content-type"]) == (200, f"{chosen}; charset=utf-8")
        assert response.json()["data"] == {"summary": {"orders": 31}}
    assert response.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "BAD_REQUEST"),
        ({"query": "{nothing}"}, "VALIDATION_FAILED"),
        ({"query": "query($n:Int!){orders(first:$n){totalCount}}"}, "VALIDATION_FAILED"),
        ({"query": "query A{__typename}", "operationName": "B"}, "BAD_REQUEST"),
        ({"query": "query A{__typename} query B{__typename}"}, "BAD_REQUEST"),
        ({"query": "{orders(first:1001){nodes{id}}}"}, "PAGE_TOO_LARGE"),
        ({"query": "mutation{a}"}, "VALIDATION_FAILED"),
    ],
)
async def test_a_refused_request_has_the_status_of_its_media_type(client: Client, body: Any, code: str) -> None:
    for accept, status in ((JSON, 200), (GRAPHQL, 400)):
        response = await post(client, body, accept=accept)
        assert (response.status_code, code_of(response)) == (status, code)


async def test_a_field_error_is_a_partial_success(client: Client) -> None:
    body = {"query": '{orders(after:"x"){nodes{id}}}'}
    for accept, status in ((JSON, 200), (GRAPHQL, 294)):
        response = await post(client, body, accept=accept)
        assert (response.status_code, response.json()["data"]) == (status, None)
        (error,) = response.json()["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["orders"], "CURSOR_INVALID")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "text/plain; application/json",
        "application/json; charset=utf-16",
    ],
)
async def test_media_types_of_cross_site_forms_are_refused(client: Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    response = await client.http.post("/graphql", content=b'{"query":"{__typename}"}', headers=headers)
    assert (response.status_code, code_of(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", 'APPLICATION/JSON;charset="utf-8"'])
async def test_json_in_utf_8_is_accepted(client: Client, content_type: str) -> None:
    body = '{"query":"{ __type(name: \\"Run🏃Swim\\") { name } }"}'.encode()
    response = await client.http.post("/graphql", content=body, headers={"content-type": content_type})
    assert response.json()["data"] == {"__type": None}


async def test_a_compressed_body_is_refused(client: Client) -> None:
    response = await post(client, content_encoding="gzip")
    assert (response.status_code, code_of(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_batch_is_refused(client: Client) -> None:
    response = await post(client, [{"query": COUNT}, {"query": COUNT}])
    assert (response.status_code, code_of(response)) == (400, "BAD_REQUEST")
    assert "Batches" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "QUERY"])
async def test_other_methods_are_refused(client: Client, method: str) -> None:
    response = await client.http.request(method, "/graphql", params={"query": COUNT})
    assert (response.status_code, code_of(response)) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "GET, HEAD, POST"


async def test_get_accepts_all_parameters_of_a_request(client: Client) -> None:
    response = await get(
        client,
        query="query A{__typename} query B($n:Int){orders(first:$n){nodes{id}}}",
        operationName="B",
        variables='{"n":2}',
        extensions='{"some":"value"}',
        unknown="ignored",
    )
    assert response.status_code == 200
    assert len(response.json()["data"]["orders"]["nodes"]) == 2


async def test_an_empty_operation_name_in_a_url_is_ignored(client: Client) -> None:
    assert (await get(client, query="query A{__typename}", operationName="")).status_code == 200


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query",
        "query=",
        "quer=%7B__typename%7D",
        "query=%7B__typename%7D&query=%7B__typename%7D",
        "query=%ff",
        "query=%7B__typename%7D&variables=",
        "query=%7B__typename%7D&variables=%5B%5D",
        "query=%7B__typename%7D&variables=1",
        "query=%7B__typename%7D&variables=%7B",
        "query=%7B__typename%7D&extensions=%22x%22",
        "&".join(f"a{number}=1" for number in range(200)),
    ],
)
async def test_a_malformed_url_is_refused(client: Client, query_string: str) -> None:
    for accept in (JSON, GRAPHQL):
        response = await client.http.get(f"/graphql?{query_string}", headers={"accept": accept})
        assert (response.status_code, code_of(response)) == (400, "BAD_REQUEST")
        assert response.headers["cache-control"] == "no-store"


async def test_a_repeated_get_is_not_modified(client: Client) -> None:
    first = await get(client, query=COUNT)
    etag = first.headers["etag"]
    assert (first.headers["cache-control"], first.headers["vary"]) == ("private, no-cache", "Accept")
    assert not etag.startswith("W/")
    for given in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = await client.http.get(
            "/graphql", params={"query": COUNT}, headers={"accept": GRAPHQL, "if-none-match": given}
        )
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = await client.http.get("/graphql", params={"query": COUNT}, headers={"accept": JSON, "if-none-match": etag})
    assert (other.status_code, other.headers["etag"] == etag) == (200, False)


async def test_new_data_has_another_etag(own: tuple[FastAPI, Client], database: Database) -> None:
    _, client = own
    etag = (await get(client, query=COUNT)).headers["etag"]
    await insert(database, ledger())
    response = await client.http.get(
        "/graphql", params={"query": COUNT}, headers={"accept": GRAPHQL, "if-none-match": etag}
    )
    assert (response.status_code, response.json()["data"]) == (200, {"summary": {"orders": 31}})


async def test_errors_have_no_etag(client: Client) -> None:
    response = await get(client, query='{orders(after:"x"){nodes{id}}}')
    assert ("etag" in response.headers, response.headers["cache-control"]) == (False, "no-store")
    assert "etag" not in (await post(client)).headers


async def test_head_responds_like_get_without_a_body(client: Client) -> None:
    got = await get(client, query=COUNT)
    response = await client.http.head("/graphql", params={"query": COUNT}, headers={"accept": GRAPHQL})
    assert (response.status_code, response.content) == (200, b"")
    for header in ("etag", "content-type", "content-length"):
        assert response.headers[header] == got.headers[header]
