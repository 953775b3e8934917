"""Every change of a budget's fields is in the change feed: the registry reloads only the budgets named there."""

import json
from decimal import Decimal
from random import Random

import pytest

from app.database import Database
from app.reads.catalogue.budget import BUDGET
from app.reads.compiled import compiled_query
from app.reads.query import ALL_ROWS, ReadQuery, ResultFormat, Selection
from tests.ledger.authorizing import allocate, register
from tests.ledger.state import record
from tests.ledger.test_arrangements import shuffled
from tests.ledger.test_engine_truth import instruments_of, lines_of_events, record_definitions
from tests.ledger.test_record import rows

pytestmark = pytest.mark.anyio

CHANGES = "SELECT id, strategy_id::text, key FROM changes WHERE entity = 'budget'"
FIELDS = ("strategy_id", "currency", "reserved", "available", "realized_pnl", "total_fees", "valuation")
BUDGETS = compiled_query(BUDGET, ReadQuery(Selection.of(FIELDS), ResultFormat.EACH, ALL_ROWS)).sql


async def budget_fields(database: Database) -> dict[tuple[str, str], str]:
    """The fields of each budget, as text."""
    found = [json.loads(row["body"]) for row in await rows(database, BUDGETS)]
    return {(one["strategy_id"], one["currency"]): str(one) for one in found}


@pytest.mark.parametrize("kind", ["inverse", "multiplier", "basefee", "reconciled"])
async def test_every_change_of_a_budgets_fields_is_in_the_feed(database: Database, kind: str) -> None:
    async def check_changes() -> None:
        nonlocal before, last
        after = await budget_fields(database)
        changes = await rows(database, CHANGES)
        in_the_feed = {(row["strategy_id"], row["key"]) for row in changes if row["id"] > last}
        assert {key for key in before | after if before.get(key) != after.get(key)} <= in_the_feed
        before, last = after, max((row["id"] for row in changes), default=0)

    before: dict[tuple[str, str], str] = {}
    last = 0
    lines = lines_of_events(kind)
    for trader, strategy in {(one["trader_id"], one["strategy_id"]) for one in map(json.loads, lines)}:
        for currency in ("USDT", "USD", "BTC"):
            await allocate(database, Decimal(1_000_000), currency, await register(database, trader, strategy))
    await check_changes()
    for batch in shuffled(lines, Random(kind)):
        await record(database, batch)
        await check_changes()
    for definition in instruments_of(kind):
        await record_definitions(database, [definition])
        await check_changes()
    assert before
