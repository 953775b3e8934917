"""An omitted value: in REST a parameter without a value, in GraphQL null. A blank is a value."""

from typing import Any

import pytest

from rest_compat.queries import BudgetQuery, FillsQuery, FillsSummaryQuery, OrderFillsQuery, OrdersQuery, PositionsQuery
from tests.parity.test_reads import rest
from tests.reads.rows import EMA
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

PATHS = {
    "/api/trading/strategies": ("limit", "offset"),
    "/api/trading/audit": ("limit", "offset"),
    "/api/trading/orders": tuple(OrdersQuery.model_fields),
    "/api/trading/orders/O-13": ("strategy_id",),
    "/api/trading/orders/O-13/deny-reason": ("strategy_id",),
    "/api/trading/orders/O-13/fills": tuple(OrderFillsQuery.model_fields),
    "/api/trading/fills": tuple(FillsQuery.model_fields),
    "/api/trading/fills/summary": tuple(FillsSummaryQuery.model_fields),
    "/api/trading/positions": tuple(PositionsQuery.model_fields),
}
PARAMETERS = [(path, name) for path, names in PATHS.items() for name in names]
NULL_ARGUMENTS = {"filter": None, "first": None, "after": None, "last": None, "before": None, "orderBy": None}


@pytest.mark.parametrize(("path", "name"), PARAMETERS)
async def test_a_rest_parameter_without_a_value_is_ignored(client: Client, path: str, name: str) -> None:
    plain = await client.get(path)
    for query in (f"{name}=", name, f"&{name}=&", "".join(f"%{ord(letter):02x}" for letter in name) + "="):
        response = await client.get(f"{path}?{query}")
        assert (response.status_code, response.content) == (200, plain.content), query
        assert response.headers.get("x-total-count") == plain.headers.get("x-total-count")


@pytest.mark.parametrize("path", PATHS)
async def test_all_rest_parameters_without_values_are_ignored(client: Client, path: str) -> None:
    query = "&".join(f"{name}=" for name in PATHS[path])
    assert (await client.get(f"{path}?{query}")).content == (await client.get(path)).content
    assert "Unknown parameters: colour" in (await client.refused(f"{path}?{query}&colour=", 422))["detail"]


async def test_an_omitted_currency_selects_the_oldest_budget(client: Client) -> None:
    assert list(BudgetQuery.model_fields) == ["currency"]
    plain = await client.get(f"/api/budget/{EMA}")
    empty = await client.get(f"/api/budget/{EMA}?currency=")
    assert (empty.status_code, empty.content) == (plain.status_code, plain.content)


@pytest.mark.parametrize(("path", "name"), PARAMETERS)
async def test_a_repeated_rest_parameter_is_refused(client: Client, path: str, name: str) -> None:
    for query in (f"{name}=&{name}=", f"{name}=&{name}=1", f"{name}=1&{name}=1", f"{name}&{name}"):
        body = await client.refused(f"{path}?{query}", 422)
        assert body == {"detail": f"Given more than once: {name}.", "code": "BAD_INPUT"}


@pytest.mark.parametrize(("path", "name"), PARAMETERS)
@pytest.mark.parametrize("blank", ["+", "%20", "%09", "%C2%A0"])
async def test_a_blank_rest_parameter_is_a_value(client: Client, path: str, name: str, blank: str) -> None:
    response = await client.get(f"{path}?{name}={blank}")
    # A text is compared with the blank; a blank number, id or enumeration is refused.
    is_text = name in ("instrument_id", "strategy_name") or (path, name) == ("/api/trading/positions", "strategy_id")
    if not is_text:
        assert (response.status_code, response.json()["detail"].partition(":")[0]) == (422, name)
    elif path == "/api/trading/fills/summary":
        assert response.json()["total_fills"] == 0
    else:
        assert (response.status_code, response.json()) == (200, [])


async def test_the_next_link_keeps_parameters_without_values(client: Client) -> None:
    page = await client.get("/api/trading/orders?strategy_id=&status=&limit=20&offset=")
    link = page.headers["link"].partition(">")[0].lstrip("<")
    assert link == "/api/trading/orders?strategy_id=&status=&limit=20&offset=20"
    assert [*page.json(), *(await client.get(link)).json()] == (await client.get("/api/trading/orders")).json()


