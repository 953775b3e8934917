"""GraphQL and REST with a pool of one connection: a request that needs a second one would deadlock."""

import asyncio
from typing import Any

import pytest
from graphql import OperationDefinitionNode, OperationType, parse

from tests.events import published
from tests.graphql_schema.authorization_documents import (
    AUTHORIZE_ORDER,
    AUTHORIZE_ORDERS,
    INSTRUMENT,
    STRATEGY,
    STRATEGY_ID,
    TRADER,
    order_input,
)
from tests.graphql_schema.test_administration import (
    BY_ID,
    DELETE_BUDGET,
    INSTRUMENTS,
    REGISTER_STRATEGY,
    SET_BUDGET,
    SIGNAL,
)
from tests.graphql_schema.test_event_recording import RECORD
from tests.graphql_schema.test_graphiql import EXAMPLES, read
from tests.reads.serving import Client, serving

pytestmark = pytest.mark.anyio

READS = [
    "/health/ready",
    *(f"/api/trading/{name}" for name in ("strategies", "orders", "fills", "fills/summary", "positions", "summary")),
    *(f"/api/trading/orders/O-1{suffix}" for suffix in ("", "/fills", "/deny-reason")),
    *("/api/trading/audit", "/api/budget/registry", f"/api/budget/{STRATEGY_ID}"),
    f"/api/budget/{STRATEGY_ID}/pnl/realized",
]
SET_STATE = """mutation ($strategy: StrategyRef!) {
  setTradingState(strategy: $strategy, state: REDUCING) { ... on TradingStateSet { strategies { name } } } }"""
RELEASE_ORDER = """mutation ($strategy: StrategyRef!, $id: String!) {
  releaseOrder(strategy: $strategy, clientOrderId: $id) { __typename ... on OrderReleased { order { status } } } }"""


async def test_no_request_needs_two_connections(database_url: str) -> None:
    async with serving(database_url, pool_size_max=1, acquire_timeout_seconds=1) as (_, client):
        await run_every_mutation(client)
        for path in READS:
            assert (await client.http.get(path)).status_code == 200, path
        for example in EXAMPLES:
            document, variables = read(example)
            (operation,) = parse(document).definitions
            assert isinstance(operation, OperationDefinitionNode)
            if operation.operation is OperationType.QUERY:
                await client.query(document, **variables)
        assert all(await asyncio.gather(*(client.query("{ summary { orders } }") for _ in range(20))))
        await delete_budgets(client)


async def run_every_mutation(client: Client) -> None:
    """Runs every mutation, and PUT."""
    await client.query(REGISTER_STRATEGY, name=STRATEGY, trader=TRADER)
    # An order in an instrument that no fill has made known, and a fill that makes its instrument known.
    waiting = {"client_order_id": "O-0", "instrument_id": "ETHUSDT.BINANCE", "options": {"price": "100"}}
    events: list[Any] = [published("OrderInitialized", 1, **waiting)]
    for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderFilled"), start=2):
        events.append(published(kind, n, client_order_id="O-00"))
    assert (await client.query(RECORD, events=events))["recordEvents"]["accepted"] == len(events)
    instrument = {"instrumentId": "ETHUSDT.BINANCE", "quoteCurrency": "USDT", "settlementCurrency": "USDT"}
    await client.query(INSTRUMENTS, inputs=[instrument])
    assert (await client.query(SET_BUDGET, strategy=BY_ID, allocated="100000"))["setBudget"][
        "__typename"
    ] == "BudgetSet"
    response = await client.http.put(f"/api/budget/{STRATEGY_ID}/USDT", content='{"allocated": 200000}')
    assert response.status_code == 200
    assert (await client.query(AUTHORIZE_ORDER, input=order_input(1)))["authorizeOrder"][
        "__typename"
    ] == "OrderAuthorized"
    answers = (await client.query(AUTHORIZE_ORDERS, inputs=[order_input(n) for n in range(2, 12)]))["authorizeOrders"]
    assert {answer["__typename"] for answer in answers} == {"OrderAuthorized"}
    await client.query(RELEASE_ORDER, strategy=BY_ID, id="O-1")
    signal = {"name": "cross", "value": {}, "tsEvent": "2022-01-01T00:00:00Z", "instrumentId": INSTRUMENT}
    await client.query(SIGNAL, input={**signal, "strategy": BY_ID})
    await client.query(SET_STATE, strategy=BY_ID)


async def delete_budgets(client: Client) -> None:
    """Deletes a budget over each API."""
    for currency in ("EUR", "CHF"):
        await client.query(SET_BUDGET, strategy=BY_ID, currency=currency, allocated="1")
    assert (await client.http.delete(f"/api/budget/{STRATEGY_ID}/EUR")).status_code == 204
    assert (await client.query(DELETE_BUDGET, strategy=BY_ID, currency="CHF"))["deleteBudget"][
        "__typename"
    ] == "BudgetDeleted"
