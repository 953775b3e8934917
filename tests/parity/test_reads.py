"""The same question through both faces has the same answer, digit for digit."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from app.rules.enums import OrderStatus
from rest_compat import shapes
from tests.reads.rows import BTC, EMA, ETH, MAKER
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

# Through the strategy, in GraphQL; REST spells out the type.
ELSEWHERE = {"strategy_name": "strategy { name }", "order_type": "type", "duration_ns": "id"}


def selected(model: type[BaseModel]) -> str:
    """The GraphQL fields that give a REST shape, under the same keys."""
    return " ".join(f"{name}: {ELSEWHERE.get(name, to_camel(name))}" for name in model.model_fields)


def as_rest(node: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """A GraphQL node as REST would show it, amounts as decimals."""
    amounts = {name for name, field in model.model_fields.items() if "Decimal" in str(field.annotation)}
    flat = {**node, **({"strategy_name": node["strategy_name"]["name"]} if "strategy_name" in node else {})}
    return {key: Decimal(value) if key in amounts and value is not None else value for key, value in flat.items()}


async def rest(client: Client, path: str, **params: Any) -> tuple[list[dict[str, Any]], int]:
    response = await client.get(path, **params)
    return json.loads(response.text, parse_float=Decimal, parse_int=str), int(response.headers["x-total-count"])


async def compare(
    client: Client, model: type[BaseModel], path: str, params: dict[str, Any], field: str, filter: dict[str, Any]
) -> int:
    """Both answers must be equal; how many rows they have."""
    asked = f"{field}(filter: $filter) {{ totalCount nodes {{ {selected(model)} }} }}"
    document = f"query ($filter: {model.__name__}Filter) {{ {asked} }}"
    connection = (await client.query(document, filter=filter))[field]
    rows, total = await rest(client, path, **params)
    seen = [as_rest(node, model) for node in connection["nodes"]]
    for row, node in zip(rows, seen, strict=True):
        row.pop("duration_ns", None)
        node.pop("duration_ns", None)
        numbers = {key: Decimal(row[key]) for key, value in node.items() if isinstance(value, Decimal)}
        # Equal numbers are not enough: 0.10 and 0.1 are.
        assert {key: str(value) for key, value in numbers.items()} == {key: str(node[key]) for key in numbers}
        assert {**row, **numbers} == node
    assert total == connection["totalCount"]
    return total


@pytest.mark.parametrize(
    ("params", "filter"),
    [
        ({}, {}),
        ({"strategy_id": str(EMA)}, {"strategyId": {"eq": str(EMA)}}),
        ({"strategy_name": "0%_m"}, {"strategyName": {"contains": "0%_m"}}),
        ({"instrument_id": ETH}, {"instrumentId": {"eq": ETH}}),
        ({"status": "filled", "instrument_id": BTC}, {"status": {"eq": "FILLED"}, "instrumentId": {"eq": BTC}}),
        *(({"status": status.value}, {"status": {"in": [status.value]}}) for status in OrderStatus),
    ],
)
async def test_orders(client: Client, params: dict[str, Any], filter: dict[str, Any]) -> None:
    assert await compare(client, shapes.Order, "/api/trading/orders", params, "orders", filter)


@pytest.mark.parametrize(
    ("params", "filter"),
    [
        ({}, {}),
        ({"side": "SELL"}, {"side": "SELL"}),
        ({"strategy_id": str(MAKER)}, {"strategyId": {"in": [str(MAKER)]}}),
        (
            {"instrument_id": BTC, "strategy_name": "ema"},
            {"and": [{"strategyName": {"contains": "EMA"}}], "not": {"instrumentId": {"eq": ETH}}},
        ),
    ],
)
async def test_fills(client: Client, params: dict[str, Any], filter: dict[str, Any]) -> None:
    assert await compare(client, shapes.Fill, "/api/trading/fills", params, "fills", filter)


@pytest.mark.parametrize("status", ["OPEN", "CLOSED"])
async def test_positions(client: Client, status: str) -> None:
    params, filter = {"status": status}, {"status": status}
    assert await compare(client, shapes.Position, "/api/trading/positions", params, "positions", filter)


async def test_strategies(client: Client) -> None:
    assert await compare(client, shapes.Strategy, "/api/trading/strategies", {}, "strategies", {}) == 2


async def test_summary(client: Client) -> None:
    summary = (await client.query("{ summary { signals orders fills } }"))["summary"]
    assert summary == (await client.get("/api/trading/summary")).json()


async def test_the_fills_of_an_order(client: Client) -> None:
    rows, total = await rest(client, "/api/trading/orders/O-13/fills")
    fills = "fills { totalCount nodes { trade_id: tradeId } }"
    document = f'{{ orders(filter: {{clientOrderId: {{eq: "O-13"}}}}) {{ nodes {{ {fills} }} }} }}'
    (order,) = (await client.query(document))["orders"]["nodes"]
    assert [{"trade_id": row["trade_id"]} for row in rows] == order["fills"]["nodes"]
    assert total == order["fills"]["totalCount"] == 5


async def test_paging(client: Client) -> None:
    rows, _ = await rest(client, "/api/trading/orders", limit=1000)
    page = "nodes { clientOrderId } pageInfo { hasNextPage endCursor }"
    walked: list[str] = []
    found: dict[str, Any] = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    while found["pageInfo"]["hasNextPage"]:
        document = f"query ($after: String) {{ orders(first: 4, after: $after) {{ {page} }} }}"
        found = (await client.query(document, after=found["pageInfo"]["endCursor"]))["orders"]
        walked += [node["clientOrderId"] for node in found["nodes"]]
    assert walked == [row["client_order_id"] for row in rows]


async def test_a_text_that_cannot_be_stored(client: Client) -> None:
    assert (await client.refused("/api/trading/orders?instrument_id=%00", 422))["code"] == "BAD_INPUT"
    for text in ("\\u0000", "a\\u0000b"):
        document = f'{{ orders(filter: {{instrumentId: {{eq: "{text}"}}}}) {{ totalCount }} }}'
        assert await client.code(document) == "BAD_REQUEST"
