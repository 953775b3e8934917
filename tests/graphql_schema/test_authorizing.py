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
from tests.graphql_schema.acting import ANSWER, INSTRUMENT, MANY, ONE, STRATEGY, STRATEGY_ID, asked
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
async def desk(own: tuple[FastAPI, Client]) -> Client:
    """A strategy with a budget of 1000 USDT."""
    app, client = own
    await prepare(app.state.context.database)
    return client


async def test_an_order_within_its_budget_is_authorized(desk: Client) -> None:
    assert (await desk.query(ONE, input=asked(1)))["authorizeOrder"] == GRANTED


async def test_the_same_order_asked_again_has_the_same_answer(desk: Client) -> None:
    first = await desk.query(ONE, input=asked(1))
    assert await desk.query(ONE, input=asked(1)) == first


async def test_an_answer_says_whether_it_is_repeated_since_when_and_what_holds_now(desk: Client) -> None:
    fields = "isRepeated decidedAt strategyState"
    told = f"""fragment Told on AuthorizeOrderResult {{
        __typename ... on OrderAuthorized {{ {fields} }} ... on OrderDenied {{ {fields} denyCode }} }}"""
    many = f"mutation ($inputs: [AuthorizeOrderInput!]!) {{ authorizeOrders(inputs: $inputs) {{ ...Told }} }} {told}"
    halt = "mutation ($state: TradingState!) { setTradingState(scope: ALL, state: $state) { __typename } }"
    inputs = [asked(1), asked(2, quantity="20")]
    first = (await desk.query(many, inputs=inputs))["authorizeOrders"]
    assert [(one["isRepeated"], one["strategyState"]) for one in first] == [(False, "ACTIVE")] * 2
    await desk.query(halt, state="HALTED")
    again = (await desk.query(many, inputs=[*inputs, asked(3)]))["authorizeOrders"]
    repeated = [{**one, "isRepeated": True, "strategyState": "HALTED"} for one in first]
    assert again[:2] == repeated
    assert (again[2]["isRepeated"], again[2]["denyCode"]) == (False, "TRADING_HALTED")
    await desk.query(halt, state="ACTIVE")
    (late,) = (await desk.query(many, inputs=[asked(3)]))["authorizeOrders"]
    assert late == {**again[2], "isRepeated": True, "strategyState": "ACTIVE"}
    events = "{ orders { nodes { clientOrderId events { nodes { type tsEvent } } } } }"
    nodes = (await desk.query(events))["orders"]["nodes"]
    written = {one["clientOrderId"]: one["events"]["nodes"][0]["tsEvent"] for one in nodes}
    assert [one["decidedAt"] for one in (*first, late)] == [written[f"O-{number}"] for number in (1, 2, 3)]


async def test_an_order_beyond_its_budget_is_denied_and_kept(desk: Client) -> None:
    denied = (await desk.query(ONE, input=asked(1, quantity="12")))["authorizeOrder"]
    reason = "available=1000 USDT, required=1200 USDT"
    assert denied == {
        "__typename": "OrderDenied",
        "order": {"status": "DENIED", "denyReason": f"BUDGET_EXCEEDED: {reason}"},
        "denyCode": "BUDGET_EXCEEDED",
        "reason": f"BUDGET_EXCEEDED: {reason}",
        "checkedBudget": {"available": "1000"},
    }
    kept = (await desk.query('{ order(clientOrderId: "O-1") { status authorizationStatus } }'))["order"]
    assert kept == {"status": "DENIED", "authorizationStatus": "DENIED"}


async def test_an_order_without_a_budget_has_none_to_show(desk: Client) -> None:
    denied = (await desk.query(ONE, input=asked(1, instrumentId="X.Y")))["authorizeOrder"]
    assert (denied["denyCode"], denied["checkedBudget"]) == ("UNKNOWN_INSTRUMENT", None)
    denied = (await desk.query(ONE, input=asked(2, instrumentId="X.Y", currency="EUR")))["authorizeOrder"]
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
async def test_what_is_refused_says_why_and_changes_nothing(
    desk: Client, changes: dict[str, Any], typename: str, code: str, path: list[str] | None
) -> None:
    refused = (await desk.query(ONE, input=asked(1, **changes)))["authorizeOrder"]
    assert (refused["__typename"], refused["code"], refused.get("path")) == (typename, code, path)
    assert refused["message"]
    assert await desk.query("{ orders { totalCount } }") == {"orders": {"totalCount": 0}}


