"""The schema as users of Strawberry use it: execute, subscribe, extensions, test client, router, tools."""

import ast
import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from inspect import isawaitable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from strawberry.extensions.tracing import ApolloTracingExtension
from strawberry.fastapi import GraphQLRouter
from strawberry.test import BaseGraphQLTestClient
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from app.database import Database
from app.principal import LOCAL, Principal, Role
from app.resolvers import Context
from graphql_schema import Caller, build_schema, schema
from graphql_schema.http.strawberry_router import router_context
from tests.graphql_schema.authorization_documents import AUTHORIZE_ORDER, AUTHORIZE_ORDERS, order_input
from tests.graphql_schema.service import running
from tests.ledger.authorizing import prepare
from tests.reads.serving import Client, serving

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
QUERY = """query ($n: Int!) {
  __typename
  latest: orders(first: $n) { totalCount pageInfo { hasNextPage endCursor }
    edges { cursor node { id quantity status tsInit tags strategy { name budgets { available } } } }
    nodes { events(first: 1) { nodes { payload } } } }
  none: order(clientOrderId: "none") { id }
  node(id: "%s") { __typename ... on Strategy { strategyId } }
  summary { fills } feedCursor
  performance { winRate netPnl equity { ts } }
}"""
REGISTER = """mutation ($name: String!) {
  registerStrategy(name: $name, traderId: "TRADER-001") { strategy { name } } }"""


@pytest.fixture
async def caller(own: tuple[FastAPI, Client]) -> Caller:
    """A caller over a database of its own, whose change feed runs."""
    app, _ = own
    return Caller(app.state.context, LOCAL)


async def register(caller: Caller, name: str) -> None:
    result = await schema.execute(REGISTER, {"name": name}, caller)
    assert result.errors is None


def as_json(value: Any) -> Any:
    """The value as the standard library's JSON returns it."""
    return json.loads(json.dumps(value))


async def test_a_query_has_the_result_of_the_endpoint(ledger_url: str) -> None:
    async with serving(ledger_url) as (app, client):
        caller = Caller(app.state.context, LOCAL)
        strategy = (await client.query("{ strategies(first: 1) { nodes { id } } }"))["strategies"]["nodes"][0]["id"]
        document = QUERY % strategy
        result = await schema.execute(document, {"n": 3}, caller)
        assert result.errors is None
        assert as_json(result.data) == result.data == await client.query(document, n=3)
    assert isinstance(result.data["latest"]["edges"][0]["node"]["quantity"], str)


async def test_a_mutation_has_the_result_of_the_endpoint(own: tuple[FastAPI, Client], caller: Caller) -> None:
    _, client = own
    await prepare(caller.context.database)
    for document, variables in (
        (AUTHORIZE_ORDER, {"input": order_input(1)}),
        (
            AUTHORIZE_ORDERS,
            {
                "inputs": [
                    order_input(1),
                    order_input(2, quantity="20"),
                    order_input(3, quantity="0"),
                    order_input(1, quantity="3"),
                ]
            },
        ),
    ):
        await schema.execute(document, variables, caller)
        result = await schema.execute(document, variables, caller)
        assert result.errors is None
        assert as_json(result.data) == result.data == await client.query(document, **variables)


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        ("{ nope }", {}, "VALIDATION_FAILED"),
        ("{", {}, "BAD_REQUEST"),
        ("query ($n: Int!) { orders(first: $n) { totalCount } }", {"n": "x"}, "VALIDATION_FAILED"),
        (
            "query ($q: Decimal) { orders(filter: {quantity: {gt: $q}}) { totalCount } }",
            {"q": 0.5},
            "VALIDATION_FAILED",
        ),
        ("{ orders(first: 5000) { totalCount } }", {}, "PAGE_TOO_LARGE"),
        ('{ orders(after: "x") { totalCount } }', {}, "CURSOR_INVALID"),
        ("{ strategy { id } }", {}, "BAD_REQUEST"),
        ('{ node(id: "x") { id } }', {}, "BAD_REQUEST"),
        (REGISTER, {"name": "EMA-1"}, "FORBIDDEN"),
    ],
)
async def test_errors_have_the_codes_of_the_endpoint(
    ledger_database: Database, document: str, variables: dict[str, Any], code: str
) -> None:
    viewer = Principal(Role.VIEWER, "viewer")
    result = await schema.execute(document, variables, Caller(Context(ledger_database), viewer))
    assert [error.extensions["code"] for error in result.errors or ()] == [code]  # type: ignore[index]


