"""Fast mutations compared with ordinary execution: equal commands, responses and errors, byte for byte."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from graphql import ExecutionResult, print_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import Busy, PurserError
from app.ledger.commands import AuthorizeOrder, Verdict
from app.principal import LOCAL
from app.resolvers import Context, authorizations
from app.rules.enums import DenyCode, TradingState
from graphql_schema import schema
from graphql_schema.caller import Caller
from graphql_schema.errors import RequestRefused
from graphql_schema.execution.executor import build_executor, run
from graphql_schema.fast_mutations import fast_mutation
from graphql_schema.fast_mutations.fast_mutation import FastRequest
from graphql_schema.fast_mutations.fields import OrderJson
from graphql_schema.http.documents import Documents
from graphql_schema.http.requests import from_body
from graphql_schema.http.responses import answered
from tests.graphql_schema.authorization_documents import AUTHORIZE_ORDER, AUTHORIZE_ORDERS, STRATEGY_ID, order_input
from tests.graphql_schema.endpoint_documents import new_documents, operation_in
from tests.ledger.authorizing import prepare
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

DOCUMENTS = new_documents()

amounts = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**9).map(str),
    st.integers(-(10**20), 10**20),
    st.sampled_from(["1", "0.10", "+1", ".5", "5.", "1e3", "-0", "1e-30", "9" * 31, "1E+2"]),
)
odd_amounts = st.sampled_from(
    ["", " 1", "1 ", "1_000", "NaN", "Infinity", "1e999999", "x", "٣", "1e", "9" * 300, 1.5, 1e300, True, [], {}, ["1"]]
)
uuids = st.uuids().flatmap(lambda one: st.sampled_from([str(one), one.hex, str(one).upper(), f"{{{one}}}", one.urn]))
texts = st.text(max_size=6) | st.sampled_from(["O-1", "x" * 257, "a\x00", "é", "a\nb"])
odd = st.sampled_from([None, 1, 1.0, True, [], {}, "", "buy", ["a"], {"id": None}])
strategies = st.one_of(
    uuids.map(lambda one: {"id": one}),
    texts.map(lambda one: {"name": one}),
    st.sampled_from([{}, {"id": None}, {"name": None}, {"id": str(STRATEGY_ID), "name": "x"}, {"nope": 1}, "x", None]),
    st.just({"id": "x"}),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "strategy": strategies,
    "clientOrderId": texts,
    "instrumentId": texts,
    "side": st.sampled_from(["BUY", "SELL"]),
    "type": st.sampled_from(["MARKET", "LIMIT", "STOP_MARKET", "STOP_LIMIT", "TRAILING_STOP_LIMIT", "NOPE"]),
    "quantity": amounts | odd_amounts,
    "price": st.none() | amounts | odd_amounts,
    "triggerPrice": st.none() | amounts | odd_amounts,
    "referencePrice": st.none() | amounts | odd_amounts,
    "timeInForce": st.sampled_from(["GTC", "IOC", "NOPE", None]),
    "reduceOnly": st.booleans() | st.none(),
    "postOnly": st.booleans() | st.sampled_from([0, "true"]),
    "quoteQuantity": st.booleans() | st.none(),
    "currency": st.none() | texts,
    "signalId": st.none() | uuids | odd,
    "tags": st.none() | st.lists(texts, max_size=3) | odd,
    "surprise": odd,
}
OMITTED = object()


@st.composite
def orders(draw: st.DrawFn) -> Any:
    """An order as a client may send it: mostly valid, with some fields changed, added or omitted."""
    order = order_input(draw(st.integers(0, 3)))
    for name in draw(st.lists(st.sampled_from(list(FIELDS)), max_size=4, unique=True)):
        value = draw(FIELDS[name] | st.just(OMITTED))
        if value is OMITTED:
            order.pop(name, None)
        else:
            order[name] = value
    return draw(st.sampled_from([order] * 8 + [None, [], [order], "x", 1]))


class RecordingLedger:
    """Replaces the ledger: records the commands, and returns a verdict or the given error for each."""

    def __init__(self) -> None:
        self.commands: list[Any] = []

    async def __call__(self, _: Any, __: Any, commands: list[Any]) -> list[Any]:
        self.commands = [(type(one), str(one), one.path) if isinstance(one, PurserError) else one for one in commands]
        return [one if isinstance(one, PurserError) else _verdict(one) for one in commands]


def _verdict(command: AuthorizeOrder) -> Any:
    return Verdict(STRATEGY_ID, command.client_order_id, None, 1, TradingState.ACTIVE, False, DenyCode.NO_BUDGET, "no")


SHORT = """{ __typename ... on OrderDenied { why: denyCode reason } ... on Error { code message }
  ... on InvalidInput { path } }"""
SHORT_ONE = f"mutation ($input: AuthorizeOrderInput!) {{ authorizeOrder(input: $input) {SHORT} }}"
SHORT_MANY = f"mutation ($inputs: [AuthorizeOrderInput!]!) {{ authorizeOrders(inputs: $inputs) {SHORT} }}"


async def execute_ordinarily(document: str, variables: Any, caller: Any = None) -> bytes:
    """The response body of ordinary execution."""
    try:
        given = from_body(json.dumps({"query": document, "variables": variables}).encode()).variables
        result = await run(build_executor(schema._schema, DOCUMENTS.find(document).node, None, given, caller))
    except RequestRefused as refused:
        return b"refused: " + str(refused).encode()
    return body_of(result)


def read_fast(document: str, variables: Any, documents: Documents = DOCUMENTS) -> FastRequest | None:
    """The fast request; None if ordinary execution must answer."""
    request = from_body(json.dumps({"query": document, "variables": variables}).encode())
    operation = operation_in(documents, document)
    mutation = None if operation is None else operation.fast_mutation
    return None if mutation is None else mutation.read(request.given)


async def execute_fast(
    document: str, variables: Any, caller: Any = None, documents: Documents = DOCUMENTS
) -> bytes | None:
    """The response body of the fast mutation; None if ordinary execution must answer."""
    request = read_fast(document, variables, documents)
    result = None if request is None else await request.answer(caller)
    return None if result is None else body_of(result)


def body_of(result: ExecutionResult | bytes) -> bytes:
    return answered(result, {}, "application/json").body  # type: ignore[arg-type]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=st.lists(orders(), max_size=3) | orders(), is_one=st.booleans())
async def test_both_executions_make_the_same_commands(
    monkeypatch: pytest.MonkeyPatch, inputs: Any, is_one: bool
) -> None:
    caller = Caller(None, LOCAL)  # type: ignore[arg-type]
    given = inputs[0] if is_one and isinstance(inputs, list) and inputs else inputs
    document, variables = (SHORT_ONE, {"input": given}) if is_one else (SHORT_MANY, {"inputs": inputs})
    recording_ledger = RecordingLedger()
    monkeypatch.setattr(authorizations, "authorize_orders", recording_ledger)
    found = await execute_fast(document, variables, caller)
    if found is None:
        return
    commands = recording_ledger.commands
    assert found == await execute_ordinarily(document, variables, caller)
    assert commands == recording_ledger.commands
    assert [_amounts(one) for one in commands] == [_amounts(one) for one in recording_ledger.commands]


def _amounts(command: Any) -> list[str]:
    """The amounts as text: equal decimals may have different digits."""
    if not isinstance(command, AuthorizeOrder):
        return []
    return [str(one) for one in (command.quantity, command.price, command.trigger_price, command.reference_price)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"strategy": {"id": str(STRATEGY_ID)}},
        {"strategy": {"id": STRATEGY_ID.hex.upper()}},
        {"quantity": 3, "price": 2**64 - 1},
        {"quantity": "0", "price": "-1"},
        {"price": None, "triggerPrice": "1.50", "type": "STOP_MARKET", "timeInForce": "IOC"},
        {"reduceOnly": True, "postOnly": True, "currency": "USDT", "signalId": str(STRATEGY_ID), "tags": ["é", ""]},
        {"quoteQuantity": True},
        {"currency": None, "signalId": None, "tags": None, "referencePrice": ".5"},
        {"clientOrderId": "a\x00"},
    ],
)
async def test_a_plain_input_is_answered_by_the_fast_mutation(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    caller = Caller(None, LOCAL)  # type: ignore[arg-type]
    monkeypatch.setattr(authorizations, "authorize_orders", RecordingLedger())
    for document, variables in (
        (SHORT_ONE, {"input": order_input(1, **changes)}),
        (SHORT_MANY, {"inputs": [order_input(1, **changes), order_input(2)]}),
    ):
        assert await execute_fast(document, variables, caller) == await execute_ordinarily(document, variables, caller)


@pytest.mark.parametrize("changes", [{"quantity": 2**64}, {"quantity": 1.0}, {"price": "1_0"}, {"side": "UP"}])
async def test_an_unusual_input_is_left_to_ordinary_execution(changes: dict[str, Any]) -> None:
    assert await execute_fast(SHORT_ONE, {"input": order_input(1, **changes)}) is None


@pytest.mark.parametrize(
    "document",
    [
        SHORT_ONE.replace("(input: $input)", '(input: {strategy: {name: "x"}, clientOrderId: "x"})', 1),
        SHORT_ONE.replace("AuthorizeOrderInput!)", "AuthorizeOrderInput! @x)"),
        f"{SHORT_ONE} query A {{ summary {{ orders }} }}",
        SHORT_ONE.replace("mutation", "mutation A", 1) + " " + SHORT_ONE.replace("mutation", "mutation B", 1),
        SHORT_ONE.replace("{ authorizeOrder", "{ __typename authorizeOrder"),
        SHORT_ONE.replace("{ authorizeOrder", "{ ...F } fragment F on Mutation { authorizeOrder"),
        SHORT_ONE.replace(" { __typename", " @skip(if: true) { __typename", 1),
        f"mutation ($input: AuthorizeOrderInput!) {{ authorizeOrders(inputs: [$input]) {SHORT} }}",
    ],
)
async def test_other_documents_are_left_to_ordinary_execution(document: str) -> None:
    assert read_fast(document, {"input": order_input(1)}) is None


def test_both_executions_read_the_same_fields() -> None:
    declared = schema._schema.type_map["AuthorizeOrderInput"]
    assert list(declared.fields) == list(OrderJson.__struct_encode_fields__), print_type(declared)  # type: ignore[attr-defined]


CONSTRAINED = """mutation ($inputs: [AuthorizeOrderInput!]!, $n: Int = 2, $yes: Boolean!, $after: String, $q: Decimal) {
  all: authorizeOrders(inputs: $inputs) {
    ...Granted
    ... on OrderDenied @include(if: $yes) { order { id } why: denyCode reason left: checkedBudget { available } }
    __typename
    ... on Error { code }
    ... on Conflict { message }
  }
}
fragment Granted on OrderAuthorized {
  first: order { events(first: $n, after: $after) { totalCount nodes { type } } }
  order { clientOrderId strategy { orders(first: 1, filter: {quantity: {gt: $q}}) { totalCount } } }
  order { status }
  hold @skip(if: $yes) { __typename remaining }
}"""


@pytest.fixture
async def caller(own: tuple[FastAPI, Client]) -> Caller:
    app, _ = own
    await prepare(app.state.context.database)
    return Caller(app.state.context, LOCAL)


async def test_responses_of_both_executions_are_equal_bytes(caller: Caller) -> None:
    documents = new_documents()
    inputs = [
        *(order_input(1), order_input(2, quantity="0"), order_input(3, quantity="20"), order_input(1, quantity="3")),
        *(
            order_input(4, strategy={"name": "unknown"}),
            order_input(5, instrumentId="X.Y"),
            order_input(6, quantity="0.5"),
        ),
    ]
    for document, several in (
        (AUTHORIZE_ORDERS, [{"inputs": inputs}, {"inputs": inputs[:1]}, {"inputs": []}]),
        (AUTHORIZE_ORDER, [{"input": input} for input in inputs]),
        (
            CONSTRAINED,
            [
                {"inputs": inputs, "yes": True},
                {"inputs": inputs, "yes": False, "n": 1, "q": "0.7"},
                {"inputs": inputs, "yes": False, "n": 1, "q": 100, "after": None},
                {"inputs": inputs[2:3], "yes": True, "n": None},
            ],
        ),
    ):
        for variables in several:
            found = [await execute_fast(document, variables, caller, documents) for _ in range(2)]
            assert found == [await execute_ordinarily(document, variables, caller)] * 2, (document, variables)
            assert b'"errors"' not in found[0]


@pytest.mark.parametrize(
    "variables",
    [
        {"inputs": [], "yes": "x"},
        {"inputs": []},
        {"inputs": [], "yes": True, "n": "1"},
        {"inputs": [], "yes": True, "q": 0.5},
        {"inputs": [order_input(1)], "yes": True, "unknown": 1},
    ],
)
async def test_variables_beside_the_orders_are_checked(caller: Caller, variables: Any) -> None:
    assert await execute_fast(CONSTRAINED, variables, caller) is None


@pytest.mark.parametrize(
    "variables",
    [
        {"inputs": [order_input(1)], "yes": True, "n": 5000},
        {"inputs": [order_input(1)], "yes": True, "after": "no cursor"},
    ],
)
async def test_no_order_is_decided_if_the_response_cannot_be_built(caller: Caller, variables: Any) -> None:
    assert await execute_fast(CONSTRAINED, {**variables, "n": 1, "after": None}, caller, new_documents()) is not None
    documents, failing = new_documents(), {**variables, "inputs": [order_input(2)]}
    assert [await execute_fast(CONSTRAINED, failing, caller, documents) for _ in range(2)] == [None, None]
    assert b'"errors"' in await execute_ordinarily(CONSTRAINED, failing, caller)
    async with caller.context.database.read() as connection:
        orders = await connection.fetch("SELECT client_order_id FROM orders")
    assert [row[0] for row in orders] == ["O-1"]


async def test_a_refused_mutation_has_the_same_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any) -> None:
        raise Busy

    monkeypatch.setattr(authorizations, "authorize_orders", refuse)
    caller = Caller(None, LOCAL)  # type: ignore[arg-type]
    for document, variables in (
        (AUTHORIZE_ORDER, {"input": order_input(1)}),
        (AUTHORIZE_ORDERS, {"inputs": [order_input(1)]}),
    ):
        found = await execute_fast(document, variables, caller)
        assert found == await execute_ordinarily(document, variables, caller)
        assert b"BUSY" in (found or b"")


async def test_a_missing_row_has_the_same_errors(caller: Caller) -> None:
    await execute_fast(AUTHORIZE_ORDER, {"input": order_input(1)}, caller)
    async with caller.context.database.unit_of_work() as work:
        await work.execute("DELETE FROM holds")
        await work.commit()
    found = await execute_fast(AUTHORIZE_ORDER, {"input": order_input(1)}, caller)
    expected = await execute_ordinarily(AUTHORIZE_ORDER, {"input": order_input(1)}, caller)
    # The error ids in the log differ.
    bodies = [json.loads(body) for body in (found or b"", expected)]
    assert [body["errors"][0].pop("extensions")["code"] for body in bodies] == ["INTERNAL"] * 2
    assert bodies[0] == bodies[1]


async def test_a_mutation_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    async def count(_: Any, __: Any, commands: list[Any]) -> list[Any]:
        done.append(len(commands))
        return [Verdict(STRATEGY_ID, one.client_order_id, "USDT", 1, TradingState.ACTIVE) for one in commands]

    monkeypatch.setattr(authorizations, "authorize_orders", count)
    caller = Caller(Context(None), LOCAL)  # type: ignore[arg-type]
    found = await execute_fast(AUTHORIZE_ORDERS, {"inputs": [order_input(1), order_input(2)]}, caller)
    assert b'"errors"' in (found or b"")  # there is no database
    assert done == [2]


async def test_templates_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_mutation, "TEMPLATES_MAX", 2)
    documents = new_documents()
    for size in range(5):
        request = read_fast(CONSTRAINED, {"inputs": [], "yes": True, "n": size}, documents)
        assert request is not None
        assert len(request.mutation._templates) <= 2
