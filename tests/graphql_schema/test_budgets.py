"""Budgets, their journals and what orders hold: amounts worked out by the statement, rows that are nobody's budget."""

from base64 import b64encode

import pytest

from tests.reads.rows import EMA, MAKER
from tests.reads.serving import Client

AMOUNTS = """allocated reserved reservedOrders reservedPositions available realizedPnl totalFees netPnl overReason
version updatedAt"""


async def test_amounts_are_exact(client: Client) -> None:
    document = f'{{ budget(strategyId: "{EMA}", currency: "USDT") {{ currency strategyId {AMOUNTS} }} }}'
    assert (await client.query(document))["budget"] == {
        "currency": "USDT",
        "strategyId": str(EMA),
        "allocated": "1000.0",
        "reserved": "202.000",
        "reservedOrders": "200.25",
        "reservedPositions": "1.750",
        "available": "798.000",
        "realizedPnl": "42.50",
        "totalFees": "5.54508000",
        "netPnl": "36.95492000",
        "overReason": None,
        "version": 5,
        "updatedAt": "2022-01-01T00:00:09.000000007Z",
    }


async def test_a_budget_that_is_over_shows_the_reason(client: Client) -> None:
    document = f'{{ budget(strategyId: "{MAKER}", currency: "USDC") {{ available overReason realizedPnl }} }}'
    found = (await client.query(document))["budget"]
    assert found == {"available": "-0.10", "overReason": "CUT", "realizedPnl": "0.00"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", ["USDC", "USDT"]),
        (f'(strategyId: "{EMA}")', ["USDT"]),
        ('(currency: "USDC")', ["USDC"]),
        (f'(strategyId: "{EMA}", currency: "USDC")', []),
        (f'(strategyId: "{EMA}", currency: null)', ["USDT"]),
    ],
)
async def test_budgets_are_oldest_first_and_filtered(client: Client, arguments: str, expected: list[str]) -> None:
    found = await client.query(f"{{ budgets{arguments} {{ currency }} }}")
    assert [budget["currency"] for budget in found["budgets"]] == expected


async def test_the_registry_contains_all_budgets(client: Client) -> None:
    found = await client.query(f"{{ registry {{ id {AMOUNTS} }} budgets {{ id {AMOUNTS} }} }}")
    assert found["registry"] == found["budgets"] != []


async def test_reserved_capital_without_a_budget_is_not_listed(client: Client) -> None:
    assert await client.query(f'{{ budget(strategyId: "{EMA}", currency: "BTC") {{ id }} }}') == {"budget": None}
    found = await client.query(f'{{ strategy(id: "{EMA}") {{ budgets {{ currency }} }} }}')
    assert found["strategy"]["budgets"] == [{"currency": "USDT"}]
    node = b64encode(f"Budget:{EMA}:BTC".encode()).decode()
    assert await client.query(f'{{ node(id: "{node}") {{ id }} }}') == {"node": None}


async def test_a_budget_is_a_node(client: Client) -> None:
    (budget,) = (await client.query('{ budgets(currency: "USDT") { id strategy { name } } }'))["budgets"]
    found = await client.query(f'{{ node(id: "{budget["id"]}") {{ id ... on Budget {{ strategy {{ name }} }} }} }}')
    assert found["node"] == budget == {"id": budget["id"], "strategy": {"name": "EMACross-000"}}


async def test_the_journal_is_paged_newest_first(client: Client) -> None:
    page = "nodes { version reason clientOrderId reservedAfter } pageInfo { hasNextPage endCursor } totalCount"
    document = (
        f'query ($after: String) {{ budgets(currency: "USDT") {{ journal(first: 2, after: $after) {{ {page} }} }} }}'
    )
    (first,) = (await client.query(document))["budgets"]
    assert [entry["version"] for entry in first["journal"]["nodes"]] == [5, 4]
    assert first["journal"]["totalCount"] == 5
    (second,) = (await client.query(document, after=first["journal"]["pageInfo"]["endCursor"]))["budgets"]
    assert second["journal"]["nodes"] == [
        {"version": 3, "reason": "SET", "clientOrderId": "O-05", "reservedAfter": "0.50"},
        {"version": 2, "reason": "SET", "clientOrderId": None, "reservedAfter": "0.50"},
    ]


@pytest.mark.parametrize(
    ("client_order_id", "expected"),
    [
        (
            "O-05",
            {"amount": "100.50", "remaining": "50.25", "captured": "50.25", "voided": "0", "unitPrice": "2.5"},
        ),
        ("O-06", None),  # nobody said what it settles in
        ("O-07", None),
    ],
)
async def test_an_order_shows_its_hold(client: Client, client_order_id: str, expected: dict[str, str] | None) -> None:
    fields = "amount remaining captured voided unitPrice"
    found = await client.query(f'{{ order(clientOrderId: "{client_order_id}") {{ hold {{ {fields} }} }} }}')
    assert found["order"]["hold"] == expected


async def test_a_list_without_pages_costs_one_page(client: Client) -> None:
    for document, cost in (
        ("{ budgets { currency } }", 100),
        ("{ strategies(first: 10) { nodes { budgets { strategy { name } } } } }", 10 * (1 + 100 * 2)),
        ("{ strategies(first: 10) { nodes { performance { equity { ts } } } } }", 10 * 3),
    ):
        assert (await client.graphql(document))["extensions"]["cost"]["requested"] == cost
