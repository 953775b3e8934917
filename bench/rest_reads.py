"""Reading 100 of 200,000 orders over REST, against hand-written routes and FastAPI's usual way.

Purser's documented response has the row count of the whole list in a header. Two of the hand-written routes omit it.
"""

from contextlib import ExitStack

import orjson

from bench.http_load import answer_to, get
from bench.results import Comparison
from bench.servers import database_with_rows, uvicorn
from bench.turns import CONNECTIONS, ROUNDS, in_turns

ORDERS = 200_000
PATH = "/api/trading/orders?limit=100"
PEERS = {
    "bench.peers.by_hand:create_app": ("hand-written FastAPI + asyncpg", 0.9),
    "bench.peers.by_hand_uncounted:create_app": ("the same without a count", 0.9),
    "bench.peers.by_hand_uncounted:create_app_of_rows": ("hand-written FastAPI + asyncpg + orjson, no count", 1.0),
    "bench.peers.fastapi_sqlmodel:create_app": ("FastAPI + SQLModel response_model", 6.0),
}


async def run() -> list[Comparison]:
    """Starts all servers and queries them in turns."""
    request = get(PATH)
    async with database_with_rows(ORDERS) as url:
        with ExitStack() as servers:
            asked = {
                application: (servers.enter_context(uvicorn(application, url)), request)
                for application in ("app.cli.worker:create_app", *PEERS)
            }
            ours, by_hand, uncounted, *others = [await answer_to(*one) for one in asked.values()]
            assert ours == by_hand == uncounted, "the bytes differ: the comparison would mean nothing"
            for other in others:
                assert _content(ours) == _content(other), "the answers differ: the comparison would mean nothing"
            figures = await in_turns(asked)
    return [
        Comparison(
            what="REST: 100 orders",
            how=f"GET {PATH} of {ORDERS:,} orders, {CONNECTIONS} keep-alive connections, one uvicorn worker each, "
            f"{ROUNDS} rounds in turns",
            unit="requests/s",
            against=name,
            ours=figures["app.cli.worker:create_app"],
            theirs=figures[application],
            ratio_min=ratio_min,
        )
        for application, (name, ratio_min) in PEERS.items()
    ]


def _content(body: bytes) -> object:
    """The rows with decimals as numbers: pydantic writes them as strings."""
    amounts = ("quantity", "filled_qty", "leaves_qty", "price", "trigger_price", "avg_px")
    rows = orjson.loads(body)
    return [{**row, **{key: row[key] and float(row[key]) for key in amounts}} for row in rows]
