"""Questions: what is selected is what is answered, whatever form the selection takes."""

from typing import Any

import pytest

from tests.reads.rows import EMA, MAKER
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio


async def test_nested_lists_have_their_own_arguments(client: Client) -> None:
    document = """{ strategies { nodes { name
        orders(first: 2, orderBy: [{field: CLIENT_ORDER_ID, direction: ASC}], filter: {status: {eq: FILLED}}) {
          totalCount nodes { clientOrderId fills(last: 2) { totalCount nodes { tradeId } } } }
        fills(first: 1) { totalCount nodes { order { clientOrderId strategy { name } } } }
        positions { totalCount nodes { status } }
    } } }"""
    maker, ema = (await client.query(document))["strategies"]["nodes"]
    assert ema["orders"] == {
        "totalCount": 2,
        "nodes": [
            {"clientOrderId": "O-13", "fills": {"totalCount": 5, "nodes": [{"tradeId": "T-2"}, {"tradeId": "T-1"}]}},
            {"clientOrderId": "OVERFILLED", "fills": {"totalCount": 0, "nodes": []}},
        ],
    }
    assert ema["fills"]["totalCount"] == 6
    assert ema["fills"]["nodes"] == [{"order": {"clientOrderId": "O-12", "strategy": {"name": "EMACross-000"}}}]
    assert [maker["orders"]["totalCount"], maker["fills"]["totalCount"]] == [0, 1]
    assert [ema["positions"]["totalCount"], maker["positions"]["totalCount"]] == [2, 1]


async def test_a_flip_is_a_fill_of_both_positions(client: Client) -> None:
    document = "{ positions { nodes { positionId status fills { totalCount nodes { tradeId } } } } }"
    found = {
        (one["positionId"], one["status"]): [fill["tradeId"] for fill in one["fills"]["nodes"]]
        for one in (await client.query(document))["positions"]["nodes"]
    }
    # n = 2 was closed by T-7, which opened n = 3 with the rest.
    assert (found["P-1", "CLOSED"], found["P-1", "OPEN"], found["P-2", "OPEN"]) == (["T-7"], ["T-7"], [])


async def test_an_order_shows_whether_it_is_overfilled_and_authorized(client: Client) -> None:
    document = """{ orders(filter: {clientOrderId: {in: ["OVERFILLED", "SHARED"]}}) {
        nodes { clientOrderId overfilled authorizationStatus } } }"""
    found = [tuple(one.values()) for one in (await client.query(document))["orders"]["nodes"]]
    assert sorted(found, key=str) == [
        ("OVERFILLED", True, None),
        ("SHARED", False, "GRANTED"),
        ("SHARED", False, "OVERRULED"),
    ]


async def test_aliases_fragments_directives_and_typename_are_supported(client: Client) -> None:
    document = """
    query ($yes: Boolean!, $no: Boolean!) {
      first: orders(first: 1) { __typename nodes { ...Ids ... on Order { q: quantity quantity } ... on Node { id } } }
      second: orders(first: 1) { edges { __typename node { side @include(if: $no) status @skip(if: $no) } } }
      third: orders @skip(if: $yes) { totalCount }
    }
    fragment Ids on Order { __typename strategy { __typename name } strategy { traderId } }
    """
    answer = await client.query(document, yes=True, no=False)
    (node,) = answer["first"]["nodes"]
    assert list(node) == ["__typename", "strategy", "q", "quantity", "id"]
    assert node["strategy"] == {"__typename": "Strategy", "name": "100%_Maker-001", "traderId": "TRADER-001"}
    assert answer["first"]["__typename"] == "OrderConnection"
    assert answer["second"] == {"edges": [{"__typename": "OrderEdge", "node": {"status": "ACCEPTED"}}]}
    assert list(answer) == ["first", "second"]


async def test_a_document_runs_with_different_variables(client: Client) -> None:
    orders = "orders(first: 1, filter: $f) { totalCount nodes { id @include(if: $n) side } }"
    document = f"query ($n: Boolean!, $f: OrderFilter) {{ {orders} }}"
    for name, total in (("EMA", 17), ("Maker", 14)):
        for included in (True, False):
            found = (await client.query(document, n=included, f={"strategyName": {"contains": name}}))["orders"]
            assert (found["totalCount"], list(found["nodes"][0])) == (total, ["id", "side"] if included else ["side"])


async def test_an_alias_may_be_longer_than_an_identifier_of_postgresql(client: Client) -> None:
    long = "a" * 200
    (node,) = (await client.query(f"{{ orders(first: 1) {{ nodes {{ {long}: side {long}b: status }} }} }}"))["orders"][
        "nodes"
    ]
    assert node == {long: "BUY", f"{long}b": "ACCEPTED"}


