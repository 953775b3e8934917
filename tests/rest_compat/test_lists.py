"""Every list: filters, order and pages."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from app.rules.enums import OrderStatus
from rest_compat import schemas
from tests.reads.rows import BTC, EMA, ETH, MAKER, START, STRANGE_IDS, UNKNOWN, insert, ledger
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

SCHEMAS = {
    "/api/trading/strategies": schemas.Strategy,
    "/api/trading/orders": schemas.Order,
    "/api/trading/orders/O-13/fills": schemas.Fill,
    "/api/trading/fills": schemas.Fill,
    "/api/trading/positions": schemas.Position,
    "/api/trading/audit": schemas.AuditEntry,
}
ORDERS = "/api/trading/orders"
IN_FLIGHT = {"INITIALIZED", "EMULATED", "RELEASED", "SUBMITTED", "PENDING_UPDATE", "PENDING_CANCEL"}


@pytest.mark.parametrize("path", SCHEMAS)
async def test_objects_have_the_documented_keys_in_order(client: Client, path: str) -> None:
    found = (await client.get(path)).json()
    assert found
    assert {tuple(one) for one in found} == {tuple(SCHEMAS[path].model_fields)}


@pytest.mark.parametrize("path", SCHEMAS)
async def test_next_links_lead_through_the_whole_list_once(client: Client, path: str) -> None:
    whole = await client.get(path, limit=1000)
    assert "link" not in whole.headers
    assert whole.headers["x-total-count"] == str(len(whole.json()))
    walked: list[Any] = []
    next_path: str | None = f"{path}?limit=1"
    while next_path:
        page = await client.get(next_path)
        assert page.headers["x-total-count"] == whole.headers["x-total-count"]
        assert len(page.json()) == 1
        walked += page.json()
        link = re.fullmatch(r'<([^>]+)>; rel="next"', page.headers.get("link", ""))
        next_path = link[1] if link else None
    assert walked == whole.json()


async def test_the_next_link_keeps_the_other_parameters(client: Client) -> None:
    page = await client.get(ORDERS, strategy_name="%_", status="accepted", limit=2, offset=1)
    assert page.headers["link"] == (
        '</api/trading/orders?strategy_name=%25_&status=accepted&limit=2&offset=3>; rel="next"'
    )


async def test_an_offset_beyond_the_end_returns_an_empty_page(client: Client) -> None:
    page = await client.get(ORDERS, offset=1_000_000_000)
    assert page.json() == []
    assert int(page.headers["x-total-count"]) > 0
    assert "link" not in page.headers


async def test_a_page_has_a_hundred_rows_by_default(client: Client) -> None:
    assert (await client.get(ORDERS)).content == (await client.get(ORDERS, limit=100, offset=0)).content


async def test_rows_are_newest_first_with_ties_by_id(client: Client) -> None:
    found = (await client.get(ORDERS)).json()
    places = [(order["ts_init"], order["client_order_id"], order["strategy_id"]) for order in found]
    assert places == sorted(places, reverse=True)
    assert [one for _, one, _ in places if one.startswith("TIE")] == ["TIE-c", "TIE-b", "TIE-a"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"strategy_id": str(EMA)}, 17),
        ({"strategy_id": str(UNKNOWN)}, 0),
        ({"strategy_name": "emacross"}, 17),
        ({"strategy_name": "%"}, 14),
        ({"strategy_name": "_"}, 14),
        ({"strategy_name": "0%_m"}, 14),
        ({"strategy_name": "%Maker"}, 0),
        ({"strategy_name": ""}, 31),
        ({"instrument_id": ETH}, 3),
        ({"instrument_id": "BTC"}, 0),
        ({"status": "filled"}, 2),
        ({"status": "FILLED", "strategy_id": str(EMA), "instrument_id": BTC, "strategy_name": "000"}, 2),
        ({"status": "FILLED", "strategy_id": str(MAKER)}, 0),
    ],
)
async def test_orders_are_filtered(client: Client, filters: dict[str, str], expected: int) -> None:
    page = await client.get(ORDERS, **filters)
    assert (len(page.json()), page.headers["x-total-count"]) == (expected, str(expected))


@pytest.mark.parametrize("status", OrderStatus)
async def test_orders_are_filtered_by_each_status(client: Client, status: OrderStatus) -> None:
    page = await client.get(ORDERS, status=status.value.lower())
    assert {order["status"] for order in page.json()} == {status.value}
    assert page.headers["x-total-count"] == str(len(page.json()))


@pytest.mark.parametrize("pending", ["PENDING", "pending", "PeNdInG"])
async def test_pending_means_in_flight(client: Client, pending: str) -> None:
    page = await client.get(ORDERS, status=pending)
    assert {order["status"] for order in page.json()} == IN_FLIGHT
    assert page.headers["x-total-count"] == str(len(IN_FLIGHT))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["7", "6", "5", "4", "3", "2", "1"]),
        ({"side": "sell"}, ["4", "2"]),
        ({"instrument_id": ETH}, ["6"]),
        ({"strategy_id": str(EMA), "side": "BUY"}, ["7", "5", "3", "1"]),
        ({"strategy_name": "maker"}, ["6"]),
        ({"strategy_id": str(UNKNOWN)}, []),
    ],
)
async def test_fills_are_filtered(client: Client, filters: dict[str, str], expected: list[str]) -> None:
    page = await client.get("/api/trading/fills", **filters)
    assert [one["trade_id"].removeprefix("T-") for one in page.json()] == expected
    assert page.headers["x-total-count"] == str(len(expected))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["P-2", "P-1"]),
        ({"status": "open"}, ["P-2", "P-1"]),
        ({"status": "Closed"}, ["P-1"]),
        ({"strategy_id": str(MAKER)}, ["P-2"]),
        ({"strategy_id": "100%_Maker-001"}, ["P-2"]),
        ({"strategy_id": "maker"}, []),
        ({"strategy_id": str(UNKNOWN)}, []),
        ({"instrument_id": ETH}, ["P-2"]),
    ],
)
async def test_positions_are_filtered(client: Client, filters: dict[str, str], expected: list[str]) -> None:
    page = await client.get("/api/trading/positions", **filters)
    assert [one["position_id"] for one in page.json()] == expected
    assert page.headers["x-total-count"] == str(len(expected))


async def test_a_strategy_named_like_the_id_of_another_is_not_confused_with_it(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    await insert(app.state.context.database, ledger())
    async with app.state.context.database.unit_of_work() as work:
        await work.execute("UPDATE strategies SET name = $1::uuid::text WHERE strategy_id = $2", EMA, MAKER)
        await work.commit()
    for spelling in (str(EMA), str(EMA).upper(), EMA.hex):
        page = await client.get("/api/trading/positions", strategy_id=spelling)
        assert {one["strategy_id"] for one in page.json()} == {str(EMA)}
    page = await client.get("/api/trading/positions", strategy_id=str(MAKER))
    assert {(one["strategy_id"], one["strategy_name"]) for one in page.json()} == {(str(MAKER), str(EMA))}


async def test_a_closed_position_has_a_duration(client: Client) -> None:
    (closed,) = (await client.get("/api/trading/positions", status="closed")).json()
    assert (closed["duration_ns"], closed["ts_closed"]) == (5_000_000_003, "2022-01-01T00:00:05.000000003Z")
    (_, opened) = (await client.get("/api/trading/positions")).json()
    assert (opened["duration_ns"], opened["ts_closed"], opened["quantity"]) == (None, None, 0.2)


@pytest.mark.parametrize("client_order_id", STRANGE_IDS)
async def test_an_order_with_any_id_is_found(client: Client, client_order_id: str) -> None:
    path = f"{ORDERS}/{quote(client_order_id, safe='').replace('..', '%2E%2E')}"
    assert (await client.get(path)).json()["client_order_id"] == client_order_id
    fills = await client.get(f"{path}/fills")
    assert [one["client_order_id"] for one in fills.json()] == (["a/b"] if client_order_id == "a/b" else [])
    assert (await client.get(f"{path}/deny-reason")).json()["deny_reason"] is None


async def test_instants_have_nanoseconds(client: Client) -> None:
    order = (await client.get(f"{ORDERS}/O-00")).json()
    assert START % 1_000_000_000 == 0
    assert (order["ts_init"], order["ts_last"]) == ("2022-01-01T00:00:00.000000000Z", "2022-01-01T00:00:00.000000007Z")