async def test_other_input_under_the_same_id_is_a_conflict(desk: Client) -> None:
    await desk.query(ONE, input=asked(1))
    conflict = (await desk.query(ONE, input=asked(1, quantity="2")))["authorizeOrder"]
    assert (conflict["__typename"], conflict["code"]) == ("Conflict", "AUTHORIZATION_CONFLICT")


async def test_each_of_many_has_its_own_answer_in_its_place(desk: Client) -> None:
    inputs = [
        asked(1),
        asked(2, quantity="-1"),
        asked(3, quantity="20"),
        asked(4, strategy={"name": "nobody"}),
        asked(1, quantity="3"),
        asked(1),
        asked(5, strategy={"id": str(STRATEGY_ID)}),
    ]
    answers = (await desk.query(MANY, inputs=inputs))["authorizeOrders"]
    assert [answer["__typename"] for answer in answers] == [
        *("OrderAuthorized", "InvalidInput", "OrderDenied", "NotFound"),
        *("Conflict", "OrderAuthorized", "OrderAuthorized"),
    ]
    assert answers[1]["path"] == ["inputs", "1", "quantity"]
    # Each tells of its own order; the budget is as it stands after all of them.
    assert answers[0]["order"]["clientOrderId"] == answers[5]["order"]["clientOrderId"] == "O-1"
    assert answers[0]["budget"]["reserved"] == answers[6]["budget"]["reserved"] == "200"


async def test_inputs_in_the_document_itself_are_read_alike(desk: Client) -> None:
    fields = f'clientOrderId: "O-1", instrumentId: "{INSTRUMENT}", side: BUY, type: LIMIT, quantity: 1, price: "100"'
    document = f'mutation {{ authorizeOrder(input: {{strategy: {{name: "{STRATEGY}"}}, {fields}}}) {{ {ANSWER} }} }}'
    assert (await desk.query(document))["authorizeOrder"] == GRANTED


