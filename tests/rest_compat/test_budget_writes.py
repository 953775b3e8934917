"""PUT and DELETE on `/api/budget`: exact amounts, refusals without effect, and equality with GraphQL."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from tests.feed.rows import until
from tests.reads.rows import EMA, MAKER, UNKNOWN
from tests.reads.serving import Client
from tests.rest_compat.test_budgets import REGISTRY, STRATEGIES

pytestmark = pytest.mark.anyio

Own = tuple[FastAPI, Client]
LONG = "123456789012345678901234567890.123456789012345678901234567890"
WRONG_TEXTS = [
    *("", " ", " 1", "1 ", "1\\n", "\\t1", "1_000", "1,000", "1 000", "0x10", ".", "e1", "1e", "--1", "+-1", "1.2.3"),
    *("NaN", "nan", "sNaN", "Infinity", "-Infinity", "inf", "1e31", "1e999999", "1e-31", "1e99999999999", "9" * 31),
    *("-1", "-0.01", "\uff11\uff12", "\u0661", "1\u00b2", "\u22121", "1\\u0000", "true", "null", "1000 USDT", "$1"),
]


@pytest.fixture
async def connection(database_url: str, own: Own) -> Any:
    """A connection to the service's database, which has two strategies."""
    opened = await asyncpg.connect(database_url)
    await opened.executemany(STRATEGIES, [(EMA, "EMACross-000"), (MAKER, "Maker-001")])
    yield opened
    await opened.close()


async def put(client: Client, body: bytes | str, currency: str = "USDT", strategy_id: Any = EMA) -> httpx.Response:
    return await client.http.put(f"/api/budget/{strategy_id}/{currency}", content=body)


async def row_counts(connection: asyncpg.Connection) -> tuple[int, int]:
    """Row counts of the journal and the audit log."""
    journaled = await connection.fetchval("SELECT count(*) FROM budget_journal")
    return journaled, await connection.fetchval("SELECT count(*) FROM audit_entries")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("1000.0", "1000.0"),
        ("0", "0"),
        ("0.10", "0.10"),
        (LONG, LONG),
        ("1e3", "1000"),
        ("1.50E2", "150"),
        ("0.1234567890123456789012345678", "0.1234567890123456789012345678"),
        ('"1000000"', "1000000"),
        ('"0.10"', "0.10"),
        ('"0"', "0"),
        ('"1e3"', "1000"),
        ('"+1.50"', "1.50"),
        ('"001"', "1"),
        ('"\\u0031.0"', "1.0"),
        (f'"{LONG}"', LONG),
    ],
)
async def test_a_budget_keeps_the_digits_of_the_request(
    own: Own, connection: asyncpg.Connection, sent: str, stored: str
) -> None:
    app, client = own
    response = await put(client, f'{{"allocated": {sent}}}')
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    amounts = f'"allocated":{stored},"reserved":0,"available":{stored},"realized_pnl":0,"total_fees":0'
    assert response.text == f'{{"strategy_id":"{EMA}","currency":"USDT",{amounts}}}'
    assert (await client.get(f"/api/budget/{EMA}")).text == response.text
    await until(lambda: len(app.state.context.registry) == 1)
    assert (await client.get(REGISTRY)).text == f'{{"{EMA}":{{"USDT":{response.text}}}}}'


WRONG_NUMBERS = [
    *("NaN", "Infinity", "-Infinity", "1e999999", "1e99999999999999999999", "1e31", "1e-31", "9" * 3000, "-1", "-0.01"),
    *("01", "+1", ".5", "0x10", "1_0", "1\uff11", "null", "true", "false", "[1]", '["1"]', "{}"),
]
WRONG_BODIES = [
    *("", "{", "[]", "1000", "null", '"1000"', "{}", '{"allocated": }', '{"allocated": 1} x', "[" * 4000),
    *('{"allocated": 1, "allocated": 2}', '{"allocated": "1", "allocated": 1}', '{"allocated": 1, "surprise": 2}'),
    *('{"Allocated": 1}', "\xff"),
]
WITH_VALUE = '{{"allocated": {}}}'


@pytest.mark.parametrize(
    "bodies",
    [
        WRONG_BODIES,
        [WITH_VALUE.format(number) for number in WRONG_NUMBERS],
        [WITH_VALUE.format(f'"{text}"') for text in WRONG_TEXTS],
    ],
    ids=["bodies", "numbers", "strings"],
)
async def test_an_invalid_body_is_refused_and_changes_nothing(
    own: Own, connection: asyncpg.Connection, bodies: list[str]
) -> None:
    _, client = own
    for body in bodies:
        response = await put(client, body.encode("latin-1" if body == "\xff" else "utf-8"))
        assert (response.status_code, response.json()["code"]) == (422, "BAD_INPUT"), (body, response.text)
    assert await row_counts(connection) == (0, 0)


async def test_a_body_that_is_too_large_is_refused(own: Own, connection: asyncpg.Connection) -> None:
    _, client = own
    response = await put(client, '{"allocated": 1' + " " * 5000 + "}")
    assert (response.status_code, response.json()["code"]) == (413, "BAD_INPUT")
    assert await row_counts(connection) == (0, 0)


