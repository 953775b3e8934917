"""After an upgrade, orders that an earlier release folded by other rules are folded again, with all consequences."""

import importlib
import json
from decimal import Decimal

import pytest

from app.database import Database
from app.ledger.recording.record import refold_outdated
from tests.events import published
from tests.ledger.state import broken_invariants, content_of, digest_of, unprotected, wipe
from tests.ledger.test_record import rows, send

pytestmark = pytest.mark.anyio

MIGRATION = importlib.import_module("app.database.migrations.versions.0009_order_lifecycle")
FIND_OUTDATED = MIGRATION._STATEMENTS[-1]
RECONCILED = {"reconciliation": True}
EXTERNAL = [published("OrderInitialized", 1), published("OrderFilled", 2)]
UNREPORTED = [
    published(kind, n, client_order_id="O-2", **RECONCILED) for n, kind in ((3, "OrderAccepted"), (4, "OrderFilled"))
]
AMOUNT = [
    published("OrderInitialized", 5, client_order_id="O-3", quantity=Decimal(100), quote_quantity=True),
    published("OrderSubmitted", 6, client_order_id="O-3"),
    published("OrderFilled", 7, client_order_id="O-3", last_qty=Decimal("1.0"), last_px=Decimal(100)),
]
ALGORITHM = {"exec_algorithm_id": "TWAP"}
PRIMARY = [
    published("OrderInitialized", 8, client_order_id="O-4", quantity=Decimal(3), **ALGORITHM),
    published("OrderInitialized", 9, client_order_id="O-4-E1", exec_spawn_id="O-4", **ALGORITHM),
]
EVERYTHING = [*EXTERNAL, *UNREPORTED, *AMOUNT, *PRIMARY]
NEW_FIELDS = ("reconciliation", "quote_quantity", "exec_algorithm_id", "exec_spawn_id")


async def store_as_earlier_release(database: Database) -> None:
    """Stores the events as a release that ignored the new fields."""
    old = [{name: value for name, value in event.items() if name not in NEW_FIELDS} for event in EVERYTHING]
    await send(database, *old)
    async with unprotected(database) as work:
        for event in EVERYTHING:
            more = {name: event[name] for name in NEW_FIELDS if name in event}
            await work.execute(
                "UPDATE order_events SET payload = payload || $1::text::jsonb WHERE event_id = $2",
                json.dumps(more),
                event["event_id"],
            )
        await work.execute("UPDATE orders SET status = 'INITIALIZED', last_rank = 10 WHERE client_order_id = 'O-1'")
        await work.execute("UPDATE order_totals SET orders = orders + 1 WHERE status = 'INITIALIZED'")
        await work.execute("UPDATE order_totals SET orders = orders - 1 WHERE status = 'FILLED'")
        await work.execute(FIND_OUTDATED)
        await work.commit()


async def test_orders_of_an_earlier_release_are_folded_again(database: Database) -> None:
    await send(database, *EVERYTHING)
    expected = await content_of(database)
    await wipe(database)
    await store_as_earlier_release(database)
    assert await broken_invariants(database) != []
    found = await rows(database, "SELECT client_order_id FROM outdated_orders ORDER BY 1")
    assert [row["client_order_id"] for row in found] == ["O-1", "O-2", "O-3", "O-4", "O-4-E1"]
    assert await refold_outdated(database) == 5
    assert await content_of(database) == expected
    assert await broken_invariants(database) == []
    before = await digest_of(database)
    assert await refold_outdated(database) == 0
    assert await digest_of(database) == before
