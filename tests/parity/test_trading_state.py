"""GraphQL and REST show the effective trading state of a strategy."""

import pytest
from fastapi import FastAPI

from tests.ledger.authorizing import STRATEGY, prepare
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

SET = """mutation ($strategy: StrategyRef, $scope: TradingScope, $state: TradingState!) {
  setTradingState(strategy: $strategy, scope: $scope, state: $state) { __typename } }"""


async def test_both_apis_show_the_same_trading_state(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    await prepare(app.state.context.database)
    for arguments, state in (
        ({"strategy": {"name": STRATEGY}, "state": "REDUCING"}, "REDUCING"),
        ({"scope": "ALL", "state": "HALTED"}, "HALTED"),
        ({"scope": "ALL", "state": "ACTIVE"}, "REDUCING"),
        ({"strategy": {"name": STRATEGY}, "state": "ACTIVE"}, "ACTIVE"),
    ):
        assert await client.query(SET, **arguments) == {"setTradingState": {"__typename": "TradingStateSet"}}
        (strategy,) = (await client.get("/api/trading/strategies")).json()
        (node,) = (await client.query("{ strategies { nodes { state } } }"))["strategies"]["nodes"]
        assert strategy["state"] == node["state"] == state
