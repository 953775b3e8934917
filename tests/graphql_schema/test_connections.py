"""Connections: any order, any page size, both directions, while rows are being inserted."""

from typing import Any

import pytest
from fastapi import FastAPI

from app.database import Database
from tests.reads.rows import insert, ledger, order
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

ORDERINGS = [
    [],
    [{"field": "TS_INIT", "direction": "ASC"}],
    [{"field": "STATUS"}, {"field": "QUANTITY"}],
    [{"field": "STATUS", "direction": "ASC"}, {"field": "TS_INIT", "direction": "DESC"}],
    [{"field": "INSTRUMENT_ID"}, {"field": "CLIENT_ORDER_ID", "direction": "ASC"}, {"field": "INSTRUMENT_ID"}],
]
PAGE = """
query ($by: [OrderSort!], $first: Int, $after: String, $last: Int, $before: String) {
  orders(orderBy: $by, first: $first, after: $after, last: $last, before: $before) {
    nodes { id }
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


async def whole_list(client: Client, by: Any) -> list[str]:
    document = "query ($by: [OrderSort!]) { orders(orderBy: $by, first: 1000) { nodes { id } } }"
    return [node["id"] for node in (await client.query(document, by=by))["orders"]["nodes"]]


async def page(client: Client, **variables: Any) -> tuple[list[str], dict[str, Any]]:
    found = (await client.query(PAGE, **variables))["orders"]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    cursors = [edge["cursor"] for edge in found["edges"]] or [None]
    info = found["pageInfo"]
    assert (info["startCursor"], info["endCursor"]) == (cursors[0], cursors[-1])
    return [node["id"] for node in found["nodes"]], info


@pytest.mark.parametrize("by", ORDERINGS)
@pytest.mark.parametrize("size", [1, 4, 31])
async def test_paging_forward_returns_the_whole_list_once(client: Client, by: Any, size: int) -> None:
    walked: list[str] = []
    info: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while info["hasNextPage"]:
        nodes, info = await page(client, by=by, first=size, after=info["endCursor"])
        assert info["hasPreviousPage"] == bool(walked)
        walked += nodes
    assert walked == await whole_list(client, by)
    assert len(walked) == 31


@pytest.mark.parametrize("by", ORDERINGS)
@pytest.mark.parametrize("size", [1, 4, 31])
async def test_paging_backward_returns_the_whole_list_once(client: Client, by: Any, size: int) -> None:
    walked: list[str] = []
    info: dict[str, Any] = {"hasPreviousPage": True, "startCursor": None}
    while info["hasPreviousPage"]:
        nodes, info = await page(client, by=by, last=size, before=info["startCursor"])
        assert info["hasNextPage"] == bool(walked)
        walked = nodes + walked
    assert walked == await whole_list(client, by)


async def test_two_cursors_select_the_rows_between_them(client: Client) -> None:
    everything = await whole_list(client, [])
    _, info = await page(client, first=3)
    _, later = await page(client, first=10)
    nodes, between = await page(client, first=100, after=info["endCursor"], before=later["endCursor"])
    assert nodes == everything[3:9]
    assert (between["hasPreviousPage"], between["hasNextPage"]) == (True, True)


async def test_paging_is_stable_while_rows_are_inserted(own: tuple[FastAPI, Client], database: Database) -> None:
    _, client = own
    await insert(database, ledger())
    before = await whole_list(client, [])
    walked: list[str] = []
    info: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    number = 0
    while info["hasNextPage"]:
        nodes, info = await page(client, first=5, after=info["endCursor"])
        walked += nodes
        # Newer than all: before every page that was read.
        number += 1
        await insert(database, [order(f"NEW-{number}", 1000 + number)])
    assert walked == before
    assert number > 3


async def test_a_page_of_size_zero_is_empty(client: Client) -> None:
    document = "{ orders(first: 0) { totalCount nodes { id } edges { cursor } pageInfo { hasNextPage endCursor } } }"
    assert (await client.query(document))["orders"] == {
        "totalCount": 31,
        "nodes": [],
        "edges": [],
        "pageInfo": {"hasNextPage": True, "endCursor": None},
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 1001", "PAGE_TOO_LARGE"),
        ("last: 1001", "PAGE_TOO_LARGE"),
        ("first: -1", "BAD_REQUEST"),
        ("first: 1, last: 1", "BAD_REQUEST"),
        ('after: ""', "CURSOR_INVALID"),
        ('after: "x"', "CURSOR_INVALID"),
        ('after: "e30="', "CURSOR_INVALID"),
        ('after: "WyJPcmRlciJd"', "CURSOR_INVALID"),
        ('after: "\\u0000"', "CURSOR_INVALID"),
        ("first: 99999999999", "VALIDATION_FAILED"),
        ('first: "1"', "VALIDATION_FAILED"),
        ("colour: 1", "VALIDATION_FAILED"),
    ],
)
async def test_invalid_page_arguments_are_refused(client: Client, arguments: str, code: str) -> None:
    assert await client.code(f"{{ orders({arguments}) {{ totalCount }} }}") == code


async def test_a_cursor_of_another_order_or_list_is_refused(client: Client) -> None:
    _, info = await page(client, first=1)
    assert await client.code(PAGE, by=ORDERINGS[1], first=1, after=info["endCursor"]) == "CURSOR_INVALID"
    fills = "query ($after: String) { fills(after: $after) { totalCount } }"
    assert await client.code(fills, after=info["endCursor"]) == "CURSOR_INVALID"
