"""The effect of events does not depend on the order of arrival: regression cases."""

from decimal import Decimal
from typing import Any

import pytest

from app.database import Database
from app.ledger.recording.quarantine import ResolveQuarantine, resolve_quarantine
from app.ledger.recording.record import refold_outdated
from app.principal import LOCAL
from app.rules.enums import QuarantineAction
from tests.events import published
from tests.ledger.authorizing import STRATEGY_ID
from tests.ledger.state import broken_invariants, content_of, holds_of, record, unprotected, wipe
from tests.ledger.test_record import rows, send
from tests.ledger.test_valuation import lines

pytestmark = pytest.mark.anyio

Event = dict[str, Any]
SECOND = 1_000_000_000
OTHER_INSTRUMENT = "ETHUSDT-PERP.BINANCE"
SPOT = {"instrument_id": "BTCUSDT.BINANCE", "position_id": "P-1"}
BASE_FEE = {**SPOT, "last_qty": "1.0", "commission": "0.1 BTC"}


def traded_before(n: int = 100) -> list[Event]:
    """An earlier trade of the strategy in the instrument, so that its orders can be valued."""
    kinds = ("OrderInitialized", "OrderSubmitted", "OrderFilled")
    return [published(kind, n + at, client_order_id="O-W", ts=SECOND // 2) for at, kind in enumerate(kinds)]


def submitted(quantity: int, **fields: Any) -> list[Event]:
    limit = {"options": {"price": "100"}, "order_type": "LIMIT", "quantity": str(quantity)}
    return [published("OrderInitialized", 1, **limit, **fields), published("OrderSubmitted", 2)]


def late_amendment() -> tuple[list[Event], list[list[Event]]]:
    """An amendment that is older than the last one, after an event that was applied late."""
    events = [*submitted(2), published("OrderAccepted", 4), published("OrderAccepted", 5)]
    events += [published("OrderUpdated", 11, quantity="4"), published("OrderPendingCancel", 12)]
    late = published("OrderUpdated", 10, quantity="3")
    return [*events, late], [events, [late]]


def amended_after_its_end() -> tuple[list[Event], list[list[Event]]]:
    events = [*submitted(3), published("OrderAccepted", 3), published("OrderCanceled", 4)]
    events.append(published("OrderUpdated", 5, quantity="5"))
    return events, [[event] for event in events]


def cut_after_its_end() -> tuple[list[Event], list[list[Event]]]:
    events = [*submitted(3), published("OrderAccepted", 3), published("OrderCanceled", 4)]
    events.append(published("OrderUpdated", 5, quantity="1"))
    return events, [[event] for event in events]


def reconciled_pending_cancel() -> tuple[list[Event], list[list[Event]]]:
    """A cancel request does not describe the order: it waits for an event that does."""
    events = [published("OrderPendingCancel", 1, reconciliation=True), published("OrderAccepted", 2, ts=SECOND // 2)]
    return events, [[events[1]], [events[0]]]


def reported_before_another_instrument() -> tuple[list[Event], list[list[Event]]]:
    """A report of a position whose id belongs to another instrument here."""
    fields = {"opening_order_id": "O-X", "instrument_id": OTHER_INSTRUMENT, "entry": "BUY", "quantity": "1"}
    report = published("PositionOpened", 9, ts=SECOND, **fields)
    events = [*submitted(1), published("OrderFilled", 3, last_qty="1")]
    return [*events, report], [[report], events]


def routed_in_quarantine() -> tuple[list[Event], list[list[Event]]]:
    """Another OrderInitialized, which is illegal for the order, names an execution algorithm."""
    events = [*submitted(6), published("OrderInitialized", 3, quantity="6", exec_algorithm_id="TWAP")]
    spawned = {"client_order_id": "O-1-E1", "exec_spawn_id": "O-1", "exec_algorithm_id": "TWAP", "quantity": "1"}
    events.append(published("OrderInitialized", 4, **spawned))
    return events, [[event] for event in reversed(events)]


CASES = (
    late_amendment,
    amended_after_its_end,
    cut_after_its_end,
    reconciled_pending_cancel,
    reported_before_another_instrument,
    routed_in_quarantine,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_ledger_does_not_depend_on_the_order_of_arrival(database: Database, case: Any) -> None:
    together, apart = case()
    found = []
    for batches in ([together], apart):
        await wipe(database)
        for batch in ([*traded_before()], *batches):
            await record(database, lines(*batch))
        assert await broken_invariants(database) == []
        found.append((await content_of(database), await holds_of(database)))
    assert found[1] == found[0]


async def test_an_order_stays_when_its_only_reconciled_event_is_dismissed(database: Database) -> None:
    accepted = published("OrderAccepted", 2, reconciliation=True)
    await send(database, published("OrderCanceled", 1), accepted)
    command = ResolveQuarantine(accepted["event_id"], QuarantineAction.DISMISS, "not ours")
    async with database.unit_of_work() as work:
        await resolve_quarantine(work, LOCAL, STRATEGY_ID, command)
        await work.commit()
    assert [row["status"] for row in await rows(database, "SELECT status FROM orders")] == ["CANCELED"]
    assert await broken_invariants(database) == []


async def test_a_refold_that_finds_deducted_fees_marks_the_strategy(database: Database) -> None:
    """By newer rules the orders become known, and their fills show that the engine deducts fees."""
    events = [published("OrderAccepted", 1, **SPOT), published("OrderFilled", 2, **BASE_FEE)]
    report = {"opening_order_id": "O-1", "entry": "BUY", "quantity": "0.9", **SPOT}
    await send(database, *events, published("PositionOpened", 9, ts=2 * SECOND, **report))
    async with unprotected(database) as work:
        await work.execute(
            "UPDATE order_events SET payload = payload || '{\"reconciliation\": true}' WHERE type LIKE 'O%'"
        )
        await work.execute(
            "INSERT INTO outdated_orders SELECT DISTINCT strategy_id, client_order_id FROM quarantined_events"
        )
        await work.commit()
    await refold_outdated(database)
    assert [row[0] for row in await rows(database, "SELECT deducts_base_fees FROM strategies")] == [True]
    assert [row[0] for row in await rows(database, "SELECT signed_qty FROM positions")] == [Decimal("0.9")]
    assert await broken_invariants(database) == []
