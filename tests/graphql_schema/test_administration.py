"""Administration over GraphQL: what each act answers, and how it refuses."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from tests.graphql_schema.authorization_documents import (
    AUTHORIZE_ORDER,
    INSTRUMENT,
    STRATEGY,
    STRATEGY_ID,
    TRADER,
    order_input,
)
from tests.ledger.authorizing import prepare
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

ERROR = "__typename ... on Error { code message } ... on InvalidInput { path }"
BY_ID = {"id": str(STRATEGY_ID)}
SET_BUDGET = f"""mutation ($strategy: StrategyRef!, $currency: String! = "USDT", $allocated: Decimal!) {{
  setBudget(strategy: $strategy, currency: $currency, allocated: $allocated) {{
    ... on BudgetSet {{ budget {{ allocated reserved available version strategy {{ name }} }} }} {ERROR} }} }}"""
DELETE_BUDGET = """mutation ($strategy: StrategyRef!, $currency: String! = "USDT") {
  deleteBudget(strategy: $strategy, currency: $currency) {
    ... on BudgetDeleted { strategyId currency } ... on NotFound { code } ... on Conflict { code } __typename } }"""
SET_STATE = """mutation ($strategy: StrategyRef, $scope: TradingScope, $state: TradingState!) {
  setTradingState(strategy: $strategy, scope: $scope, state: $state) {
    __typename
    ... on TradingStateSet { strategies { name state ownState } tradingState { state since actor } }
    ... on InvalidInput { code path } ... on NotFound { code } } }"""
RELEASE_ORDER = """mutation ($strategy: StrategyRef!, $id: String!) {
  releaseOrder(strategy: $strategy, clientOrderId: $id) { __typename } }"""
REGISTER_STRATEGY = """mutation ($name: String!, $trader: String!) {
  registerStrategy(name: $name, traderId: $trader) { strategy { strategyId name traderId state } } }"""
SIGNAL = f"""mutation ($input: SignalInput!) {{ recordSignal(input: $input) {{
  ... on SignalRecorded {{ signal {{ signalId name value instrumentId tsEvent strategy {{ name }} }} }} {ERROR} }} }}"""
INSTRUMENTS = "mutation ($inputs: [InstrumentInput!]!) { recordInstruments(inputs: $inputs) { count } }"


@pytest.fixture
async def client(own: tuple[FastAPI, Client]) -> Client:
    """A strategy with a budget of 1000 USDT, and its client."""
    app, client = own
    await prepare(app.state.context.database)
    return client


async def test_a_budget_is_set(client: Client) -> None:
    answer = (await client.query(SET_BUDGET, strategy={"name": STRATEGY}, allocated="2500.50"))["setBudget"]
    assert answer["budget"] == {
        **{"allocated": "2500.50", "reserved": "0", "available": "2500.50", "version": 2},
        "strategy": {"name": STRATEGY},
    }
    assert answer["__typename"] == "BudgetSet"


@pytest.mark.parametrize(
    ("changes", "typename", "code", "path"),
    [
        ({"allocated": "-1"}, "InvalidInput", "BAD_INPUT", ["allocated"]),
        ({"allocated": "1e31"}, "InvalidInput", "BAD_INPUT", ["allocated"]),
        ({"currency": ""}, "InvalidInput", "BAD_INPUT", ["currency"]),
        ({"strategy": {"name": "nobody"}}, "NotFound", "STRATEGY_NOT_FOUND", None),
        ({"strategy": {"id": str(UUID(int=5))}}, "NotFound", "STRATEGY_NOT_FOUND", None),
    ],
)
async def test_an_invalid_budget_is_refused(
    client: Client, changes: dict[str, Any], typename: str, code: str, path: list[str] | None
) -> None:
    answer = (await client.query(SET_BUDGET, **{"strategy": BY_ID, "allocated": "5", **changes}))["setBudget"]
    assert (answer["__typename"], answer["code"], answer.get("path")) == (typename, code, path)
    assert [one["version"] for one in (await client.query("{ budgets { version } }"))["budgets"]] == [1]


async def test_a_strategy_name_of_several_traders_is_an_error_when_setting_a_budget(client: Client) -> None:
    await client.query(REGISTER_STRATEGY, name=STRATEGY, trader="TRADER-002")
    body = await client.graphql(SET_BUDGET, strategy={"name": STRATEGY}, allocated="5")
    assert [error["extensions"]["code"] for error in body["errors"]] == ["STRATEGY_AMBIGUOUS"]
    assert body["data"] is None
    answer = (await client.query(DELETE_BUDGET, strategy={"name": STRATEGY}))["deleteBudget"]
    assert (answer["__typename"], answer["code"]) == ("Conflict", "STRATEGY_AMBIGUOUS")


async def test_a_budget_is_deleted_once_no_capital_is_reserved(client: Client) -> None:
    await client.query(AUTHORIZE_ORDER, input=order_input(1))
    answer = (await client.query(DELETE_BUDGET, strategy=BY_ID))["deleteBudget"]
    assert (answer["__typename"], answer["code"]) == ("Conflict", "BUDGET_IN_USE")
    await client.query(
        'mutation ($s: StrategyRef!) { releaseOrder(strategy: $s, clientOrderId: "O-1") { __typename } }', s=BY_ID
    )
    answer = (await client.query(DELETE_BUDGET, strategy=BY_ID))["deleteBudget"]
    assert answer == {"__typename": "BudgetDeleted", "strategyId": str(STRATEGY_ID), "currency": "USDT"}
    answer = (await client.query(DELETE_BUDGET, strategy=BY_ID))["deleteBudget"]
    assert (answer["__typename"], answer["code"]) == ("NotFound", "BUDGET_NOT_FOUND")


async def test_the_trading_state_of_a_strategy_and_of_all_trading_is_set(client: Client) -> None:
    await client.query(REGISTER_STRATEGY, name="Other-000", trader=TRADER)
    answer = (await client.query(SET_STATE, strategy={"name": STRATEGY}, state="REDUCING"))["setTradingState"]
    assert answer["strategies"] == [{"name": STRATEGY, "state": "REDUCING", "ownState": "REDUCING"}]
    assert answer["tradingState"] == {"state": "ACTIVE", "since": None, "actor": None}

    answer = (await client.query(SET_STATE, scope="ALL", state="HALTED"))["setTradingState"]
    assert sorted((one["name"], one["state"], one["ownState"]) for one in answer["strategies"]) == [
        (STRATEGY, "HALTED", "REDUCING"),
        ("Other-000", "HALTED", "ACTIVE"),
    ]
    halted = answer["tradingState"]
    assert (halted["state"], halted["actor"]) == ("HALTED", "local")
    assert await client.query("{ tradingState { since state actor } }") == {"tradingState": halted}
    denied = (await client.query(AUTHORIZE_ORDER, input=order_input(1)))["authorizeOrder"]
    assert (denied["denyCode"], denied["reason"]) == (
        *("TRADING_HALTED", "TRADING_HALTED: all trading is HALTED, quantity=1"),
    )
    (entry,) = (await client.query("{ auditLog(first: 1) { nodes { action entityType after } } }"))["auditLog"]["nodes"]
    assert (entry["action"], entry["entityType"], entry["after"]["state"]) == (
        *("trading.state", "trading_state", "HALTED"),
    )

    answer = (await client.query(SET_STATE, scope="ALL", state="ACTIVE"))["setTradingState"]
    assert {one["name"]: one["state"] for one in answer["strategies"]} == {STRATEGY: "REDUCING", "Other-000": "ACTIVE"}
    answer = (await client.query(SET_STATE, strategy={"name": "nobody"}, state="ACTIVE"))["setTradingState"]
    assert answer == {"__typename": "NotFound", "code": "STRATEGY_NOT_FOUND"}


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({}, "strategy"),
        ({"strategy": None}, "strategy"),
        ({"strategy": None, "scope": None}, "strategy"),
        ({"strategy": {"name": STRATEGY}, "scope": "ALL"}, "scope"),
    ],
)
async def test_a_trading_state_without_strategy_or_scope_is_refused(
    client: Client, arguments: dict[str, Any], path: str
) -> None:
    await client.query(SET_STATE, strategy={"name": STRATEGY}, state="REDUCING")
    await client.query(SET_STATE, scope="ALL", state="HALTED")
    state_query = (
        "{ tradingState { state since } strategies { nodes { name state ownState } } auditLog { totalCount } }"
    )
    before = await client.query(state_query)
    answer = (await client.query(SET_STATE, **arguments, state="ACTIVE"))["setTradingState"]
    assert (answer["__typename"], answer["code"], answer["path"]) == ("InvalidInput", "BAD_INPUT", [path])
    literal = await client.query("mutation { setTradingState(strategy: null, state: ACTIVE) { __typename } }")
    assert literal == {"setTradingState": {"__typename": "InvalidInput"}}
    assert await client.query(state_query) == before


@pytest.mark.parametrize("reference", [{}, {"id": None}, {"name": None}, {"id": None, "name": None}])
async def test_an_empty_strategy_reference_is_refused(client: Client, reference: dict[str, None]) -> None:
    before = await client.query("{ auditLog { totalCount } }")
    for document, more in (
        (SET_STATE, {"state": "HALTED"}),
        (SET_BUDGET, {"allocated": "5"}),
        (DELETE_BUDGET, {}),
        (RELEASE_ORDER, {"id": "O-1"}),
    ):
        body = await client.graphql(document, strategy=reference, **more)
        assert {error["extensions"]["code"] for error in body["errors"]} == {"VALIDATION_FAILED"}
        assert "data" not in body
    inner = "mutation ($id: UUID) { setTradingState(strategy: {id: $id}, state: HALTED) { __typename } }"
    assert await client.code(inner) == "VALIDATION_FAILED"
    assert await client.query("{ auditLog { totalCount } }") == before


async def test_strategies_are_filtered_by_effective_and_own_state(client: Client) -> None:
    await client.query(REGISTER_STRATEGY, name="Other-000", trader=TRADER)
    await client.query(SET_STATE, strategy={"name": STRATEGY}, state="HALTED")
    await client.query(SET_STATE, scope="ALL", state="REDUCING")
    document = "query ($f: StrategyFilter) { strategies(filter: $f) { totalCount nodes { name } } }"
    for filter, names in (
        ({"state": "ACTIVE"}, []),
        ({"state": "REDUCING"}, ["Other-000"]),
        ({"state": "HALTED"}, [STRATEGY]),
        ({"ownState": "ACTIVE"}, ["Other-000"]),
        ({"ownState": "ACTIVE", "state": "HALTED"}, []),
    ):
        listed = (await client.query(document, f=filter))["strategies"]
        assert (listed["totalCount"], [one["name"] for one in listed["nodes"]]) == (len(names), names)


async def test_a_strategy_is_registered_once(client: Client) -> None:
    first = await client.query(REGISTER_STRATEGY, name="New-000", trader=TRADER)
    assert first["registerStrategy"]["strategy"]["state"] == "ACTIVE"
    assert await client.query(REGISTER_STRATEGY, name="New-000", trader=TRADER) == first
    assert await client.code(REGISTER_STRATEGY, name="a\nb", trader=TRADER) == "BAD_REQUEST"


async def test_a_signal_is_recorded_once(client: Client) -> None:
    input = {
        **{"signalId": str(uuid4()), "strategy": {"name": STRATEGY}, "instrumentId": INSTRUMENT, "name": "cross"},
        **{"value": {"a": [1, None, "é"]}, "tsEvent": "2022-01-01T00:00:00.000000001Z"},
    }
    first = (await client.query(SIGNAL, input=input))["recordSignal"]
    assert first["signal"] == {**input, "strategy": {"name": STRATEGY}}
    assert (await client.query(SIGNAL, input=input))["recordSignal"] == first
    assert await client.code(SIGNAL, input={**input, "value": 2}) == "SIGNAL_CONFLICT"
    without_strategy = {"name": "noon", "value": None, "tsEvent": "2022-01-01T12:00:00Z"}
    body = await client.graphql(SIGNAL, input={**without_strategy, "value": 1})
    assert body["data"]["recordSignal"]["signal"]["strategy"] is None
    wrong = (await client.query(SIGNAL, input={**input, "name": ""}))["recordSignal"]
    assert (wrong["__typename"], wrong["path"]) == ("InvalidInput", ["input", "name"])
    unknown = (await client.query(SIGNAL, input={**input, "strategy": {"name": "nobody"}}))["recordSignal"]
    assert (unknown["__typename"], unknown["code"]) == ("NotFound", "STRATEGY_NOT_FOUND")


async def test_a_batch_of_instruments_is_recorded_completely_or_not_at_all(client: Client) -> None:
    known = {"instrumentId": "ETH.X", "quoteCurrency": "USDT", "settlementCurrency": "USDT"}
    several = [known, {**known, "instrumentId": "BTC.X", "baseCurrency": "BTC", "multiplier": "10"}]
    assert (await client.query(INSTRUMENTS, inputs=several))["recordInstruments"] == {"count": 2}
    assert (await client.query(INSTRUMENTS, inputs=several))["recordInstruments"] == {"count": 2}
    wrong = [{**known, "instrumentId": "SOL.X"}, {**known, "instrumentId": "XRP.X", "multiplier": "0"}]
    assert await client.code(INSTRUMENTS, inputs=wrong) == "BAD_REQUEST"
    order = order_input(1, instrumentId="SOL.X")
    assert (await client.query(AUTHORIZE_ORDER, input=order))["authorizeOrder"]["denyCode"] == "UNKNOWN_INSTRUMENT"
    many = [known] * 1001
    assert await client.code(INSTRUMENTS, inputs=many) == "BAD_REQUEST"
