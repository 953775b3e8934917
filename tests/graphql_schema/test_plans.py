"""Plans: a question asked before is answered without planning, with the same bytes and the same errors."""

from base64 import b64encode
from itertools import cycle, islice
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult

from app.database import Database
from app.errors import BadInputError
from app.principal import LOCAL
from app.reads import Answer, Grouping, ReadQuery
from app.reads.filters import fields_of
from app.resolvers import Context, fills, orders
from graphql_schema.caller import Caller
from graphql_schema.plans import Plans, answering, documents
from graphql_schema.schema import schema
from tests.reads.rows import EMA, MAKER

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
EQUITIES: list[dict[str, Any]] = [
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
    ("{ __schema { queryType { name } } summary { fills } }", [{}]),
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
    (EQUITY, EQUITIES),
    (SUMS, [{"f": {"tsEvent": {"gte": span.get("from"), "lt": span.get("to")}}} for span in SPANS]),
]
LEFT: list[tuple[str, dict[str, Any]]] = [
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
    (SPAN, {"from": NEXT, "to": MORNING}),
    (SPAN, {"from": NEXT, "to": NOON}),
    (EQUITY, {"f": {"from": NEXT, "to": NOON}}),
    (EQUITY, {"z": "Europe/Atlantis"}),
    (EQUITY, {"n": 1}),
    *((NODE, {"id": id}) for id in ("", "none", node_id("Order:1"), node_id("Nothing:1"), 5, None)),
]


async def executed(document: str, variables: dict[str, Any], caller: Caller) -> Any:
    """The answer of ordinary execution: data as bytes, errors."""
    result = await schema.execute(document, variables, caller)
    return orjson.dumps(result.data), [error.formatted for error in result.errors or []]


async def planned(plans: Plans, document: str, variables: dict[str, Any], caller: Caller) -> Any:
    answer = await plans.answer(document, None, variables, caller)
    if isinstance(answer, ExecutionResult):
        return orjson.dumps(answer.data), [error.formatted for error in answer.errors or []]
    return None if answer is None else (answer, [])


@pytest.mark.parametrize(("document", "variables"), PLANNED, ids=[document[:40] for document, _ in PLANNED])
async def test_an_answer_by_plan_has_the_same_bytes(
    ledger_database: Database, document: str, variables: list[dict[str, Any]]
) -> None:
    caller, plans = Caller(Context(ledger_database), LOCAL), Plans(schema._schema)
    expected = [await executed(document, given, caller) for given in variables]
    # Each twice, in two orders: by a plan made for it, by one made for another, by one kept.
    for given, known in [*zip(variables, expected, strict=True), *zip(variables[::-1], expected[::-1], strict=True)]:
        assert await planned(plans, document, given, caller) == known, given


@pytest.mark.parametrize(("document", "variables"), LEFT)
async def test_a_mistake_has_the_same_errors(
    ledger_database: Database, document: str, variables: dict[str, Any]
) -> None:
    caller, plans = Caller(Context(ledger_database), LOCAL), Plans(schema._schema)
    goods = {"id": node_id(f"Order:{EMA}:O-05"), "from": MORNING, "to": NEXT}
    for good in ({}, {"f": {"clientOrderId": {"eq": "a"}}}, {"first": 1, "after": cursor(NOW)}, goods):
        await plans.answer(document, None, good, caller)
    answer = await planned(plans, document, variables, caller)
    if answer is not None:
        assert answer == await executed(document, variables, caller)


async def test_what_is_known_is_neither_parsed_nor_planned_again(
    ledger_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, plans = Caller(Context(ledger_database), LOCAL), Plans(schema._schema)
    for name in ("O-05", "O-06"):
        assert await plans.answer(FILTER, None, {"f": {"clientOrderId": {"eq": name}}}, caller)
        monkeypatch.setattr(documents, "parse", None)
        monkeypatch.setattr(documents, "validate_document", None)
        monkeypatch.setattr(answering, "plan_operation", None)


async def test_totals_by_day_answer_variables_that_are_midnights(
    ledger_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wants: list[ReadQuery] = []

    async def note(_: Any, __: Any, want: ReadQuery, ___: Any) -> Answer:
        wants.append(want)
        return Answer(b"null", None)

    monkeypatch.setattr(fills, "sum_up_fills", note)
    caller, plans = Caller(Context(ledger_database), LOCAL), Plans(schema._schema)
    for instant in (MORNING, NOON, NEXT):
        assert await plans.answer(SUMS, None, {"f": {"tsEvent": {"gte": instant}}}, caller)
    asked = [want.arguments.where for want in wants if isinstance(want.arguments, Grouping)]
    assert [fields_of(where) for where in asked] == [{"ts_event_midnight"}, {"ts_event"}, {"ts_event_midnight"}]


async def test_a_failing_statement_is_asked_once(ledger_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    async def refuse(*_: Any) -> None:
        nonlocal asked
        asked += 1
        raise BadInputError("no")

    document = "{ summary { orders } a: orders(first: 1) { totalCount } b: orders(first: 2) { totalCount } }"
    caller, plans = Caller(Context(ledger_database), LOCAL), Plans(schema._schema)
    monkeypatch.setattr(orders, "list_orders", refuse)
    expected = await executed(document, {}, caller)
    asked = 0
    assert await planned(plans, document, {}, caller) == expected
    assert asked == 2
    assert expected[0] == b"null"


async def test_no_plan_is_kept_for_what_would_take_much_room(ledger_database: Database) -> None:
    caller, plans = Caller(Context(ledger_database), LOCAL), Plans(schema._schema)
    for part in ({"status": {"in": ["FILLED"] * 3000}}, {"or": [{}] * 3000}):
        assert await plans.answer(FILTER, None, {"f": part}, caller) is None
    (operation,) = plans._operations._kept.values()
    assert operation is not None
    assert not operation.plans


async def test_plans_and_documents_are_bounded(ledger_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "PLANS_MAX", 3)
    monkeypatch.setattr(documents, "LENGTH_TOTAL_MAX", 4 * len(FILTER))
    caller, plans = Caller(Context(ledger_database), LOCAL), Plans(schema._schema)
    for size, spaces in zip(range(1, 9), islice(cycle([0, 1, 2, 3, 4, 5]), 8), strict=True):
        for document in (FILTER, FILTER + " " * spaces):
            assert await plans.answer(document, None, {"n": size}, caller)
    operations = plans._operations._kept
    assert sum(len(text) for text, _ in operations) <= 4 * len(FILTER)
    assert max(len(operation.plans) for operation in operations.values() if operation) <= 3
    monkeypatch.setattr(documents, "OPERATIONS_MAX", 2)
    assert await plans.answer("{ summary { orders } }", None, {}, caller)
    assert len(operations) == 2
