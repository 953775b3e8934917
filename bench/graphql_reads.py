"""GraphQL side by side: the same queries, database and rows; one worker for each server."""

from base64 import b64encode
from contextlib import ExitStack

import asyncpg
import orjson

from bench.graphql_queries import Place, Query, content, queries
from bench.http_load import answer_to, post_json
from bench.peers.postgraphile import SCHEMA, postgraphile, version
from bench.results import Comparison
from bench.servers import database_with_rows, uvicorn
from bench.turns import CONNECTIONS, ROUNDS, in_turns

ORDERS = 200_000
NAMES = {
    "by hand": "hand-written FastAPI + asyncpg",
    "postgraphile": "PostGraphile 5",
    "strawberry": "Strawberry + SQLModel",
}


async def run() -> list[Comparison]:
    """Starts all servers and queries them in turns."""
    async with database_with_rows(ORDERS) as url:
        return await side_by_side(url)


async def side_by_side(url: str) -> list[Comparison]:
    """Runs the comparison over a database that already has the rows."""
    connection = await asyncpg.connect(url)
    await connection.execute(SCHEMA)
    await connection.close()
    with ExitStack() as servers:
        ports = {
            "purser": servers.enter_context(uvicorn("app.cli.worker:create_app", url)),
            "by hand": servers.enter_context(uvicorn("bench.peers.by_hand_graphql:create_app", url)),
            "strawberry": servers.enter_context(uvicorn("bench.peers.strawberry_sqlmodel:create_app", url)),
            "postgraphile": servers.enter_context(postgraphile(url)),
        }
        place = await _place(url, ports["postgraphile"])
        comparisons = []
        for query in queries(place):
            comparisons += await _compare(query, ports)
        return comparisons


async def _place(url: str, postgraphile_port: int) -> Place:
    """The order after a tenth of the orders, from the oldest."""
    connection = await asyncpg.connect(url)
    strategy, client_order_id, ts_init = await connection.fetchrow(
        "SELECT strategy_id::text, client_order_id, ts_init FROM orders ORDER BY ts_init OFFSET $1 LIMIT 1",
        ORDERS // 10,
    )
    await connection.close()
    signature = "Order -ts_init,-client_order_id,-strategy_id"
    cursor = b64encode(orjson.dumps([signature, str(ts_init), client_order_id, strategy])).decode()
    document = """query ($id: String!) {
      allOrders(first: 1, condition: {clientOrderId: $id}, orderBy: TS_INIT_DESC) { edges { cursor } } }"""
    request = post_json("/graphql", {"query": document, "variables": {"id": client_order_id}})
    answer = orjson.loads(await answer_to(postgraphile_port, request))
    return Place(strategy, client_order_id, ts_init, cursor, answer["data"]["allOrders"]["edges"][0]["cursor"])


async def _compare(query: Query, ports: dict[str, int]) -> list[Comparison]:
    requests = {name: (port, query.request(name)) for name, port in ports.items()}
    answers = {name: content(await answer_to(*request)) for name, request in requests.items()}
    for name, answer in answers.items():
        assert answer == answers["purser"], f"{query.name}: {name} answers something else"
    figures = await in_turns(requests)
    return [
        Comparison(
            what=f"GraphQL: {query.name}",
            how=f"{query.what}; {ORDERS:,} orders, {CONNECTIONS} keep-alive connections, one worker each, "
            f"{ROUNDS} rounds in turns; {version() if name == 'postgraphile' else 'one uvicorn worker'}; "
            "answers equal in content",
            unit="requests/s",
            against=NAMES[name],
            ours=figures["purser"],
            theirs=figures[name],
            ratio_min=query.ratios_min.get(name),
        )
        for name in requests
        if name != "purser"
    ]
