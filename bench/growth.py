"""The cost of the same queries over ten thousand orders and over two million: `python -m bench growth`.

It takes minutes and some gigabytes, so it runs only when it is named.
"""

import asyncio
import time
from base64 import b64encode
from contextlib import AsyncExitStack
from statistics import median
from typing import Any

import asyncpg
import orjson

from app.database import Database
from app.principal import LOCAL
from app.resolvers import Context
from app.settings import FixedLimits, Settings
from bench.results import Comparison
from bench.servers import database_with_rows
from graphql_schema.caller import Caller
from graphql_schema.http.application import GraphQLEndpoint
from graphql_schema.http.documents import Documents
from graphql_schema.schema import schema

SMALL, LARGE = 10_000, 2_000_000
ROUNDS = 9
ASKED_IN_A_ROUND = 60
P50_RATIO_MAX = 1.5

_ORDERS = """query ($after: String, $filter: OrderFilter) { orders(first: 50, after: $after, filter: $filter) {
  nodes { clientOrderId strategyId instrumentId side status quantity price tsInit } } }"""
_NESTED = """{ orders(first: 50) { nodes { clientOrderId fills(first: 10) { nodes { tradeId lastQty tsEvent } } } } }"""
_FILLS = "query ($filter: FillFilter) { fills(first: 50, filter: $filter) { nodes { tradeId lastQty tsEvent } } }"
_COUNT = "query ($filter: OrderFilter) { orders(first: 0, filter: $filter) { totalCount } }"
_ORDER = "query ($id: String!) { order(clientOrderId: $id) { strategyId instrumentId side status quantity tsInit } }"
_SUMMARY = "{ summary { orders fills } }"
_SUMS = "{ fillsSummary(groupBy: [INSTRUMENT]) { totalFills groups { instrumentId fills quantity notional } } }"

Queries = dict[str, tuple[str, dict[str, Any]]]


async def run() -> list[Comparison]:
    """Queries both databases in turns; figures are responses a second of one client."""
    async with AsyncExitStack() as stack:
        sides = []
        for orders in (LARGE, SMALL):
            url = await stack.enter_async_context(database_with_rows(orders))
            database = await Database.open(url)
            stack.push_async_callback(database.close)
            sides.append(
                (
                    Caller(Context(database), LOCAL),
                    GraphQLEndpoint(schema._schema, Settings(), FixedLimits()).documents,
                    await _queries(url, orders),
                )
            )
        return [await _compare(name, sides) for name in sides[0][2]]


async def _compare(name: str, sides: list[tuple[Caller, Documents, Queries]]) -> Comparison:
    figures: list[list[float]] = [[], []]
    for number in range(ROUNDS + 1):
        for index in (0, 1) if number % 2 else (1, 0):
            caller, documents, queries = sides[index]
            text, variables = queries[name]
            plans = documents.find(text).operation(None).plans
            assert plans is not None
            seconds = []
            for _ in range(ASKED_IN_A_ROUND):
                started = time.perf_counter()
                answer = await plans.answer(variables, caller)
                seconds.append(time.perf_counter() - started)
                assert isinstance(answer, bytes)
            if number:  # the first round warms up
                figures[index].append(1 / median(seconds))
    return Comparison(
        what=f"growth: {name}",
        how=f"p50 over {LARGE:,} orders against {SMALL:,}, in process, {ROUNDS} rounds of {ASKED_IN_A_ROUND} in turns",
        unit="/s",
        against=f"the same over {SMALL:,} orders",
        ours=figures[0],
        theirs=figures[1],
        ratio_min=1 / P50_RATIO_MAX,
    )


async def _queries(url: str, orders: int) -> Queries:
    connection = await asyncpg.connect(url)
    row = await connection.fetchrow(
        "SELECT strategy_id::text AS strategy, client_order_id AS id, ts_init FROM orders WHERE client_order_id = $1",
        f"O-{orders // 2:09}",
    )
    await connection.close()
    assert row is not None
    signature = "Order -ts_init,-client_order_id,-strategy_id"
    cursor = b64encode(orjson.dumps([signature, str(row["ts_init"]), row["id"], row["strategy"]])).decode()
    strategy = {"strategyId": {"eq": row["strategy"]}}
    instrument = {"instrumentId": {"eq": "COIN3USDT-PERP.BINANCE"}}
    return {
        "first page": (_ORDERS, {}),
        "page with fills": (_NESTED, {}),
        "page in the middle": (_ORDERS, {"after": cursor}),
        "page in the middle, of a strategy": (_ORDERS, {"after": cursor, "filter": strategy}),
        "first page, of an instrument": (_ORDERS, {"filter": instrument}),
        "first page, of an instrument without orders": (_ORDERS, {"filter": {"instrumentId": {"eq": "NONE"}}}),
        "first page, by status": (_ORDERS, {"filter": {"status": {"eq": "DENIED"}}}),
        "first page of an unused status": (_ORDERS, {"filter": {"status": {"eq": "EXPIRED"}}}),
        "one order by id": (_ORDER, {"id": row["id"]}),
        "orders of an id": (_ORDERS, {"filter": {"clientOrderId": {"eq": row["id"]}}}),
        "fills of an order": (_FILLS, {"filter": {**strategy, "clientOrderId": {"eq": row["id"]}}}),
        "first page of fills, of a strategy": (_FILLS, {"filter": strategy}),
        "count of a strategy's orders": (_COUNT, {"filter": strategy}),
        "summary": (_SUMMARY, {}),
        "sums of fills by instrument": (_SUMS, {}),
    }


if __name__ == "__main__":
    asyncio.run(run())
