"""The header `X-Valuation` equals GraphQL's `valuation`, and response bodies stay as documented."""

from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI

from rest_compat import schemas
from rest_compat.responses import VALUATION_HEADER
from tests.events import published
from tests.ledger.authorizing import INSTRUMENT, STRATEGY, STRATEGY_ID, register
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

FILLED = ("OrderInitialized", "OrderSubmitted", "OrderFilled")
OPEN = ("OrderInitialized", "OrderSubmitted", "OrderAccepted")
BUDGET = f"/api/budget/{STRATEGY_ID}"
RECORD = "mutation ($events: [JSON!]!) { recordEvents(events: $events) { accepted quarantined } }"
RECORD_INSTRUMENT = """mutation { recordInstruments(inputs: [{instrumentId: "%s", quoteCurrency: "USDT",
  settlementCurrency: "USDT", multiplier: 10}]) { count } }"""
QUERY = """query ($id: UUID!) {
  budget(strategyId: $id, currency: "USDT") { valuation }
  fillsSummary(filter: {strategyId: {eq: $id}}) { valuation } }"""


@pytest.fixture
async def client(own: tuple[FastAPI, Client]) -> Client:
    """A client of a ledger with one strategy and its budget."""
    app, client = own
    await register(app.state.context.database, "TRADER-001", STRATEGY)
    assert (await client.http.put(f"{BUDGET}/USDT", json={"allocated": 1000})).status_code == 200
    return client


async def trade(client: Client, strategy: str, n: int, *kinds: str, **fields: Any) -> None:
    fields = {"strategy_id": strategy, "client_order_id": f"O-{n}", "options": {"price": "100"}, **fields}
    events = [published(kind, n + place, **fields) for place, kind in enumerate(kinds)]
    expected = {"accepted": len(events), "quarantined": 0}
    assert (await client.query(RECORD, events=events))["recordEvents"] == expected


async def valuation_headers(client: Client) -> dict[str, str]:
    """The header of each path that has one, after comparing bodies and GraphQL."""
    answers = {
        "get": await client.get(BUDGET),
        "named": await client.get(f"{BUDGET}?currency=USDT"),
        "put": await client.http.put(f"{BUDGET}/USDT", json={"allocated": 1000}),
        "pnl": await client.get(f"{BUDGET}/pnl/realized"),
        "summary": await client.get(f"/api/trading/fills/summary?strategy_id={STRATEGY_ID}"),
    }
    assert {answer.status_code for answer in answers.values()} == {200}
    for name in ("get", "named", "put"):
        assert answers[name].text == answers["get"].text
        assert list(answers[name].json()) == list(schemas.BudgetSummaryResponse.model_fields)
    found = {name: answer.headers[VALUATION_HEADER] for name, answer in answers.items()}
    graphql = await client.query(QUERY, id=STRATEGY_ID)
    assert {found[name] for name in ("get", "named", "put")} == {graphql["budget"]["valuation"]}
    # Without fills, GraphQL returns null and the header says RECORDED.
    assert found["summary"] == (graphql["fillsSummary"]["valuation"] or "RECORDED")
    return {name: found[name] for name in ("get", "pnl", "summary")}


async def test_a_budget_without_fills_is_valued_by_recorded_terms(client: Client) -> None:
    assert await valuation_headers(client) == {"get": "RECORDED", "pnl": "RECORDED", "summary": "RECORDED"}


async def test_fills_are_assumed_until_their_instrument_is_recorded(client: Client) -> None:
    await trade(client, STRATEGY, 1, *FILLED, last_px=Decimal(100))
    assert await valuation_headers(client) == {"get": "ASSUMED", "pnl": "ASSUMED", "summary": "ASSUMED"}
    assert (await client.get(BUDGET)).json()["reserved"] == 100
    await client.query(RECORD_INSTRUMENT % INSTRUMENT)
    assert await valuation_headers(client) == {"get": "RECORDED", "pnl": "RECORDED", "summary": "RECORDED"}
    assert (await client.get(BUDGET)).json()["reserved"] == 1000


async def test_an_open_order_valued_by_assumed_terms_marks_only_its_budget(client: Client) -> None:
    await trade(client, "Other-001", 1, *FILLED)
    await trade(client, STRATEGY, 11, *OPEN)
    assert (await client.get(BUDGET)).json()["reserved"] == 100
    assert await valuation_headers(client) == {"get": "ASSUMED", "pnl": "RECORDED", "summary": "RECORDED"}
    await trade(client, STRATEGY, 21, "OrderCanceled", client_order_id="O-11")
    assert await valuation_headers(client) == {"get": "RECORDED", "pnl": "RECORDED", "summary": "RECORDED"}


async def test_responses_with_lists_have_no_valuation_header(client: Client) -> None:
    await trade(client, STRATEGY, 1, *FILLED)
    lists = ("orders", "fills", "positions", "strategies", "orders/O-1/fills")
    for path in (*(f"/api/trading/{name}" for name in lists), "/api/budget/registry"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert VALUATION_HEADER not in answer.headers