@pytest.mark.parametrize(
    ("strategy_id", "currency", "status"),
    [(UNKNOWN, "USDT", 404), ("nobody", "USDT", 422), (EMA, "%00", 422), (EMA, "x" * 200, 422), (EMA, "%20", 422)],
)
async def test_an_invalid_path_is_refused(
    own: Own, connection: asyncpg.Connection, strategy_id: Any, currency: str, status: int
) -> None:
    _, client = own
    response = await put(client, '{"allocated": 1}', currency, strategy_id)
    assert response.status_code == status, response.text
    deleted = await client.http.delete(f"/api/budget/{strategy_id}/{currency}")
    assert deleted.status_code in (404, 422)
    assert await row_counts(connection) == (0, 0)


async def test_a_budget_is_deleted_once_no_capital_is_reserved(own: Own, connection: asyncpg.Connection) -> None:
    app, client = own
    address = f"/api/budget/{EMA}/USDT"
    assert (await client.http.delete(address)).json()["code"] == "BUDGET_NOT_FOUND"
    await put(client, '{"allocated": 100}')
    await connection.execute("UPDATE budgets SET reserved_orders = 5")
    refused = await client.http.delete(address)
    assert (refused.status_code, refused.json()["code"]) == (409, "BUDGET_IN_USE")
    assert (await client.get(f"/api/budget/{EMA}")).json()["reserved"] == 5
    await connection.execute("UPDATE budgets SET reserved_orders = 0")
    deleted = await client.http.delete(address)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await client.refused(f"/api/budget/{EMA}", 404))["code"] == "BUDGET_NOT_FOUND"
    assert (await client.http.delete(address)).status_code == 404
    await until(lambda: len(app.state.context.registry) == 0)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "HEAD"])
async def test_other_methods_get_405_with_the_allowed_methods(own: Own, method: str) -> None:
    _, client = own
    response = await client.http.request(method, f"/api/budget/{EMA}/USDT")
    assert (response.status_code, response.headers["allow"]) == (405, "DELETE, PUT")
    response = await client.http.request("DELETE", f"/api/budget/{EMA}")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


async def test_concurrent_requests_all_set_the_budget(own: Own, connection: asyncpg.Connection) -> None:
    _, client = own
    responses = await asyncio.gather(*(put(client, f'{{"allocated": {cap}}}') for cap in range(1, 9)))
    assert {response.status_code for response in responses} == {200}
    last = (await client.get(f"/api/budget/{EMA}")).json()["allocated"]
    assert last in range(1, 9)
    assert await row_counts(connection) == (8, 8)


async def test_a_query_string_is_refused(own: Own, connection: asyncpg.Connection) -> None:
    _, client = own
    response = await client.http.put(f"/api/budget/{EMA}/USDT?allocated=1", content='{"allocated": 1}')
    assert (response.status_code, response.json()["code"]) == (422, "BAD_INPUT")
    assert await row_counts(connection) == (0, 0)


@pytest.mark.parametrize("sent", ["-0", '"-0"', '"-0.00"', "-0e5"])
async def test_minus_zero_is_zero_in_the_ledger_and_in_the_audit_log(
    own: Own, connection: asyncpg.Connection, sent: str
) -> None:
    _, client = own
    assert (await put(client, f'{{"allocated": {sent}}}')).status_code == 200
    assert "-" not in await connection.fetchval("SELECT after ->> 'allocated' FROM audit_entries")


async def test_amounts_of_both_apis_can_be_sent_back(own: Own, connection: asyncpg.Connection) -> None:
    _, client = own
    await put(client, f'{{"allocated": {LONG}}}')
    over_graphql = (await client.query(f'{{ budget(strategyId: "{EMA}", currency: "USDT") {{ allocated }} }}'))[
        "budget"
    ]
    assert over_graphql == {"allocated": LONG}
    over_rest = (await client.get(f"/api/budget/{EMA}")).text.partition('"allocated":')[2].partition(",")[0]
    for sent in (json.dumps(over_graphql), f'{{"allocated": {over_rest}}}', f'{{"allocated": "{over_rest}"}}'):
        assert (await put(client, sent)).status_code == 200
    assert await row_counts(connection) == (1, 1)  # the same cap each time


async def test_a_budget_is_equal_over_both_apis(own: Own, connection: asyncpg.Connection) -> None:
    _, client = own
    fields = "strategyId currency allocated reserved available realizedPnl totalFees"
    document = f'{{ budget(strategyId: "{EMA}", currency: "USDT") {{ {fields} }} }}'
    rest: dict[str, Any] = (await put(client, '{"allocated": 12.50}')).json()
    found = (await client.query(document))["budget"]
    assert list(found.values())[:2] == list(rest.values())[:2]
    assert [Decimal(one) for one in list(found.values())[2:]] == [Decimal(str(one)) for one in list(rest.values())[2:]]
    await client.http.delete(f"/api/budget/{EMA}/USDT")
    assert (await client.query(document))["budget"] is None
