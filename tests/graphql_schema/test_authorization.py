"""Orders that ask to leave: granted, denied and refused; one answer for each, and few statements for many."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from app.authentication import authentication
from app.errors import Busy
from app.ledger.authorization.group_commit import GroupCommit
from app.principal import LOCAL, Role
from app.reads import lookups
from tests.graphql_schema.authorization_documents import (
    AUTHORIZE_ORDER,
    AUTHORIZE_ORDERS,
    INSTRUMENT,
    RESULT_FIELDS,
    STRATEGY,
    STRATEGY_ID,
    order_input,
)
from tests.ledger.authorizing import allocate, prepare
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

GRANTED = {
    "__typename": "OrderAuthorized",
    "order": {
        "clientOrderId": "O-1",
        "status": "INITIALIZED",
        "quantity": "1",
        "price": "100",
        "tags": [],
        "strategy": {"name": STRATEGY},
        "hold": {"amount": "100"},
    },
    "budget": {"currency": "USDT", "reserved": "100", "available": "900", "version": 2},
    "hold": {"amount": "100", "remaining": "100", "currency": "USDT", "unitPrice": "100"},
}


@pytest.fixture
async def client(own: tuple[FastAPI, Client]) -> Client:
    """A strategy with a budget of 1000 USDT."""
    app, client = own
    await prepare(app.state.context.database)
    return client


async def test_an_order_within_its_budget_is_authorized(client: Client) -> None:
    assert (await client.query(AUTHORIZE_ORDER, input=order_input(1)))["authorizeOrder"] == GRANTED


async def test_a_repeated_request_has_the_same_response(client: Client) -> None:
    first = await client.query(AUTHORIZE_ORDER, input=order_input(1))
    assert await client.query(AUTHORIZE_ORDER, input=order_input(1)) == first


async def test_a_repeated_response_shows_when_it_was_decided_and_the_current_state(client: Client) -> None:
    fields = "isRepeated decidedAt strategyState"
    fragment = f"""fragment Told on AuthorizeOrderResult {{
        __typename ... on OrderAuthorized {{ {fields} }} ... on OrderDenied {{ {fields} denyCode }} }}"""
    many = (
        f"mutation ($inputs: [AuthorizeOrderInput!]!) {{ authorizeOrders(inputs: $inputs) {{ ...Told }} }} {fragment}"
    )
    halt = "mutation ($state: TradingState!) { setTradingState(scope: ALL, state: $state) { __typename } }"
    inputs = [order_input(1), order_input(2, quantity="20")]
    first = (await client.query(many, inputs=inputs))["authorizeOrders"]
    assert [(one["isRepeated"], one["strategyState"]) for one in first] == [(False, "ACTIVE")] * 2
    await client.query(halt, state="HALTED")
    again = (await client.query(many, inputs=[*inputs, order_input(3)]))["authorizeOrders"]
    repeated = [{**one, "isRepeated": True, "strategyState": "HALTED"} for one in first]
    assert again[:2] == repeated
    assert (again[2]["isRepeated"], again[2]["denyCode"]) == (False, "TRADING_HALTED")
    await client.query(halt, state="ACTIVE")
    (late,) = (await client.query(many, inputs=[order_input(3)]))["authorizeOrders"]
    assert late == {**again[2], "isRepeated": True, "strategyState": "ACTIVE"}
    events = "{ orders { nodes { clientOrderId events { nodes { type tsEvent } } } } }"
    nodes = (await client.query(events))["orders"]["nodes"]
    written = {one["clientOrderId"]: one["events"]["nodes"][0]["tsEvent"] for one in nodes}
    assert [one["decidedAt"] for one in (*first, late)] == [written[f"O-{number}"] for number in (1, 2, 3)]


async def test_an_order_beyond_its_budget_is_denied_and_stored(client: Client) -> None:
    denied = (await client.query(AUTHORIZE_ORDER, input=order_input(1, quantity="12")))["authorizeOrder"]
    reason = "available=1000 USDT, required=1200 USDT"
    assert denied == {
        "__typename": "OrderDenied",
        "order": {"status": "DENIED", "denyReason": f"BUDGET_EXCEEDED: {reason}"},
        "denyCode": "BUDGET_EXCEEDED",
        "reason": f"BUDGET_EXCEEDED: {reason}",
        "checkedBudget": {"available": "1000"},
    }
    kept = (await client.query('{ order(clientOrderId: "O-1") { status authorizationStatus } }'))["order"]
    assert kept == {"status": "DENIED", "authorizationStatus": "DENIED"}


async def test_an_order_denied_without_a_budget_shows_no_budget(client: Client) -> None:
    denied = (await client.query(AUTHORIZE_ORDER, input=order_input(1, instrumentId="X.Y")))["authorizeOrder"]
    assert (denied["denyCode"], denied["checkedBudget"]) == ("UNKNOWN_INSTRUMENT", None)
    denied = (await client.query(AUTHORIZE_ORDER, input=order_input(2, instrumentId="X.Y", currency="EUR")))[
        "authorizeOrder"
    ]
    assert (denied["denyCode"], denied["checkedBudget"]) == ("NO_BUDGET", None)


@pytest.mark.parametrize(
    ("changes", "typename", "code", "path"),
    [
        ({"strategy": {"name": "nobody"}}, "NotFound", "STRATEGY_NOT_FOUND", None),
        ({"strategy": {"id": str(UUID(int=1))}}, "NotFound", "STRATEGY_NOT_FOUND", None),
        ({"quantity": "0"}, "InvalidInput", "BAD_INPUT", ["input", "quantity"]),
        ({"quantity": "-1"}, "InvalidInput", "BAD_INPUT", ["input", "quantity"]),
        ({"price": None}, "InvalidInput", "BAD_INPUT", ["input", "price"]),
        ({"triggerPrice": "1"}, "InvalidInput", "BAD_INPUT", ["input", "triggerPrice"]),
        ({"clientOrderId": "a\x00"}, "InvalidInput", "BAD_INPUT", ["input", "clientOrderId"]),
        ({"tags": ["", "b\x00"]}, "InvalidInput", "BAD_INPUT", ["input", "tags", "1"]),
        ({"currency": "EUR"}, "InvalidInput", "BAD_INPUT", ["input", "currency"]),
        ({"strategy": {"name": ""}}, "InvalidInput", "BAD_INPUT", ["input", "strategy", "name"]),
    ],
)
async def test_an_invalid_request_is_refused_with_a_code_and_changes_nothing(
    client: Client, changes: dict[str, Any], typename: str, code: str, path: list[str] | None
) -> None:
    refused = (await client.query(AUTHORIZE_ORDER, input=order_input(1, **changes)))["authorizeOrder"]
    assert (refused["__typename"], refused["code"], refused.get("path")) == (typename, code, path)
    assert refused["message"]
    assert await client.query("{ orders { totalCount } }") == {"orders": {"totalCount": 0}}


async def test_other_input_under_the_same_id_is_a_conflict(client: Client) -> None:
    await client.query(AUTHORIZE_ORDER, input=order_input(1))
    conflict = (await client.query(AUTHORIZE_ORDER, input=order_input(1, quantity="2")))["authorizeOrder"]
    assert (conflict["__typename"], conflict["code"]) == ("Conflict", "AUTHORIZATION_CONFLICT")


async def test_each_order_of_a_batch_has_its_own_result_in_order(client: Client) -> None:
    inputs = [
        order_input(1),
        order_input(2, quantity="-1"),
        order_input(3, quantity="20"),
        order_input(4, strategy={"name": "nobody"}),
        order_input(1, quantity="3"),
        order_input(1),
        order_input(5, strategy={"id": str(STRATEGY_ID)}),
    ]
    answers = (await client.query(AUTHORIZE_ORDERS, inputs=inputs))["authorizeOrders"]
    assert [answer["__typename"] for answer in answers] == [
        *("OrderAuthorized", "InvalidInput", "OrderDenied", "NotFound"),
        *("Conflict", "OrderAuthorized", "OrderAuthorized"),
    ]
    assert answers[1]["path"] == ["inputs", "1", "quantity"]
    # Each tells of its own order; the budget is as it stands after all of them.
    assert answers[0]["order"]["clientOrderId"] == answers[5]["order"]["clientOrderId"] == "O-1"
    assert answers[0]["budget"]["reserved"] == answers[6]["budget"]["reserved"] == "200"


async def test_an_input_literal_in_the_document_is_read_like_a_variable(client: Client) -> None:
    fields = f'clientOrderId: "O-1", instrumentId: "{INSTRUMENT}", side: BUY, type: LIMIT, quantity: 1, price: "100"'
    document = (
        f'mutation {{ authorizeOrder(input: {{strategy: {{name: "{STRATEGY}"}}, {fields}}}) {{ {RESULT_FIELDS} }} }}'
    )
    assert (await client.query(document))["authorizeOrder"] == GRANTED


@pytest.mark.parametrize("count", [2, 100])
async def test_the_results_of_a_batch_are_read_by_three_statements(
    client: Client, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    statements = []
    fetch = lookups.fetch_by_keys

    async def counting_fetch(*arguments: Any) -> Any:
        statements.append(arguments[2].name)
        return await fetch(*arguments)

    monkeypatch.setattr(lookups, "fetch_by_keys", counting_fetch)
    inputs = [order_input(number, quantity="0.1") for number in range(count)]
    for document in (AUTHORIZE_ORDERS, AUTHORIZE_ORDERS.replace("mutation Many", "mutation Other")):
        answers = (await client.query(document, inputs=inputs))["authorizeOrders"]
        assert [answer["order"]["clientOrderId"] for answer in answers] == [f"O-{number}" for number in range(count)]
        assert sorted(statements) == ["Budget", "Hold", "Order"]
        statements.clear()


async def test_a_reducing_order_needs_no_price(client: Client) -> None:
    """It holds nothing; in a batch, the answers of the others are given."""
    reducing = order_input(1, type="MARKET", side="SELL", reduceOnly=True, price=...)
    zero = {"amount": "0", "remaining": "0", "currency": "USDT", "unitPrice": "0"}
    for _ in range(2):
        answers = (await client.query(AUTHORIZE_ORDERS, inputs=[reducing, order_input(2)]))["authorizeOrders"]
        assert [answer["__typename"] for answer in answers] == ["OrderAuthorized"] * 2
    assert (await client.query(AUTHORIZE_ORDER, input=reducing))["authorizeOrder"]["hold"] == zero


async def test_a_granted_order_is_released(client: Client) -> None:
    await client.query(AUTHORIZE_ORDER, input=order_input(1))
    release = """mutation ($id: String!, $strategy: StrategyRef!) {
        releaseOrder(clientOrderId: $id, strategy: $strategy) {
            __typename
            ... on OrderReleased {
                isRepeated decidedAt order { status hold { remaining voided } events { nodes { type tsEvent } } }
                budget { reserved }
            }
            ... on Error { code }
        }
    }"""
    strategy = {"id": str(STRATEGY_ID)}
    released = (await client.query(release, id="O-1", strategy=strategy))["releaseOrder"]
    assert released["order"]["hold"] == {"remaining": "0", "voided": "100"}
    assert released["budget"] == {"reserved": "0"}
    assert released["isRepeated"] is False
    assert released["decidedAt"] in [one["tsEvent"] for one in released["order"]["events"]["nodes"]]
    again = (await client.query(release, id="O-1", strategy=strategy))["releaseOrder"]
    assert again == released | {"isRepeated": True}
    unreadable = (await client.query(release, id="O\0", strategy=strategy))["releaseOrder"]
    assert unreadable["__typename"] == "NotFound"
    unknown = (await client.query(release, id="O-2", strategy=strategy))["releaseOrder"]
    assert unknown == {"__typename": "NotFound", "code": "ORDER_NOT_FOUND"}
    await client.query(AUTHORIZE_ORDER, input=order_input(3, quantity="100"))
    denied = (await client.query(release, id="O-3", strategy=strategy))["releaseOrder"]
    assert denied == {"__typename": "Conflict", "code": "ORDER_NOT_RELEASABLE"}


async def test_a_granted_order_shows_its_deleted_budget(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    database = app.state.context.database
    await prepare(database)
    await client.query(AUTHORIZE_ORDER, input=order_input(1))
    await allocate(database, None)
    budget = (await client.query(AUTHORIZE_ORDER, input=order_input(1)))["authorizeOrder"]["budget"]
    assert budget == {"currency": "USDT", "reserved": "100", "available": "-100", "version": 3}


async def test_mutations_of_one_document_run_in_order(client: Client) -> None:
    fields = "... on OrderAuthorized { budget { reserved } }"
    document = f"""mutation ($a: AuthorizeOrderInput!, $b: AuthorizeOrderInput!) {{
        a: authorizeOrder(input: $a) {{ {fields} }} b: authorizeOrder(input: $b) {{ {fields} }} }}"""
    answers = await client.query(document, a=order_input(1), b=order_input(2))
    assert answers == {"a": {"budget": {"reserved": "100"}}, "b": {"budget": {"reserved": "200"}}}


@pytest.mark.parametrize(
    ("payload", "rows"),
    [
        ("__typename", 1),
        ("... on OrderAuthorized { order { hold { amount } } }", 1 + 2),
        ("... on OrderAuthorized { order { id } budget { id } hold { amount } } ... on OrderDenied { reason }", 1 + 3),
        ("... on OrderDenied { order { fills(first: 10) { nodes { id } } } }", 1 + 1 + 10),
    ],
)
async def test_the_cost_of_a_mutation_depends_on_its_selection(client: Client, payload: str, rows: int) -> None:
    wrong = order_input(1, quantity="0")
    one = f"mutation ($i: AuthorizeOrderInput!) {{ authorizeOrder(input: $i) {{ {payload} }} }}"
    many = f"mutation ($i: [AuthorizeOrderInput!]!) {{ authorizeOrders(inputs: $i) {{ {payload} }} }}"
    for document, input, expected in (
        (one, wrong, rows),
        (many, [wrong] * 7, 7 * rows),
        (many, wrong, rows),
        (many, [], 0),
    ):
        answer = await client.graphql(document, i=input)
        assert "errors" not in answer
        assert answer["extensions"]["cost"]["requested"] == expected


async def test_more_than_a_thousand_orders_are_refused(client: Client) -> None:
    body = await client.graphql(AUTHORIZE_ORDERS, inputs=[order_input(number) for number in range(1001)])
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert "at most 1000" in error["message"]
    assert "data" not in body
    assert await client.query("{ orders { totalCount } }") == {"orders": {"totalCount": 0}}


async def test_a_viewer_cannot_authorize_orders(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "LOCAL", replace(LOCAL, role=Role.VIEWER))
    for document, variables in (
        (AUTHORIZE_ORDER, {"input": order_input(1)}),
        (AUTHORIZE_ORDERS, {"inputs": [order_input(1), order_input(2, quantity="-1")]}),
    ):
        body = await client.graphql(document, **variables)
        assert body["data"] is None
        assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
    assert await client.query("{ orders { totalCount } }") == {"orders": {"totalCount": 0}}


async def test_a_busy_ledger_is_a_503_with_retry_after(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any) -> None:
        raise Busy

    monkeypatch.setattr(GroupCommit, "authorize", refuse)
    for accept in ("application/json", "application/graphql-response+json"):
        for document, variables in (
            (AUTHORIZE_ORDER, {"input": order_input(1)}),
            (AUTHORIZE_ORDERS, {"inputs": [order_input(1)]}),
        ):
            body = {"query": document, "variables": variables}
            response = await client.http.post("/graphql", json=body, headers={"accept": accept})
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
            assert "data" not in response.json()
            assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["BUSY"]
    two = " ".join(f"{name}: authorizeOrder(input: $input) {{ __typename }}" for name in "ab")
    # Of several acts one may have taken effect: the answer is data and errors as ever.
    both = f"mutation ($input: AuthorizeOrderInput!) {{ {two} }}"
    response = await client.http.post("/graphql", json={"query": both, "variables": {"input": order_input(1)}})
    assert (response.status_code, response.json()["data"]) == (200, None)


@pytest.mark.parametrize(("number", "right"), [("0.10", "0.1"), ("1e25", "10000000000000000000000000")])
async def test_a_decimal_given_as_a_number_is_refused_with_the_right_form(
    client: Client, number: str, right: str
) -> None:
    budget = f"""mutation {{ setBudget(strategy: {{name: "EMACross-000"}}, currency: "USDT", allocated: {number}) {{
        __typename }} }}"""
    for answer in (
        await client.graphql(budget),
        await client.graphql(AUTHORIZE_ORDER, input=order_input(1, quantity=float(number))),
    ):
        (error,) = answer["errors"]
        assert f'a Decimal is given as a string, so that no digit is lost: "{right}"' in error["message"]
