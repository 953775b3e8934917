"""GraphQL and REST show a strategy's effective trading state."""

import pytest
from fastapi import FastAPI

from tests.ledger.authorizing import STRATEGY, prepare
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

SET = """mutation ($strategy: StrategyRef, $scope: TradingScope, $state: TradingState!) {
  setTradingState(strategy: $strategy, scope: $scope, state: $state) { __typename } }"""


async def test_a_strategy_has_one_state_on_both_faces(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    await prepare(app.state.context.database)
    for act, shown in (
        ({"strategy": {"name": STRATEGY}, "state": "REDUCING"}, "REDUCING"),
        ({"scope": "ALL", "state": "HALTED"}, "HALTED"),
        ({"scope": "ALL", "state": "ACTIVE"}, "REDUCING"),
        ({"strategy": {"name": STRATEGY}, "state": "ACTIVE"}, "ACTIVE"),
    ):
        assert await client.query(SET, **act) == {"setTradingState": {"__typename": "TradingStateSet"}}
        (strategy,) = (await client.get("/api/trading/strategies")).json()
        (node,) = (await client.query("{ strategies { nodes { state } } }"))["strategies"]["nodes"]
        assert strategy["state"] == node["state"] == shown
