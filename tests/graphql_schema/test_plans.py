"""Operation plans: a query is compiled once, and a planned response has equal bytes and errors."""

from base64 import b64encode
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from graphql import ExecutionResult

from app.database import Database
from app.errors import BadInputError
from app.principal import LOCAL
from app.reads.catalogue.fill import FILL_SUMMARY
from app.reads.catalogue.trading import ORDER
from app.reads.compiled import Answer
from app.reads.filters import fields_of
from app.reads.query import Grouping, ReadQuery
from app.resolvers import Context
from graphql_schema import (
    operation_plans,
    schema,
)
from graphql_schema.caller import Caller
from graphql_schema.errors import RequestRefused
from graphql_schema.execution.executor import build_executor, run
from graphql_schema.execution.root_fields import ROOT_FIELDS, RootRead
from graphql_schema.http import documents as http_documents
from graphql_schema.http.documents import Documents
from tests.graphql_schema.endpoint_documents import new_documents, operation_in
from tests.reads.rows import EMA, MAKER
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

NODES = "nodes { id side }"
FILTER = f"query ($f: OrderFilter, $n: Int) {{ orders(filter: $f, first: $n) {{ totalCount {NODES} }} }}"
PAGE = """query ($by: [OrderSort!], $first: Int, $after: String, $last: Int, $before: String) {
  orders(orderBy: $by, first: $first, after: $after, last: $last, before: $before) {
    nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


def cursor(place: str, by: str = "-ts_init,-client_order_id,-strategy_id") -> str:
    return b64encode(orjson.dumps([f"Order {by}", place, "O-05", str(EMA)])).decode()


def node_id(named: str) -> str:
    return b64encode(named.encode()).decode()


NOW = "1640995215000000000"
NODE = "query ($id: ID!) { node(id: $id) { id __typename ... on Order { clientOrderId } ... on Strategy { name } } }"
SPAN = """query ($from: DateTime, $to: DateTime, $c: String) { strategy(name: "EMACross-000") {
  performance(from: $from, currency: $c, to: $to) { netPnl trades equity { ts } }
  fills(filter: {tsEvent: {gte: $from, lt: $to}}) { totalCount } } }"""
EQUITY = """query ($f: PerformanceFilter, $by: [PerformanceGroup!], $g: Granularity! = DAY, $z: TimeZone, $n: Int) {
  performance(filter: $f, groupBy: $by, granularity: $g, timeZone: $z, points: $n) { currency strategyName netPnl trades
    sharpeRatio maxDrawdown equityCount equity { ts netPnl drawdown } } }"""
EQUITY_VARIABLES: list[dict[str, Any]] = [
    {},
    {"z": "UTC"},
    {"z": "Europe/Berlin"},
    {"z": "Asia/Kolkata", "g": "HOUR"},
    {"g": "FILL", "n": 2},
    {"g": "FILL", "n": 3, "by": ["STRATEGY"]},
    {"by": ["STRATEGY", "INSTRUMENT"], "f": {"strategyId": {"in": [str(EMA)]}}},
    {"f": {"strategyId": {"in": [str(MAKER)]}}},
    {"f": {"currency": {"eq": "USDT"}, "from": "2022-01-01T00:00:00Z", "to": "2022-01-02T00:00:00Z"}},
    {"f": {"currency": {"eq": "USDC"}, "from": "2022-01-01T00:00:01Z", "to": "2022-01-02T00:00:00Z"}},
]
SUMS = """query ($f: FillFilter) {
  fillsSummary(filter: $f, groupBy: [DAY, SIDE]) { totalFills firstTs groups { day fills } } }"""
MORNING, NOON, NEXT = (f"2022-01-{time}Z" for time in ("01T00:00:00", "01T00:00:12.000000001", "02T00:00:00"))
SPANS: list[dict[str, Any]] = [
    {},
    {"from": MORNING, "to": NEXT},
    {"from": MORNING, "to": MORNING},
    {"from": MORNING, "to": NOON},
    {"from": NOON, "to": NEXT},
    {"from": NOON},
    {"to": NEXT, "c": "USDT"},
]
FILTERS: list[dict[str, Any] | None] = [
    None,
    {},
    {"side": "SELL"},
    {"side": "BUY"},
    {"side": None, "clientOrderId": None},
    {"clientOrderId": {"eq": "O-05"}},
    {"clientOrderId": {"eq": "O-06"}},
    {"clientOrderId": {"in": ["O-05", "O-06"]}},
    {"clientOrderId": {"in": []}},
    {"clientOrderId": {"in": "O-07"}},
    {"clientOrderId": {"startsWith": "TIE", "contains": "a"}},
    {"clientOrderId": {"contains": "a", "startsWith": "TIE"}},
    {"status": {"in": ["FILLED", "DENIED"]}},
    {"status": {"in": ["DENIED"]}},
    {"status": {"in": []}},
    {"strategyId": {"in": [str(EMA), str(MAKER)]}, "type": "LIMIT"},
    {"strategyName": {"contains": "maker"}},
    {"quantity": {"gt": "0.1", "lte": 1}},
    {"quantity": {"gt": "0.2", "lte": "0.6"}},
    {"tsInit": {"gt": "2022-01-01T00:00:21Z"}},
    {"or": [{"side": "SELL"}, {"strategyId": {"eq": str(MAKER)}}]},
    {"or": [{"strategyId": {"eq": str(MAKER)}}, {"side": "SELL"}]},
    {"or": [{"not": {"and": [{"clientOrderId": {"eq": "O-05"}}]}}]},
    {"or": []},
]
WRONG_FILTERS: list[Any] = [
    {"side": "UP"},
    {"nope": 1},
    {"quantity": {"gt": 1.5}},
    {"quantity": {"gt": "NaN"}},
    {"strategyId": {"eq": "x"}},
    {"clientOrderId": {"eq": 5}},
    {"clientOrderId": {"eq": "a\x00"}},
    {"clientOrderId": {"eq": "\ud800"}},
    {"tsInit": {"gt": "yesterday"}},
    {"clientOrderId": {"in": [None]}},
    5,
    [],
]
PLANNED: list[tuple[str, list[dict[str, Any]]]] = [
    (f"{{ orders(first: 2) {{ {NODES} }} }}", [{}]),
    ("{ summary { orders } }", [{}, {"unknown": 1}]),
    ("{ __typename a: summary { orders } b: summary { __typename fills } orders { totalCount } }", [{}]),
    (FILTER, [{"f": filter, "n": size} for filter in FILTERS for size in (1, 40)]),
    (
        "query ($f: OrderFilter, $n: Int) { orders(filter: $f, first: $n) { totalCount } }",
        [{"f": {"side": "BUY"}}, {"n": None}, {}],
    ),
    (
        PAGE,
        [
            {},
            {"first": 4},
            {"first": 4, "after": cursor(NOW)},
            {"first": 4, "after": cursor("1640995210000000000")},
            {"last": 4, "before": cursor(NOW), "after": None},
            {"first": 3, "after": cursor(NOW), "before": cursor("1640995205000000000")},
            {"by": [{"field": "TS_INIT", "direction": "ASC"}]},
            {"by": {"field": "TS_INIT", "direction": "DESC"}, "after": cursor(NOW)},
        ],
    ),
    (
        f"query ($yes: Boolean!, $c: String) {{ orders(first: 3, after: $c) {{ {NODES} "
        "... @include(if: $yes) { totalCount } pageInfo @skip(if: $yes) { endCursor } } }",
        [{"yes": True}, {"yes": False}, {"yes": True, "c": cursor(NOW)}, {"yes": False, "c": cursor(NOW)}],
    ),
    (
        """query ($id: String = "O-05", $n: Int! = 2, $q: Decimal) { orders(first: $n, filter: {or: [
           {clientOrderId: {eq: $id}}, {quantity: {gte: $q}}, {clientOrderId: {in: ["O-1"]}}]}) { nodes { id } } }""",
        [{}, {"id": "O-06"}, {"id": "O-06", "n": 5}, {"q": "0.6"}, {"q": 1, "n": 7}, {"id": None}],
    ),
    (
        """query ($a: String!, $b: String!) {
           orders(filter: {clientOrderId: {in: [$a, "TIE-a", $b]}}) { nodes { clientOrderId } } }""",
        [{"a": "O-05", "b": "O-05"}, {"a": "O-05", "b": "O-06"}, {"a": "O-06", "b": "O-05"}],
    ),
    (
        """query ($n: Int!, $c: String, $s: StringFilter) { strategies(filter: {name: $s}) { nodes { name
           orders(first: $n, filter: {clientOrderId: {startsWith: $c}}) { nodes { ...O } } } } }
           fragment O on Order { __typename id fills(first: $n) { nodes { tradeId } } }""",
        [{"n": 1}, {"n": 2, "c": "O"}, {"n": 2, "c": "T"}, {"n": 1, "c": "T", "s": {"contains": "EMA"}}],
    ),
    ("query A { summary { orders } }", [{}]),
    (NODE, [{"id": node_id(f"Order:{EMA}:{order}")} for order in ("O-05", "O-06", "none")]),
    (NODE, [{"id": node_id(f"{entity}:{EMA}{rest}")} for entity, rest in (("Strategy", ""), ("Order", ":O-05"))]),
    (SPAN, SPANS),
    (SPAN.replace("from: $from, currency", f'from: "{MORNING}", currency'), SPANS),
    (EQUITY, EQUITY_VARIABLES),
    (SUMS, [{"f": {"tsEvent": {"gte": span.get("from"), "lt": span.get("to")}}} for span in SPANS]),
]
UNPLANNED: list[tuple[str, dict[str, Any]]] = [
    *((FILTER, {"f": filter}) for filter in WRONG_FILTERS),
    (FILTER, {"n": 5000}),
    (FILTER, {"n": -1}),
    (FILTER, {"n": "1"}),
    (PAGE, {"first": 1, "last": 1}),
    (PAGE, {"first": 1, "after": "no cursor"}),
    (PAGE, {"first": 1, "after": cursor(NOW, "+ts_init,+client_order_id,+strategy_id")}),
    (PAGE, {"by": [{"direction": "ASC"}]}),
    ("query ($n: Int!) { orders(first: $n) { totalCount } }", {}),
    ("{ nope }", {}),
    ("{", {}),
    ("query A { summary { orders } } query B { summary { fills } }", {}),
    ("{ __typename }", {}),
    ("{ __schema { queryType { name } } summary { fills } }", {}),
    (SPAN, {"from": NEXT, "to": MORNING}),
    (SPAN, {"from": NEXT, "to": NOON}),
    (EQUITY, {"f": {"from": NEXT, "to": NOON}}),
    (EQUITY, {"z": "Europe/Atlantis"}),
    (EQUITY, {"n": 1}),
    *((NODE, {"id": id}) for id in ("", "none", node_id("Order:1"), node_id("Nothing:1"), 5, None)),
]


async def execute(document: str, variables: dict[str, Any], caller: Caller) -> Any:
    """The result of ordinary execution: data as bytes, errors."""
    try:
        node = new_documents().find(document).node
        result = await run(build_executor(schema._schema, node, None, variables, caller, hide_suggestions=True))
    except RequestRefused as refused:
        return None, [error.formatted for error in refused.errors]
    return orjson.dumps(result.data), [error.formatted for error in result.errors or []]


async def answer_by_plan(
    documents: Documents, document: str, variables: dict[str, Any], caller: Caller
) -> bytes | ExecutionResult | None:
    """The result of the plan; None if ordinary execution must answer."""
    operation = operation_in(documents, document)
    plans = None if operation is None else operation.plans
    return None if plans is None else await plans.answer(variables, caller)


async def execute_by_plan(documents: Documents, document: str, variables: dict[str, Any], caller: Caller) -> Any:
    answer = await answer_by_plan(documents, document, variables, caller)
    if isinstance(answer, ExecutionResult):
        return orjson.dumps(answer.data), [error.formatted for error in answer.errors or []]
    return None if answer is None else (answer, [])


@pytest.mark.parametrize(("document", "variables"), PLANNED, ids=[document[:40] for document, _ in PLANNED])
async def test_a_planned_response_has_equal_bytes(
    ledger_database: Database, document: str, variables: list[dict[str, Any]]
) -> None:
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    expected = [await execute(document, given, caller) for given in variables]
    # Each twice, in two orders: by a plan made for it, by one made for another request, by a stored one.
    for given, known in [*zip(variables, expected, strict=True), *zip(variables[::-1], expected[::-1], strict=True)]:
        assert await execute_by_plan(documents, document, given, caller) == known, given


@pytest.mark.parametrize(("document", "variables"), UNPLANNED)
async def test_an_invalid_request_has_equal_errors(
    ledger_database: Database, document: str, variables: dict[str, Any]
) -> None:
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    goods = {"id": node_id(f"Order:{EMA}:O-05"), "from": MORNING, "to": NEXT}
    for good in ({}, {"f": {"clientOrderId": {"eq": "a"}}}, {"first": 1, "after": cursor(NOW)}, goods):
        await answer_by_plan(documents, document, good, caller)
    answer = await execute_by_plan(documents, document, variables, caller)
    if answer is not None:
        assert answer == await execute(document, variables, caller)


async def test_a_second_request_is_neither_parsed_nor_compiled(
    ledger_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    for name in ("O-05", "O-06"):
        assert await answer_by_plan(documents, FILTER, {"f": {"clientOrderId": {"eq": name}}}, caller)
        monkeypatch.setattr(http_documents, "parse", None)
        monkeypatch.setattr(http_documents, "validate", None)
        monkeypatch.setattr(operation_plans, "OperationPlan", None)


ORDERS_OF = "query ($s: [OrderStatus!]) { orders(filter: {status: {in: $s}}) { nodes { id } } }"
# For each document: requests that share a plan are in one list.
CONSTRAINTS: list[tuple[str, list[list[dict[str, Any]]]]] = [
    (FILTER, [[{"f": {"clientOrderId": {"eq": one}}} for one in ("O-05", "O-06")], [{}], [{"f": None}], [{"f": {}}]]),
    (FILTER, [[{"f": {"quantity": {"gt": one}}} for one in ("0.1", 1)], [{"f": {"quantity": {"gt": None}}}]]),
    (FILTER, [[{"f": {"clientOrderId": {"in": ids}}} for ids in (["O-05"], ["O-05", "O-06"], [])]]),
    (FILTER, [[{"f": {"or": [{"side": "BUY"}] * parts}}] for parts in (0, 1, 2)]),
    (FILTER, [[{"n": 1}], [{"n": 2}], [{"n": None}], [{}]]),
    (ORDERS_OF, [[{"s": ["FILLED"]}], [{"s": ["DENIED"]}], [{"s": []}], [{}]]),
    (PAGE, [[{"first": 1, "after": cursor(place)} for place in (NOW, "1640995210000000000")], [{"first": 1}]]),
    (PAGE, [[{"by": [{"field": "TS_INIT", "direction": one}]}] for one in ("ASC", "DESC")]),
    (
        "query ($yes: Boolean!) { orders(first: 1) { totalCount @include(if: $yes) nodes { id } } }",
        [[{"yes": True}], [{"yes": False}]],
    ),
    (
        NODE,
        [
            [{"id": node_id(f"Order:{EMA}:{order}")} for order in ("O-05", "O-06")],
            [{"id": node_id(f"Strategy:{strategy}")} for strategy in (EMA, MAKER)],
        ],
    ),
    (
        SUMS,
        [
            [{"f": {"tsEvent": {"gte": MORNING}}}, {"f": {"tsEvent": {"gte": NEXT}}}],
            [{"f": {"tsEvent": {"gte": NOON}}}],
        ],
    ),
    (EQUITY, [[{"z": "UTC"}, {"z": "Etc/UTC"}], [{"z": "Europe/Berlin"}, {"z": "Asia/Kolkata"}], [{}]]),
    (EQUITY, [[{"g": "FILL", "n": 2}], [{"g": "FILL", "n": 3}], [{"g": "HOUR", "n": 2}]]),
]


@pytest.mark.parametrize(("document", "groups"), CONSTRAINTS)
async def test_requests_with_equal_constraints_share_a_plan(
    ledger_database: Database, document: str, groups: list[list[dict[str, Any]]]
) -> None:
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    for number, group in enumerate(groups, 1):
        for variables in group:
            expected = await execute(document, variables, caller)
            assert await execute_by_plan(documents, document, variables, caller) == expected
            plans = documents.find(document).operation(None).plans
            assert plans is not None
            assert len(plans._plans) == number, variables


async def test_variables_at_midnight_use_daily_totals(
    ledger_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries: list[ReadQuery] = []

    async def note(_: Any, __: Any, query: ReadQuery, *___: Any) -> Answer:
        queries.append(query)
        return Answer(b"null", None)

    monkeypatch.setitem(ROOT_FIELDS, "fillsSummary", lambda _: RootRead(FILL_SUMMARY, note))
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    for instant in (MORNING, NOON, NEXT):
        assert await answer_by_plan(documents, SUMS, {"f": {"tsEvent": {"gte": instant}}}, caller)
    filters = [query.arguments.where for query in queries if isinstance(query.arguments, Grouping)]
    assert [fields_of(where) for where in filters] == [{"ts_event_midnight"}, {"ts_event"}, {"ts_event_midnight"}]


async def test_a_failing_statement_runs_once(ledger_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0

    async def refuse(*_: Any) -> Answer:
        nonlocal runs
        runs += 1
        raise BadInputError("no")

    document = "{ summary { orders } a: orders(first: 1) { totalCount } b: orders(first: 2) { totalCount } }"
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    monkeypatch.setitem(ROOT_FIELDS, "orders", lambda _: RootRead(ORDER, refuse))
    expected = await execute(document, {}, caller)
    runs = 0
    assert await execute_by_plan(documents, document, {}, caller) == expected
    assert runs == 2
    assert expected[0] == b"null"


async def test_a_query_with_the_feed_cursor_has_a_plan(own: tuple[FastAPI, Client]) -> None:
    app, _ = own
    caller, documents = Caller(app.state.context, LOCAL), new_documents()
    document = "{ orders { totalCount } feedCursor summary { fills } }"
    answer = await answer_by_plan(documents, document, {}, caller)
    assert isinstance(answer, bytes)
    assert list(orjson.loads(answer)) == ["orders", "feedCursor", "summary"]
    assert (answer, []) == await execute(document, {}, caller)


async def test_without_a_feed_its_cursor_has_the_same_error(ledger_database: Database) -> None:
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    document = "{ summary { fills } feedCursor }"
    expected = await execute(document, {}, caller)
    assert [error["extensions"]["code"] for error in expected[1]] == ["BUSY"]
    assert await execute_by_plan(documents, document, {}, caller) == expected


async def test_a_failed_nullable_field_is_null_and_the_others_are_complete(ledger_database: Database) -> None:
    document = """query ($a: String!, $b: String!) { a: order(clientOrderId: $a) { id } __typename
      b: order(clientOrderId: $b) { id } c: strategies { totalCount } }"""
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    for a, b in (("O-05", "TIE-a"), ("O-05", "\x00"), ("\x00", "O-05"), ("\x00", "\x00")):
        expected = await execute(document, {"a": a, "b": b}, caller)
        assert await execute_by_plan(documents, document, {"a": a, "b": b}, caller) == expected
        assert len(expected[1]) == [a, b].count("\x00")
        assert b'"c":{"totalCount":' in expected[0]


async def test_no_plan_is_kept_for_large_variables(ledger_database: Database) -> None:
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    for part in ({"status": {"in": ["FILLED"] * 3000}}, {"or": [{}] * 3000}):
        assert await answer_by_plan(documents, FILTER, {"f": part}, caller) is None
    plans = documents.find(FILTER).operation(None).plans
    assert plans is not None
    assert not plans._plans


async def test_the_number_of_plans_is_limited(ledger_database: Database) -> None:
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    document = "query A($n: Int) { orders(first: $n) { totalCount } }"
    several = f"{document} {document.replace('A(', 'B(')}"
    for size in range(1, http_documents.PLANS_MAX + 10):
        assert await answer_by_plan(documents, document, {"n": size}, caller)
        for operation in documents.find(several).operations.values():
            assert operation.plans
            assert await operation.plans.answer({"n": size}, caller)
    kept = [operation.plans for operation in documents.find(several).operations.values()]
    assert [len(plans._plans) for plans in kept if plans] == [http_documents.PLANS_MAX // 2] * 2
    (one,) = documents.find(document).operations.values()
    assert one.plans is not None
    assert len(one.plans._plans) == http_documents.PLANS_MAX


async def test_a_long_document_has_no_plan(ledger_database: Database) -> None:
    caller, documents = Caller(Context(ledger_database), LOCAL), new_documents()
    document = "{ summary { orders } }" + " " * http_documents.COMPILED_CHARACTERS_MAX
    assert await answer_by_plan(documents, document, {}, caller) is None
    assert (await execute(document, {}, caller))[1] == []