@pytest.mark.parametrize(
    ("query", "other"),
    [
        ("strategy_name=100%25_", "strategy_name=100%25%5F"),
        ("strategy_name=100%25_&limit=2", "%6Cimit=2&strategy%5Fname=100%25_"),
        ("limit=2", "limit=2.0"),
        ("limit=2", "limit=002.000"),
        ("status=filled", "status=%46ILLED"),
        (f"strategy_id={EMA}", f"strategy_id={str(EMA).upper()}"),
        (f"strategy_id={EMA}", f"strategy_id={EMA.hex}"),
        (f"strategy_id={EMA}", f"strategy_id=%7B{EMA}%7D"),
        (f"strategy_id={EMA}", f"strategy_id={EMA.urn}"),
    ],
)
async def test_two_spellings_of_a_query_string_have_the_same_response(client: Client, query: str, other: str) -> None:
    paths = ["/api/trading/orders", *(["/api/trading/positions"] if "strategy_id" in query else [])]
    for path in paths:
        first, second = [await client.get(f"{path}?{one}") for one in (query, other)]
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert first.json()


async def test_a_uuid_in_a_path_is_read_in_every_spelling(client: Client) -> None:
    for spelling in (str(EMA).upper(), EMA.hex):
        found = await client.get(f"/api/budget/{spelling}/pnl/realized")
        assert found.content == (await client.get(f"/api/budget/{EMA}/pnl/realized")).content


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html", "application/xml", "", ";;"])
async def test_rest_responds_with_json_for_any_accept_header(client: Client, accept: str) -> None:
    for path in ("/api/trading/orders", "/api/trading/orders/NOPE"):
        response = await client.http.get(path, headers={"Accept": accept})
        assert response.headers["content-type"] == "application/json"


CONNECTIONS = ("strategies", "orders", "fills", "positions", "auditLog")


@pytest.mark.parametrize("field", CONNECTIONS)
async def test_a_null_argument_equals_an_omitted_one_in_graphql(client: Client, field: str) -> None:
    named = {name: value for name, value in NULL_ARGUMENTS.items() if name != "orderBy" or field in ("orders", "fills")}
    nulls = ", ".join(f"{name}: null" for name in named)
    document = f"{{ all: {field} {{ nodes {{ id }} }} null: {field}({nulls}) {{ nodes {{ id }} }} }}"
    found = await client.query(document)
    assert found["all"] == found["null"]
    assert found["all"]["nodes"]


@pytest.mark.parametrize(
    ("field", "filter"),
    [
        ("orders", {"strategyId": None, "strategyName": None, "instrumentId": None, "status": None, "side": None}),
        ("orders", {"strategyId": {"eq": None}, "strategyName": {"contains": None}, "instrumentId": {"eq": None}}),
        ("orders", {"status": {"eq": None, "in": None}, "quantity": {"gte": None}, "tsInit": {"lt": None}}),
        ("fills", {"strategyId": None, "strategyName": None, "instrumentId": {"eq": None}, "side": None}),
        ("positions", {"strategyId": None, "strategyName": {"eq": None}, "instrumentId": None, "status": None}),
    ],
)
async def test_a_null_condition_in_a_graphql_filter_is_ignored(
    client: Client, field: str, filter: dict[str, Any]
) -> None:
    type_ = f"{field[:-1].capitalize()}Filter"
    document = f"query ($filter: {type_}) {{ {field}(filter: $filter) {{ totalCount }} }}"
    assert await client.query(document, filter=filter) == await client.query(document)


async def test_an_empty_text_is_a_value_in_graphql_and_omitted_in_rest(client: Client) -> None:
    document = "query ($filter: OrderFilter) { orders(filter: $filter) { totalCount } }"
    for compared, expected in (
        ({"instrumentId": {"eq": ""}}, 0),
        ({"instrumentId": {"in": [""]}}, 0),
        ({"clientOrderId": {"eq": ""}}, 0),
        ({"strategyName": {"eq": ""}}, 0),
        ({"strategyName": {"contains": ""}}, 31),
        ({"strategyName": {"startsWith": ""}}, 31),
    ):
        found = (await client.query(document, filter=compared))["orders"]["totalCount"]
        assert found == expected, compared
    for name in ("instrument_id", "strategy_name"):
        assert (await rest(client, "/api/trading/orders", **{name: ""}))[1] == 31
    one = '{ strategy(name: "") { name } order(clientOrderId: "") { status } budgets(currency: "") { currency } }'
    assert await client.query(one) == {"strategy": None, "order": None, "budgets": []}


@pytest.mark.parametrize(
    "wrong",
    ['strategyId: {eq: ""}', 'quantity: {eq: ""}', 'tsInit: {gte: ""}', 'status: {eq: ""}', 'side: ""'],
)
async def test_graphql_refuses_an_empty_text_as_id_number_instant_or_enum(client: Client, wrong: str) -> None:
    assert await client.code(f"{{ orders(filter: {{{wrong}}}) {{ totalCount }} }}") == "VALIDATION_FAILED"


async def test_graphql_refuses_an_empty_cursor(client: Client) -> None:
    assert await client.code('{ orders(after: "") { totalCount } }') == "CURSOR_INVALID"
