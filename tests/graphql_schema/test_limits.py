"""Limits: each has its setting and its code, is told before anything is executed, and cheap to enforce."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from graphql import get_introspection_query

from tests.reads.serving import Client, serving

pytestmark = pytest.mark.anyio

DEEP = "{orders{nodes{strategy{orders{nodes{strategy{name}}}}}}}"


# Of Python and C functions: what refusing a document of the greatest permitted size may cost.
CALLS_MAX = 500_000


@contextmanager
def counted_calls() -> Iterator[list[int]]:
    """How many functions this thread calls inside: work that does not depend on how busy the machine is."""
    calls = [0]

    def count(_frame: object, event: str, _argument: object) -> None:
        calls[0] += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)


@asynccontextmanager
async def limited(url: str, **settings: Any) -> AsyncIterator[Client]:
    async with serving(url, **settings) as (_, client):
        yield client


async def codes(client: Client, document: str, **variables: Any) -> list[str]:
    return [error["extensions"]["code"] for error in (await client.graphql(document, **variables)).get("errors", [])]


@pytest.mark.parametrize(
    ("setting", "value", "within", "beyond", "code"),
    [
        ("depth_max", 7, DEEP, DEEP.replace("name", "orders{totalCount}"), "QUERY_TOO_DEEP"),
        ("aliases_max", 2, "{a:summary{b:orders}}", "{a:summary{b:orders c:fills}}", "TOO_MANY_ALIASES"),
        (
            "directives_max",
            2,
            "{summary @skip(if:false){orders @include(if:true)}}",
            "{summary @skip(if:false){orders @include(if:true) fills @skip(if:true)}}",
            "TOO_MANY_DIRECTIVES",
        ),
        ("fields_max", 4, "{summary{orders fills signals}}", "{summary{orders fills signals id}}", "TOO_MANY_FIELDS"),
        ("tokens_max", 10, "{summary{orders fills signals}}", "{summary{orders fills signals}}{a}", "TOO_MANY_TOKENS"),
        ("cost_max", 100, "{orders(first:100){nodes{id}}}", "{orders(first:101){nodes{id}}}", "COST_EXCEEDED"),
        ("page_size_max", 200, "{orders(first:200){nodes{id}}}", "{orders(last:201){nodes{id}}}", "PAGE_TOO_LARGE"),
    ],
)
async def test_each_limit_has_a_setting_and_a_code(
    ledger_url: str, setting: str, value: int, within: str, beyond: str, code: str
) -> None:
    async with limited(ledger_url, **{f"graphql_{setting}": value}) as client:
        assert await codes(client, within) == []
        assert await codes(client, beyond) == [code]
        response = await client.http.post(
            "/graphql", json={"query": beyond}, headers={"accept": "application/graphql-response+json"}
        )
        assert (response.status_code, "data" in response.json()) == (400, False)


async def test_a_cached_cost_is_used_only_for_equal_values_of_equal_type(ledger_url: str) -> None:
    """1 equals True in Python, and is no Boolean: counted for it, the field would cost nothing."""
    document = "query ($all: Boolean!) { orders(first: 101) @include(if: $all) { nodes { id } } summary { orders } }"
    async with limited(ledger_url, graphql_cost_max=100) as client:
        assert await codes(client, document, all=1) == ["VALIDATION_FAILED"]
        assert await codes(client, document, all=True) == ["COST_EXCEEDED"]


async def test_fragments_are_counted_where_they_are_spread(ledger_url: str) -> None:
    fragments = "fragment F on Summary {a:orders b:fills} fragment G on Strategy {orders{nodes{strategy{name}}}}"
    async with limited(ledger_url, graphql_aliases_max=5, graphql_depth_max=8) as client:
        assert await codes(client, "{c:summary{...F} strategies{nodes{...G}}}" + fragments) == []
        assert await codes(client, "{c:summary{...F} d:summary{...F} strategies{nodes{...G}}}" + fragments) == [
            "TOO_MANY_ALIASES"
        ]
        below = "{summary{...F} fills{nodes{order{strategy{...G}}}}}"
        assert await codes(client, below + fragments) == []
        assert await codes(client, below.replace("...G", "orders{nodes{strategy{...G}}}") + fragments) == [
            "QUERY_TOO_DEEP"
        ]


@pytest.mark.parametrize(
    "document",
    [
        "{" + " summary{orders}" * 1300 + "}",
        "{" + " orders{nodes{strategy{orders{nodes{id}}}}}" * 300 + "}",
        "{summary{" + " orders" * 3900 + "}}",
        "{" + "".join(f"a{number}:summary{{orders}}" for number in range(800)) + "}",
        "{" + "".join(f"...F{n} " for n in range(300)) + "}"
        + "".join(f"fragment F{n} on Query{{summary{{orders}}}}" for n in range(300)),
        "{...F0}" + "".join(f"fragment F{n} on Query{{...F{(n + 1) % 300} ...F{(n + 2) % 300}}}" for n in range(300)),
        "{strategies{nodes{...F0}}}"
        + "".join(
            f"fragment F{n} on Strategy{{orders{{nodes{{strategy{{...F{n + 1}}}}}}}"
            f" fills{{nodes{{strategy{{...F{n + 1}}}}}}}}}"
            for n in range(30)
        )
        + "fragment F30 on Strategy{name}",
        "{summary{orders}} fragment Unused on Query{" + " summary{orders}" * 1000 + "}",
        "#\n" * 50_000 + "{summary{orders}}",
        "{a}" * 50_000,
        "{__schema{types" + "{fields{type" * 9 + "{name}" + "}}" * 9 + "}}",
    ],
    ids=lambda document: document[:40],
)  # fmt: skip
async def test_an_oversized_document_is_refused_with_little_work(client: Client, document: str) -> None:
    with counted_calls() as calls:
        found = await codes(client, document)
    assert found
    assert set(found) <= {
        "QUERY_TOO_DEEP", "TOO_MANY_ALIASES", "TOO_MANY_FIELDS", "TOO_MANY_TOKENS", "VALIDATION_FAILED",
    }  # fmt: skip
    assert calls[0] < CALLS_MAX


async def test_the_usual_introspection_is_within_the_limits(client: Client) -> None:
    assert (await client.query(get_introspection_query(input_value_deprecation=True)))["__schema"]["types"]


async def test_introspection_can_be_disabled(ledger_url: str) -> None:
    async with limited(ledger_url, graphql_introspection=False) as client:
        assert set(await codes(client, get_introspection_query())) == {"VALIDATION_FAILED"}
        assert await codes(client, "{__typename}") == []


async def test_suggestions_are_disabled_by_default(ledger_url: str, client: Client) -> None:
    wrong = [
        "{ordres{totalCount}}",
        "{orders(frist:1){totalCount}}",
        "{orders{nodes{sid}}}",
        "{orders(filter:{side:BUYY}){totalCount}}",
    ]
    variable = "query($f:OrderFilter){orders(filter:$f){totalCount}}"
    async with limited(ledger_url, graphql_suggestions=True) as developer:
        for document in wrong:
            assert "Did you mean" not in str(await client.graphql(document))
            assert "Did you mean" in str(await developer.graphql(document))
        assert "Did you mean" not in str(await client.graphql(variable, f={"sides": "BUY"}))
        assert "Did you mean" in str(await developer.graphql(variable, f={"sides": "BUY"}))


@pytest.mark.parametrize("body", ["declared", "streamed"])
async def test_a_body_is_read_only_up_to_its_limit(ledger_url: str, body: str) -> None:
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield b" " * 1024

    async with limited(ledger_url, graphql_query_bytes_max=10 * 1024, graphql_mutation_bytes_max=10 * 1024) as client:
        response = await client.http.post(
            "/graphql",
            content=b" " * 10 * 1025 if body == "declared" else pieces(),
            headers={"content-type": "application/json"},
        )
        assert (response.status_code, response.json()["errors"][0]["extensions"]) == (413, {"code": "BODY_TOO_LARGE"})
        assert read == (0 if body == "declared" else 11)
        assert (await client.http.get("/graphql", params={"query": "{a}" + " " * 10_240})).status_code == 414


async def test_only_a_mutation_may_exceed_the_length_limit_of_queries(ledger_url: str) -> None:
    async with limited(ledger_url, graphql_query_bytes_max=1024, graphql_mutation_bytes_max=4096) as client:
        query, mutation = "{ summary { orders } }", "mutation { authorizeOrders(inputs: []) { __typename } }"
        for document, rest, code in (
            (query, 900, None),
            (query, 1100, "BODY_TOO_LARGE"),
            (query + " " * 1100, 0, "BODY_TOO_LARGE"),
            (mutation, 3900, None),
            (mutation, 4100, "BODY_TOO_LARGE"),
            (mutation + " " * 1100, 0, "BODY_TOO_LARGE"),
        ):
            body = {"query": document, "variables": {"unknown": "x" * rest}}
            response = await client.http.post("/graphql", json=body)
            errors = [error["extensions"]["code"] for error in response.json().get("errors", ())]
            assert (response.status_code, errors) == ((413, [code]) if code else (200, [])), (document, rest)


@pytest.mark.parametrize(
    ("document", "variables", "rows"),
    [
        ("{summary{orders}}", {}, 1),
        ("{__typename __schema{types{name}}}", {}, 0),
        ("{orders{nodes{id}}}", {}, 100),
        ("{orders{totalCount}}", {}, 1),
        ("{orders(first:0){nodes{id}}}", {}, 0),
        ("{orders(first:7){edges{node{id}} nodes{id} pageInfo{endCursor} totalCount}}", {}, 7),
        ("{orders(last:7){nodes{strategy{name}}}}", {}, 14),
        ("{strategies(first:10){nodes{orders(first:20){nodes{fills{nodes{id}}}}}}}", {}, 10 + 200 + 20_000),
        ("{strategies(first:10){nodes{orders{totalCount}} edges{node{orders(first:2){nodes{id}}}}}}", {}, 10 + 10 + 20),
        ("{a:orders(first:3){nodes{id}} b:orders(first:4){nodes{id}}}", {}, 7),
        ("{orders(first:3){nodes{id}} orders(first:3){nodes{side}}}", {}, 3),
        ("{...F ...F orders(first:3){nodes{id}}} fragment F on Query{orders(first:3){nodes{...G}}}"
         "fragment G on Order{fills(first:2){nodes{id}}}", {}, 3 + 6),
        ("query($n:Int){orders(first:$n){nodes{id}}}", {}, 100),
        ("query($n:Int){orders(first:$n){nodes{id}}}", {"n": None}, 100),
        ("query($n:Int){orders(first:$n){nodes{id}}}", {"n": 5}, 5),
        ("query($n:Int=6){orders(first:$n){nodes{id}}}", {}, 6),
        ("query($n:Int=6){orders(first:$n){nodes{id}}}", {"n": 5.0}, 5),
        ("query($y:Boolean!){orders(first:9)@include(if:$y){nodes{id}} fills(first:3)@skip(if:$y){nodes{id}}}",
         {"y": True}, 9),
        ("query($y:Boolean!){orders(first:9)@include(if:$y){nodes{id}} fills(first:3)@skip(if:$y){nodes{id}}}",
         {"y": False}, 3),
        ("query($y:Boolean=false){...@include(if:$y){orders(first:9){nodes{id}}} __typename}", {}, 0),
    ],
)  # fmt: skip
async def test_the_cost_is_the_number_of_requested_rows(
    client: Client, document: str, variables: Any, rows: int
) -> None:
    for _ in range(2):
        answer = await client.graphql(document, **variables)
        assert "errors" not in answer
        assert answer["extensions"]["cost"] == {"requested": rows, "max": 250_000}


async def test_a_refusal_by_cost_shows_the_cost(client: Client) -> None:
    document = "{" + "strategies(first:1000){nodes{orders(first:1000){nodes{fills(first:1000){nodes{id}}}}}}" + "}"
    answer = await client.graphql(document)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["COST_EXCEEDED"]
    assert answer["extensions"]["cost"] == {"requested": 10**9 + 10**6 + 10**3, "max": 250_000}
    levels = 6
    immense = "{orders(first:1000){nodes{strategy{" * 1 + "orders(first:1000){nodes{strategy{" * (levels - 1)
    answer = await client.graphql(immense + "name" + "}}}" * levels + "}")
    assert answer["extensions"]["cost"]["requested"] == 2**53 - 1


async def test_other_errors_show_the_cost(client: Client) -> None:
    answer = await client.graphql("query($u:UUID!){orders(first:3,filter:{strategyId:{eq:$u}}){nodes{id}}}", u="x")
    assert answer["errors"][0]["extensions"]["code"] == "VALIDATION_FAILED"
    assert answer["extensions"]["cost"]["requested"] == 3


async def test_the_number_of_objects_in_variables_is_limited(client: Client) -> None:
    document = "query ($f: OrderFilter) { orders(filter: $f, first: 0) { totalCount } }"
    (refused,) = (await client.graphql(document, f={"or": [{"or": []}] * 1000}))["errors"]
    assert (refused["extensions"]["code"], refused["message"]) == (
        "BAD_REQUEST", "The variables of a query have at most 2000 objects and lists."
    )  # fmt: skip
    # Values are no parts: a list may be long.
    assert await codes(client, document, f={"clientOrderId": {"in": ["O-05"] * 5000}}) == []


async def test_a_long_name_is_shortened_in_the_error(client: Client) -> None:
    response = await client.http.post("/graphql", json={"query": "{" + "a" * 200_000 + "}"})
    assert len(response.content) < 2000