@pytest.mark.parametrize("count", [2, 100])
async def test_the_answers_of_many_are_three_statements(
    desk: Client, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    statements = []
    ask = lookups.fetch_by_keys

    async def bodies(*arguments: Any) -> Any:
        statements.append(arguments[2].name)
        return await ask(*arguments)

    monkeypatch.setattr(lookups, "fetch_by_keys", bodies)
    inputs = [asked(number, quantity="0.1") for number in range(count)]
    for document in (MANY, MANY.replace("mutation Many", "mutation Other")):
        answers = (await desk.query(document, inputs=inputs))["authorizeOrders"]
        assert [answer["order"]["clientOrderId"] for answer in answers] == [f"O-{number}" for number in range(count)]
        assert sorted(statements) == ["Budget", "Hold", "Order"]
        statements.clear()


async def test_an_order_that_only_reduces_needs_no_price(desk: Client) -> None:
    """It holds nothing; in a batch, the answers of the others are given."""
    reducing = asked(1, type="MARKET", side="SELL", reduceOnly=True, price=...)
    zero = {"amount": "0", "remaining": "0", "currency": "USDT", "unitPrice": "0"}
    for _ in range(2):
        answers = (await desk.query(MANY, inputs=[reducing, asked(2)]))["authorizeOrders"]
        assert [answer["__typename"] for answer in answers] == ["OrderAuthorized"] * 2
    assert (await desk.query(ONE, input=reducing))["authorizeOrder"]["hold"] == zero


async def test_an_order_is_released_once_it_is_not_to_leave(desk: Client) -> None:
    await desk.query(ONE, input=asked(1))
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
    whose = {"id": str(STRATEGY_ID)}
    released = (await desk.query(release, id="O-1", strategy=whose))["releaseOrder"]
    assert released["order"]["hold"] == {"remaining": "0", "voided": "100"}
    assert released["budget"] == {"reserved": "0"}
    assert released["isRepeated"] is False
    assert released["decidedAt"] in [one["tsEvent"] for one in released["order"]["events"]["nodes"]]
    again = (await desk.query(release, id="O-1", strategy=whose))["releaseOrder"]
    assert again == released | {"isRepeated": True}
    unreadable = (await desk.query(release, id="O\0", strategy=whose))["releaseOrder"]
    assert unreadable["__typename"] == "NotFound"
    unknown = (await desk.query(release, id="O-2", strategy=whose))["releaseOrder"]
    assert unknown == {"__typename": "NotFound", "code": "ORDER_NOT_FOUND"}
    await desk.query(ONE, input=asked(3, quantity="100"))
    denied = (await desk.query(release, id="O-3", strategy=whose))["releaseOrder"]
    assert denied == {"__typename": "Conflict", "code": "ORDER_NOT_RELEASABLE"}


async def test_a_granted_order_is_told_though_its_budget_was_taken_away_since(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    database = app.state.context.database
    await prepare(database)
    await client.query(ONE, input=asked(1))
    await allocate(database, None)
    budget = (await client.query(ONE, input=asked(1)))["authorizeOrder"]["budget"]
    assert budget == {"currency": "USDT", "reserved": "100", "available": "-100", "version": 3}


async def test_acts_of_one_document_run_one_after_the_other(desk: Client) -> None:
    fields = "... on OrderAuthorized { budget { reserved } }"
    document = f"""mutation ($a: AuthorizeOrderInput!, $b: AuthorizeOrderInput!) {{
        a: authorizeOrder(input: $a) {{ {fields} }} b: authorizeOrder(input: $b) {{ {fields} }} }}"""
    answers = await desk.query(document, a=asked(1), b=asked(2))
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
async def test_an_act_costs_what_is_asked_of_its_answer(desk: Client, payload: str, rows: int) -> None:
    wrong = asked(1, quantity="0")
    one = f"mutation ($i: AuthorizeOrderInput!) {{ authorizeOrder(input: $i) {{ {payload} }} }}"
    many = f"mutation ($i: [AuthorizeOrderInput!]!) {{ authorizeOrders(inputs: $i) {{ {payload} }} }}"
    for document, input, expected in (
        (one, wrong, rows),
        (many, [wrong] * 7, 7 * rows),
        (many, wrong, rows),
        (many, [], 0),
    ):
        answer = await desk.graphql(document, i=input)
        assert "errors" not in answer
        assert answer["extensions"]["cost"]["requested"] == expected


async def test_more_than_a_thousand_are_refused_before_any_is_looked_at(desk: Client) -> None:
    body = await desk.graphql(MANY, inputs=[asked(number) for number in range(1001)])
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert "at most 1000" in error["message"]
    assert "data" not in body
    assert await desk.query("{ orders { totalCount } }") == {"orders": {"totalCount": 0}}


async def test_what_a_viewer_may_not_do_is_an_error_and_nothing_is_done(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "LOCAL", replace(LOCAL, role=Role.VIEWER))
    for document, variables in ((ONE, {"input": asked(1)}), (MANY, {"inputs": [asked(1), asked(2, quantity="-1")]})):
        body = await desk.graphql(document, **variables)
        assert body["data"] is None
        assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
    assert await desk.query("{ orders { totalCount } }") == {"orders": {"totalCount": 0}}


async def test_who_cannot_be_served_now_gets_503_and_is_told_to_ask_again(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> None:
        raise Busy

    monkeypatch.setattr(GroupCommit, "authorize", refuse)
    for accept in ("application/json", "application/graphql-response+json"):
        for document, variables in ((ONE, {"input": asked(1)}), (MANY, {"inputs": [asked(1)]})):
            body = {"query": document, "variables": variables}
            response = await desk.http.post("/graphql", json=body, headers={"accept": accept})
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
            assert "data" not in response.json()
            assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["BUSY"]
    two = " ".join(f"{name}: authorizeOrder(input: $input) {{ __typename }}" for name in "ab")
    # Of several acts one may have taken effect: the answer is data and errors as ever.
    both = f"mutation ($input: AuthorizeOrderInput!) {{ {two} }}"
    response = await desk.http.post("/graphql", json={"query": both, "variables": {"input": asked(1)}})
    assert (response.status_code, response.json()["data"]) == (200, None)


@pytest.mark.parametrize(("number", "right"), [("0.10", "0.1"), ("1e25", "10000000000000000000000000")])
async def test_a_decimal_given_as_a_number_is_refused_with_the_form_that_is_right(
    desk: Client, number: str, right: str
) -> None:
    budget = f"""mutation {{ setBudget(strategy: {{name: "EMACross-000"}}, currency: "USDT", allocated: {number}) {{
        __typename }} }}"""
    for answer in (await desk.graphql(budget), await desk.graphql(ONE, input=asked(1, quantity=float(number)))):
        (error,) = answer["errors"]
        assert f'a Decimal is given as a string, so that no digit is lost: "{right}"' in error["message"]