async def test_ids_are_unique(client: Client) -> None:
    lists = ("orders", "fills", "positions", "strategies")
    document = f"{{ {' '.join(f'{name}(first: 1000) {{ nodes {{ id }} }}' for name in lists)} }}"
    answer = await client.query(document)
    ids = [node["id"] for name in lists for node in answer[name]["nodes"]]
    assert len(set(ids)) == len(ids) == 31 + 7 + 3 + 2


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"side": "SELL"}, 7),
        ({"side": None, "status": None, "and": None, "or": None, "not": None}, 31),
        ({"status": {"in": ["FILLED", "DENIED"]}}, 3),
        ({"status": {"in": []}}, 0),
        ({"not": {"status": {"in": ["FILLED", "DENIED"]}}}, 28),
        ({"or": [{"side": "SELL"}, {"strategyId": {"eq": str(MAKER)}}]}, 21),
        ({"or": []}, 0),
        ({"and": []}, 31),
        ({"and": [{"side": "SELL"}, {"strategyId": {"in": [str(MAKER)]}}]}, 0),
        ({"authorizationStatus": {"eq": "OVERRULED"}}, 1),
        ({"authorizationStatus": {"in": ["GRANTED", "OVERRULED", "DENIED"]}}, 2),
        ({"not": {"authorizationStatus": {"eq": "GRANTED"}}}, 30),
        ({"clientOrderId": {"startsWith": "TIE"}}, 3),
        ({"clientOrderId": {"startsWith": "tie"}}, 0),
        ({"clientOrderId": {"contains": "tie"}}, 3),
        ({"clientOrderId": {"in": ["TIE-a", "O-00", "nope"]}}, 2),
        ({"clientOrderId": {"contains": "%"}}, 2),
        ({"strategyName": {"eq": "EMACross-000"}}, 17),
        ({"type": "LIMIT", "quantity": {"gt": "0.1", "lte": "0.6"}}, 29),
        ({"quantity": {"eq": 1}}, 1),
        ({"quantity": {"eq": "0.10000"}}, 1),
        ({"tsInit": {"gt": "2022-01-01T00:00:21Z", "lt": "2022-01-01T00:00:40.000000000Z"}}, 5),
        ({"tsInit": {"gte": "2022-01-01T01:00:21+01:00", "lte": "2022-01-01T00:00:21Z"}}, 1),
        ({"tsLast": {"lt": "2022-01-01T00:00:00.000000008Z"}}, 1),
        ({"tsLast": {"lt": "2022-01-01T00:00:00.000000007Z"}}, 0),
    ],
)
async def test_filters_can_be_combined(client: Client, filter: dict[str, Any], expected: int) -> None:
    document = "query ($f: OrderFilter) { orders(filter: $f, first: 1000) { totalCount nodes { id } } }"
    found = (await client.query(document, f=filter))["orders"]
    assert (found["totalCount"], len(found["nodes"])) == (expected, expected)


@pytest.mark.parametrize(
    "value", ["1.5.0", "NaN", "Infinity", "1e999999", "", " 1", "١", "0x1", "1_0", True, 1.5, "9" * 300, 10**300, {}]
)
async def test_an_invalid_decimal_is_refused(client: Client, value: Any) -> None:
    document = "query ($d: Decimal) { orders(filter: {quantity: {eq: $d}}) { totalCount } }"
    assert await client.code(document, d=value) == "VALIDATION_FAILED"


@pytest.mark.parametrize("literal", ["1.5", '"NaN"', "1e5", "true", "{}"])
async def test_a_decimal_literal_in_another_type_is_refused(client: Client, literal: str) -> None:
    assert (
        await client.code(f"{{ orders(filter: {{quantity: {{eq: {literal}}}}}) {{ totalCount }} }}")
        == "VALIDATION_FAILED"
    )


@pytest.mark.parametrize(
    "value",
    [
        "2022-01-01",
        "2022-13-01T00:00:00Z",
        "2022-01-01T00:00:00",
        "3000-01-01T00:00:00Z",
        0,
        "",
        "0001-01-01T00:00:00+23:59",
        "2022-01-01T00:00:00+25:00",
    ],
)
async def test_an_instant_that_is_not_rfc_3339_is_refused(client: Client, value: Any) -> None:
    document = "query ($t: DateTime) { orders(filter: {tsInit: {gte: $t}}) { totalCount } }"
    assert await client.code(document, t=value) == "VALIDATION_FAILED"


@pytest.mark.parametrize("value", ["", "x", 5, f"{EMA}0"])
async def test_a_malformed_uuid_is_refused(client: Client, value: Any) -> None:
    document = "query ($u: UUID) { orders(filter: {strategyId: {eq: $u}}) { totalCount } }"
    assert await client.code(document, u=value) == "VALIDATION_FAILED"


@pytest.mark.parametrize("part", [{"side": "BUY"}, {}, {"and": [], "not": {}}], ids=str)
async def test_the_number_of_conditions_in_a_filter_is_limited(client: Client, part: dict[str, Any]) -> None:
    document = "query ($f: OrderFilter) { orders(filter: $f) { totalCount } }"
    assert "errors" not in await client.graphql(document, f={"or": [part] * 190})
    assert await client.code(document, f={"or": [part] * 400}) == "BAD_REQUEST"


async def test_a_syntax_error_has_a_code(client: Client) -> None:
    assert await client.code("{") == "BAD_REQUEST"


async def test_no_alias_collides_with_a_name_in_the_statement(client: Client) -> None:
    parts = [f"{letter}{n}" for letter in "rtjlc" for n in range(1, 25)]
    plain = await client.query(
        "{ summary { orders } orders(first: 1) { nodes { clientOrderId fills { nodes { tradeId } } } } }"
    )
    for part in parts:
        data = await client.query(
            f"{{ summary {{ {part}: orders }} orders(first: 1) {{ nodes {{ {part}: clientOrderId "
            f"fills {{ nodes {{ {part}: tradeId }} }} }} }} }}"
        )
        assert data["summary"] == {part: plain["summary"]["orders"]}
        assert data["orders"]["nodes"][0][part] == plain["orders"]["nodes"][0]["clientOrderId"]