async def test_an_internal_error_is_masked() -> None:
    result = await schema.execute("{ summary { orders } }", context_value=Caller(Context(None), LOCAL))  # type: ignore[arg-type]
    (error,) = result.errors or ()
    assert error.message == "Something went wrong on our side."
    assert error.extensions is not None
    assert error.extensions["code"] == "INTERNAL"


async def test_a_subscription_yields_an_event_for_each_change(caller: Caller) -> None:
    cursor = (await schema.execute("{ feedCursor }", context_value=caller)).data["feedCursor"]  # type: ignore[index]
    document = """subscription ($after: String!, $name: String!) {
      changes: strategies(after: $after, filter: {name: {startsWith: $name}}) {
        __typename cursor strategy { id: strategyId ...more } again: strategy { state } } }
      fragment more on Strategy { name orders(first: 1) { totalCount nodes { id } } }"""
    events = await schema.subscribe(document, {"after": cursor, "name": "EMA"}, caller)
    async with aclosing(events):
        for name in ("EMA-1", "Maker-1", "EMA-2"):
            await register(caller, name)
        found = [await anext(events) for _ in range(2)]
    assert [event.errors for event in found] == [None, None]
    changes = [event.data["changes"] for event in found]  # type: ignore[index]
    assert as_json(changes) == changes
    assert [change["strategy"]["name"] for change in changes] == ["EMA-1", "EMA-2"]
    assert changes[0]["__typename"] == "StrategyChange"
    assert changes[0]["again"] == {"state": "ACTIVE"}
    assert changes[0]["strategy"]["orders"] == {"totalCount": 0, "nodes": []}
    assert len({cursor, changes[0]["cursor"], changes[1]["cursor"]}) == 3


async def test_a_deleted_budget_is_an_event_without_a_budget(caller: Caller) -> None:
    await prepare(caller.context.database)
    cursor = (await schema.execute("{ feedCursor }", context_value=caller)).data["feedCursor"]  # type: ignore[index]
    document = "subscription ($after: String) { budgets(after: $after) { strategyId currency budget { allocated } } }"
    events = await schema.subscribe(document, {"after": cursor}, caller)
    async with aclosing(events):
        for allocated in ("5.50", None):
            await set_or_delete_budget(caller, allocated)
            change = await next_euro_change(events)
            assert change["budget"] == (None if allocated is None else {"allocated": allocated})


async def next_euro_change(events: Any) -> Any:
    """The next event of the budget in EUR."""
    while True:
        change = (await anext(events)).data["budgets"]
        if change["currency"] == "EUR":
            return change


async def set_or_delete_budget(caller: Caller, allocated: str | None) -> None:
    ref = 'strategy: {name: "EMACross-000"}, currency: "EUR"'
    document = (
        f"mutation {{ deleteBudget({ref}) {{ __typename }} }}"
        if allocated is None
        else f'mutation {{ setBudget({ref}, allocated: "{allocated}") {{ __typename }} }}'
    )
    result = await schema.execute(document, context_value=caller)
    assert result.errors is None
    assert result.data is not None
    assert next(iter(result.data.values()))["__typename"] in ("BudgetSet", "BudgetDeleted")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('subscription { orders(after: "x") { cursor } }', "CURSOR_INVALID"),
        ("subscription { orders { order { fills(first: 5000) { totalCount } } } }", "PAGE_TOO_LARGE"),
        ("subscription { orders { nope } }", "VALIDATION_FAILED"),
    ],
)
async def test_a_failed_subscription_has_a_code(caller: Caller, document: str, code: str) -> None:
    events = await schema.subscribe(document, context_value=caller)
    async with aclosing(events):
        (error,) = (await anext(events)).errors or ()
    assert error.extensions is not None
    assert error.extensions["code"] == code


