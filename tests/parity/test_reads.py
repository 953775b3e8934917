"""GraphQL and REST return the same values, digit for digit."""

import json
from base64 import b64encode
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from app.rules.enums import OrderStatus
from rest_compat import schemas
from tests.reads.rows import BTC, EMA, ETH, MAKER
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

# Fields that GraphQL names differently; the name of a strategy is a field of `strategy`.
GRAPHQL_FIELDS = {"strategy_name": "strategy { name }", "order_type": "type", "duration_ns": "id"}


def selection_of(model: type[BaseModel]) -> str:
    """The GraphQL fields that make up a REST schema, under the same keys."""
    return " ".join(f"{name}: {GRAPHQL_FIELDS.get(name, to_camel(name))}" for name in model.model_fields)


def as_rest(node: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """A GraphQL node in REST's format, with amounts as decimals."""
    amounts = {name for name, field in model.model_fields.items() if "Decimal" in str(field.annotation)}
    flat = {**node, **({"strategy_name": node["strategy_name"]["name"]} if "strategy_name" in node else {})}
    return {key: Decimal(value) if key in amounts and value is not None else value for key, value in flat.items()}


async def rest(client: Client, path: str, **params: Any) -> tuple[list[dict[str, Any]], int]:
    response = await client.get(path, **params)
    return json.loads(response.text, parse_float=Decimal, parse_int=str), int(response.headers["x-total-count"])


async def assert_equal(
    client: Client, model: type[BaseModel], path: str, params: dict[str, Any], field: str, filter: dict[str, Any]
) -> int:
    """Asserts that both responses are equal. Returns their row count."""
    selection = f"{field}(filter: $filter) {{ totalCount nodes {{ {selection_of(model)} }} }}"
    document = f"query ($filter: {model.__name__}Filter) {{ {selection} }}"
    connection = (await client.query(document, filter=filter))[field]
    rows, total = await rest(client, path, **params)
    nodes = [as_rest(node, model) for node in connection["nodes"]]
    for row, node in zip(rows, nodes, strict=True):
        row.pop("duration_ns", None)
        node.pop("duration_ns", None)
        numbers = {key: Decimal(row[key]) for key, value in node.items() if isinstance(value, Decimal)}
        # Equal numbers are not enough: the digits must be equal too, and 0.10 == 0.1.
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
async def test_orders_are_equal_over_both_apis(client: Client, params: dict[str, Any], filter: dict[str, Any]) -> None:
    assert await assert_equal(client, schemas.Order, "/api/trading/orders", params, "orders", filter)


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
async def test_fills_are_equal_over_both_apis(client: Client, params: dict[str, Any], filter: dict[str, Any]) -> None:
    assert await assert_equal(client, schemas.Fill, "/api/trading/fills", params, "fills", filter)


@pytest.mark.parametrize("status", ["OPEN", "CLOSED"])
async def test_positions_are_equal_over_both_apis(client: Client, status: str) -> None:
    params, filter = {"status": status}, {"status": status}
    assert await assert_equal(client, schemas.Position, "/api/trading/positions", params, "positions", filter)


async def test_strategies_are_equal_over_both_apis(client: Client) -> None:
    assert await assert_equal(client, schemas.Strategy, "/api/trading/strategies", {}, "strategies", {}) == 2


async def test_the_summary_is_equal_over_both_apis(client: Client) -> None:
    summary = (await client.query("{ summary { signals orders fills } }"))["summary"]
    assert summary == (await client.get("/api/trading/summary")).json()


async def test_the_fills_of_an_order_are_equal_over_both_apis(client: Client) -> None:
    rows, total = await rest(client, "/api/trading/orders/O-13/fills")
    fills = "fills { totalCount nodes { trade_id: tradeId } }"
    document = f'{{ orders(filter: {{clientOrderId: {{eq: "O-13"}}}}) {{ nodes {{ {fills} }} }} }}'
    (order,) = (await client.query(document))["orders"]["nodes"]
    assert [{"trade_id": row["trade_id"]} for row in rows] == order["fills"]["nodes"]
    assert total == order["fills"]["totalCount"] == 5


@pytest.mark.parametrize("client_order_id", ["O-01", "O-06", "O-13", "DIGITS", "a/b", "née ☂", "x" * 300])
async def test_a_single_order_is_equal_over_both_apis(client: Client, client_order_id: str) -> None:
    path = f"/api/trading/orders/{quote(client_order_id, safe='')}"
    row = json.loads((await client.get(path)).text, parse_float=Decimal)
    document = f"query ($id: String!) {{ order(clientOrderId: $id) {{ {selection_of(schemas.Order)} }} }}"
    node = as_rest((await client.query(document, id=client_order_id))["order"], schemas.Order)
    assert list(node) == list(row)
    assert node == row
    reason = (await client.get(f"{path}/deny-reason")).json()
    assert reason == {name: node[name] for name in reason}


async def test_an_ambiguous_order_id_is_refused_by_both_apis(client: Client) -> None:
    assert (await client.refused("/api/trading/orders/SHARED", 409))["code"] == "ORDER_AMBIGUOUS"
    assert await client.code('{ order(clientOrderId: "SHARED") { id } }') == "ORDER_AMBIGUOUS"
    for strategy_id in (EMA, MAKER):
        row = (await client.get("/api/trading/orders/SHARED", strategy_id=str(strategy_id))).json()
        document = f'{{ order(clientOrderId: "SHARED", strategyId: "{strategy_id}") {{ strategyId }} }}'
        assert (await client.query(document))["order"] == {"strategyId": row["strategy_id"]}


@pytest.mark.parametrize("strategy", [str(EMA), str(MAKER), "EMACross-000", "emacross-000", "nobody"])
async def test_the_positions_of_a_strategy_are_equal_over_both_apis(client: Client, strategy: str) -> None:
    is_id = strategy in (str(EMA), str(MAKER))
    filter = {"strategyId": {"eq": strategy}} if is_id else {"strategyName": {"eq": strategy}}
    params = {"strategy_id": strategy, "status": "open"}
    open_ = {**filter, "status": "OPEN"}
    total = await assert_equal(client, schemas.Position, "/api/trading/positions", params, "positions", open_)
    assert total == (0 if strategy in ("emacross-000", "nobody") else 1)


async def test_the_audit_log_is_equal_over_both_apis(client: Client) -> None:
    rows, total = await rest(client, "/api/trading/audit")
    fields = " ".join(f"{name}: {to_camel(name)}" for name in schemas.AuditEntry.model_fields)
    found = (await client.query(f"{{ auditLog {{ totalCount nodes {{ {fields} }} }} }}"))["auditLog"]
    assert total == found["totalCount"] == 2
    # REST's id is the number of the entry; GraphQL's id is opaque.
    for row, node in zip(rows, found["nodes"], strict=True):
        assert {**row, "id": b64encode(f"AuditEntry:{row['id']}".encode()).decode()} == node


@pytest.mark.parametrize(
    ("params", "filter"),
    [
        ({}, None),
        ({"strategy_id": str(MAKER)}, {"strategyId": {"eq": str(MAKER)}}),
        ({"instrument_id": BTC}, {"instrumentId": {"eq": BTC}}),
        ({"instrument_id": "nothing"}, {"instrumentId": {"eq": "nothing"}}),
    ],
)
async def test_the_fills_summary_is_equal_over_both_apis(
    client: Client, params: dict[str, Any], filter: dict[str, Any] | None
) -> None:
    response = await client.get("/api/trading/fills/summary", **params)
    row = json.loads(response.text, parse_float=Decimal, parse_int=Decimal)
    document = """query ($f: FillFilter) {
      all: fillsSummary(filter: $f) {
        total_fills: totalFills buy_fills: buyFills sell_fills: sellFills first_ts: firstTs last_ts: lastTs
      }
      by_currency: fillsSummary(filter: $f, groupBy: CURRENCY) {
        groups { currency fills notional realized_pnl: realizedPnl total_fees: totalFees }
      }
      by_instrument: fillsSummary(filter: $f, groupBy: [INSTRUMENT]) {
        groups { instrument_id: instrumentId fills notional }
      }
      by_side: fillsSummary(filter: $f, groupBy: [INSTRUMENT, SIDE]) { groups { instrumentId side quantity } }
    }"""
    found = await client.query(document, f=filter)
    sides = {(group["instrumentId"], group["side"]): group["quantity"] for group in found["by_side"]["groups"]}
    for group in found["by_instrument"]["groups"]:
        for name, side in (("buy_qty", "BUY"), ("sell_qty", "SELL")):
            group[name] = sides.get((group["instrument_id"], side), "0")
    text_keys = ("currency", "instrument_id")
    for name in ("by_currency", "by_instrument"):
        groups = found[name]["groups"]
        assert row.pop(name) == [
            {key: value if key in text_keys else Decimal(value) for key, value in group.items()} for group in groups
        ]
    assert row == found["all"]


@pytest.mark.parametrize("strategy_id", [EMA, MAKER])
async def test_realized_pnl_is_equal_over_both_apis(client: Client, strategy_id: UUID) -> None:
    response = await client.get(f"/api/budget/{strategy_id}/pnl/realized")
    row = json.loads(response.text, parse_float=Decimal, parse_int=Decimal)
    fields = "currency grossPnl totalFees"
    document = f'{{ strategy(id: "{strategy_id}") {{ performance {{ {fields} }} }} }}'
    made = (await client.query(document))["strategy"]["performance"]
    assert row["realized_pnl"] == {one["currency"]: Decimal(one["grossPnl"]) for one in made}
    assert row["total_fees"] == {one["currency"]: Decimal(one["totalFees"]) for one in made}


async def test_graphql_pages_contain_the_rows_of_rest_in_order(client: Client) -> None:
    rows, _ = await rest(client, "/api/trading/orders", limit=1000)
    page = "nodes { clientOrderId } pageInfo { hasNextPage endCursor }"
    walked: list[str] = []
    found: dict[str, Any] = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    while found["pageInfo"]["hasNextPage"]:
        document = f"query ($after: String) {{ orders(first: 4, after: $after) {{ {page} }} }}"
        found = (await client.query(document, after=found["pageInfo"]["endCursor"]))["orders"]
        walked += [node["clientOrderId"] for node in found["nodes"]]
    assert walked == [row["client_order_id"] for row in rows]


async def test_both_apis_refuse_a_text_with_a_zero_byte(client: Client) -> None:
    assert (await client.refused("/api/trading/orders?instrument_id=%00", 422))["code"] == "BAD_INPUT"
    for text in ("\\u0000", "a\\u0000b"):
        document = f'{{ orders(filter: {{instrumentId: {{eq: "{text}"}}}}) {{ totalCount }} }}'
        assert await client.code(document) == "BAD_REQUEST"
