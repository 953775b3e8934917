"""Paging through all orders while a writer inserts more: each earlier row is returned once, and no row twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from fastapi import FastAPI

from app.database import Database
from app.models.orders import Order
from app.rules.enums import OrderStatus
from tests.reads.rows import BTC, EMA, ETH, MAKER, insert, ledger, order, store
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

ORDERS = 200
ORDERINGS = [
    [],
    [{"field": "QUANTITY", "direction": "ASC"}],
    [{"field": "INSTRUMENT_ID"}, {"field": "TS_INIT", "direction": "ASC"}, {"field": "STATUS"}],
]
PAGES = """
query ($by: [OrderSort!], $first: Int, $after: String, $last: Int, $before: String) {
  orders(orderBy: $by, first: $first, after: $after, last: $last, before: $before) {
    nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


def random_order(random: Random, number: int) -> Order:
    """An order that may come first, last or between others in any sort order."""
    return order(
        f"{random.choice('AMZ')}{number}",
        random.randrange(50),
        strategy_id=random.choice((EMA, MAKER)),
        instrument_id=random.choice((BTC, ETH)),
        status=random.choice(list(OrderStatus)).value,
        quantity=Decimal(random.randrange(1, 5)),
    )


@asynccontextmanager
async def background_writer(database: Database, random: Random) -> AsyncIterator[list[int]]:
    """Inserts one order after another in the background; the list has one item for each."""
    written: list[int] = []

    async def write() -> None:
        while True:
            async with database.unit_of_work() as work:
                await store(work, [random_order(random, ORDERS + len(written))])
                await work.commit()
            written.append(1)

    writer = asyncio.create_task(write())
    try:
        yield written
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)


async def walk(client: Client, by: Any, *, forward: bool) -> list[str]:
    """All ids in the order of the pages."""
    walked: list[str] = []
    cursor, has_more = None, True
    while has_more:
        arguments = {"first": 7, "after": cursor} if forward else {"last": 7, "before": cursor}
        page = (await client.query(PAGES, by=by, **arguments))["orders"]
        ids = [node["id"] for node in page["nodes"]]
        walked = [*walked, *ids] if forward else [*ids, *walked]
        info = page["pageInfo"]
        cursor = info["endCursor" if forward else "startCursor"]
        has_more = info["hasNextPage" if forward else "hasPreviousPage"]
    return walked


@pytest.mark.parametrize("forward", [True, False], ids=["forward", "backward"])
@pytest.mark.parametrize("by", ORDERINGS, ids=["newest first", "by quantity", "by three keys"])
async def test_paging_during_writes_returns_every_earlier_row_once(
    own: tuple[FastAPI, Client], database: Database, by: Any, forward: bool
) -> None:
    _, client = own
    random = Random(1)
    await insert(database, [*ledger(), *(random_order(random, number) for number in range(ORDERS))])
    before = await walk(client, by, forward=True)
    async with background_writer(database, random) as written:
        walked = await walk(client, by, forward=forward)
    assert len(written) > 3
    assert len(set(walked)) == len(walked)
    earlier = set(before)
    assert [id_ for id_ in walked if id_ in earlier] == before