class RecordingExtension(SchemaExtension):
    """Records which hooks run, and which fields are resolved."""

    hooks: list[str]

    async def on_operation(self) -> AsyncIterator[None]:  # type: ignore[override]
        self.hooks.append("operation")
        yield
        self.hooks.append("/operation")

    def on_parse(self) -> Iterator[None]:
        self.hooks.append("parse")
        yield

    def on_validate(self) -> Iterator[None]:
        self.hooks.append("validate")
        yield

    async def on_execute(self) -> AsyncIterator[None]:  # type: ignore[override]
        self.hooks.append("execute")
        yield
        self.hooks.append("/execute")

    async def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        self.hooks.append(f"{info.parent_type.name}.{info.field_name}")
        found = _next(root, info, *args, **kwargs)
        return await found if isawaitable(found) else found

    def get_results(self) -> dict[str, Any]:
        return {"noted": len(self.hooks)}


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    recorded: list[str] = []
    monkeypatch.setattr(RecordingExtension, "hooks", recorded, raising=False)
    return recorded


async def test_extensions_run_around_a_query(ledger_database: Database, hooks: list[str]) -> None:
    extended = build_schema(extensions=[RecordingExtension, ParserCache, ValidationCache])
    caller = Caller(Context(ledger_database), LOCAL)
    for _ in range(2):
        hooks.clear()
        result = await extended.execute("{ orders(first: 1) { nodes { id } } }", context_value=caller)
        plain = await schema.execute("{ orders(first: 1) { nodes { id } } }", context_value=caller)
        assert result.errors is None
        assert result.data == plain.data
        assert hooks == ["operation", "parse", "validate", "execute", "Query.orders", "/execute", "/operation"]
        assert result.extensions == {"noted": 7}


async def test_extensions_run_around_mutations_and_subscriptions(caller: Caller, hooks: list[str]) -> None:
    extended = build_schema(extensions=[RecordingExtension])
    events = await extended.subscribe("subscription { strategies { strategy { name } } }", context_value=caller)
    async with aclosing(events):
        waiting = asyncio.ensure_future(anext(events))
        number = 0
        while not waiting.done():
            number += 1
            await register(caller, f"S-{number}")
            await asyncio.wait([waiting], timeout=0.05)
        event = await waiting
    assert event.data is not None
    assert event.data["strategies"]["strategy"]["name"].startswith("S-")
    assert {"operation", "execute", "Subscription.strategies", "StrategyChange.strategy"} <= set(hooks)
    hooks.clear()
    await extended.execute(REGISTER, {"name": "EMA-1"}, caller)
    assert hooks[3:6] == ["execute", "Mutation.registerStrategy", "StrategyRegistered.strategy"]


async def test_tracing_measures_root_fields(ledger_database: Database) -> None:
    traced = build_schema(extensions=[ApolloTracingExtension])
    caller = Caller(Context(ledger_database), LOCAL)
    result = await traced.execute("{ orders { totalCount nodes { id } } }", context_value=caller)
    assert result.extensions is not None
    (field,) = result.extensions["tracing"]["execution"]["resolvers"]
    assert (field["path"], field["returnType"]) == (["orders"], "OrderConnection!")
    assert field["duration"] > 0


class RouterClient(BaseGraphQLTestClient):
    """Strawberry's test client over a real connection."""

    def request(self, body: dict[str, object], headers: Any = None, files: Any = None) -> Any:
        return httpx.post(self.url, json=body, headers=headers)

    def _decode(self, response: Any, type: Any) -> Any:
        return response.json()


