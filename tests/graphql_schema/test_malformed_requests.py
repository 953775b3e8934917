"""Requests that are wrong before any question is understood: a client's mistake, never a fault of ours."""

import json
from base64 import b64encode

import pytest

from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

COUNT = "query ($f: OrderFilter) { orders(filter: $f) { totalCount } }"
NOT_JSON = [b"", b"\xff", b"{", b"[" * 100_000, b'{"a":' * 50_000, b'{"query": NaN}', b'{"query": "\\ud800"}']
NOT_A_REQUEST = [b"[]", b"1", b'"x"', b"null", b"{}", b'{"query": 5}', b'{"query": null}', b'{"query": ""}']
PARTS_WRONG = [
    b'{"query": "{summary{orders}}", "variables": []}',
    b'{"query": "{summary{orders}}", "extensions": []}',
    b'{"query": "query A {summary{orders}}", "operationName": 5}',
]


def forged_cursor(*values: str) -> str:
    return b64encode(json.dumps(["Order -quantity,-client_order_id,-strategy_id", *values]).encode()).decode()


@pytest.mark.parametrize("body", NOT_JSON + NOT_A_REQUEST + PARTS_WRONG, ids=lambda body: repr(body[:30]))
async def test_a_malformed_request_is_refused(client: Client, body: bytes) -> None:
    response = await client.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    "query",
    [
        "{" + "orders{nodes{strategy{" * 3000,
        "{orders(filter:" + "{not:" * 5000,
        "{" + "orders{nodes{strategy{" * 200 + "name" + "}}}" * 200 + "}",
        "{...A} fragment A on Query{...A}",
        "{orders(first:" + "9" * 5000 + "){totalCount}}",
        "{orders(filter:{quantity:{gt:" + "9" * 5000 + "}}){totalCount}}",
        "{orders(first:1.5){totalCount}}",
        "{orders(after:true){totalCount}}",
        "subscription {orders}",
        "mutation {orders}",
    ],
    ids=lambda query: query[:30],
)
async def test_an_invalid_document_is_refused_with_a_code(client: Client, query: str) -> None:
    response = await client.http.post("/graphql", json={"query": query})
    assert response.status_code == 200
    assert {error["extensions"]["code"] for error in response.json()["errors"]} <= {
        "BAD_REQUEST",
        "VALIDATION_FAILED",
        "QUERY_TOO_DEEP",
        "TOO_MANY_TOKENS",
    }


async def test_the_depth_of_a_filter_is_limited(client: Client) -> None:
    for depth, code in ((20, None), (21, "BAD_REQUEST"), (100, "BAD_REQUEST"), (200, "BAD_REQUEST")):
        filter = json.loads('{"not":' * depth + '{"side":"BUY"}' + "}" * depth)
        answer = await client.graphql(COUNT, f=filter)
        assert [error["extensions"]["code"] for error in answer.get("errors", [])] == ([code] if code else [])


@pytest.mark.parametrize(
    "cursor",
    [
        forged_cursor("sNaN", "a", "00000000-0000-0000-0000-000000000000"),
        forged_cursor("1e9999", "a", "00000000-0000-0000-0000-000000000000"),
        forged_cursor("1", "a", "x"),
        forged_cursor("1", "a"),
        "A" * 100_000,
    ],
    ids=lambda cursor: cursor[-20:],
)
async def test_a_forged_cursor_is_refused(client: Client, cursor: str) -> None:
    document = "query ($c: String) { orders(after: $c, orderBy: [{field: QUANTITY}]) { nodes { id } } }"
    assert await client.code(document, c=cursor) == "CURSOR_INVALID"


async def test_a_forged_cursor_with_a_zero_byte_is_refused(client: Client) -> None:
    document = "query ($c: String) { orders(after: $c, orderBy: [{field: QUANTITY}]) { nodes { id } } }"
    cursor = forged_cursor("1", "a\x00", "00000000-0000-0000-0000-000000000000")
    assert await client.code(document, c=cursor) == "BAD_REQUEST"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused(client: Client, method: str) -> None:
    assert (await client.http.request(method, "/graphql")).status_code == 405