@pytest.fixture
def router(database_url: str) -> Iterator[str]:
    """The URL of Strawberry's router, in Purser's application beside its own endpoint."""

    def include(app: FastAPI) -> None:
        app.include_router(GraphQLRouter(schema, context_getter=router_context), prefix="/strawberry")

    with running(database_url, include) as address:
        yield f"{address}/strawberry"


def test_the_router_answers_the_test_client(router: str) -> None:
    client = RouterClient(None, url=router)
    registered: Any = client.query(REGISTER, {"name": "EMA-1"})
    assert registered.data == {"registerStrategy": {"strategy": {"name": "EMA-1"}}}
    found: Any = client.query("{ strategies { nodes { name budgets { available } } } }")
    assert found.data == {"strategies": {"nodes": [{"name": "EMA-1", "budgets": []}]}}
    refused: Any = client.query("{ orders(first: 5000) { totalCount } }", assert_no_errors=False)
    assert [error["extensions"]["code"] for error in refused.errors] == ["PAGE_TOO_LARGE"]


def test_the_router_refuses_a_wrong_key(router: str) -> None:
    response = httpx.post(router, json={"query": "{ summary { orders } }"}, headers={"X-API-Key": "wrong"})
    assert (response.status_code, response.json()["code"]) == (401, "UNAUTHENTICATED")


def test_the_router_serves_subscriptions(router: str) -> None:
    client = RouterClient(None, url=router)
    cursor: Any = client.query("{ feedCursor }")
    client.query(REGISTER, {"name": "EMA-1"})
    document = "subscription ($after: String) { strategies(after: $after) { strategy { name state } } }"
    with connect(router.replace("http:", "ws:"), subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv())["type"] == "connection_ack"
        payload = {"query": document, "variables": {"after": cursor.data["feedCursor"]}}
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        message = json.loads(socket.recv(timeout=30))
    assert message["payload"]["data"] == {"strategies": {"strategy": {"name": "EMA-1", "state": "ACTIVE"}}}


def run_strawberry(*arguments: str) -> str:
    program = [str(Path(sys.executable).with_name("strawberry")), *arguments]
    return subprocess.run(program, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", ["graphql_schema", "graphql_schema.schema"])
def test_strawberry_exports_the_committed_schema(name: str) -> None:
    """Strawberry does not print the description of the schema itself."""
    committed = (ROOT / "graphql_schema" / "schema.graphql").read_text()
    description, _, types = committed.partition("\n}\n\n")
    assert "schema {" in description
    assert run_strawberry("export-schema", name) == types


def test_strawberry_generates_code_from_the_schema() -> None:
    module = ast.parse(run_strawberry("schema-codegen", "graphql_schema/schema.graphql"))
    classes = {node.name for node in module.body if isinstance(node, ast.ClassDef)}
    assert {"Query", "Mutation", "Subscription", "Order", "OrderFilter", "OrderStatus", "StrategyRef"} <= classes


PROGRAMS = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "docs" / "strawberry.md").read_text(), re.MULTILINE | re.DOTALL
)


def start_program(program: str, url: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PURSER_DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_the_documented_programs_run(caller: Caller, database_url: str) -> None:
    execute, subscribe, router = PROGRAMS
    for program, printed in ((execute, '{"summary": {"orders": 0, "fills": 0}}\n'), (router, "")):
        assert await asyncio.to_thread(start_program(program, database_url).communicate) == (printed, "")
    subscriber = start_program(subscribe, database_url)
    number = 0
    while subscriber.poll() is None:
        number += 1
        await register(caller, f"S-{number}")
        await asyncio.sleep(0.05)
    output, errors = subscriber.communicate()
    assert errors == ""
    assert ast.literal_eval(output)["strategies"]["strategy"]["name"].startswith("S-")
