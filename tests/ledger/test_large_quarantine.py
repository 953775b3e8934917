"""The cost of one more event does not grow with thousands of quarantined events of the order."""

from decimal import Decimal
from typing import Any

import pytest

from app.database import Database
from app.ledger.folding import order_loading, orders
from app.ledger.folding.order_loading import fold_order
from tests.events import published
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import counts, order, send

pytestmark = pytest.mark.anyio

FILLED_ORDER = [
    published("OrderInitialized", 1, quantity=Decimal(9)),
    published("OrderSubmitted", 2),
    published("OrderFilled", 3),
]


@pytest.fixture
def fold_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of events in each fold of an order."""
    sizes: list[int] = []

    def counted(key: Any, events: Any, *more: Any, **options: Any) -> Any:
        sizes.append(len(events))
        return fold_order(key, events, *more, **options)

    monkeypatch.setattr(orders, "fold_order", counted)
    return sizes


async def test_illegal_events_are_not_folded_again(database: Database, fold_sizes: list[int]) -> None:
    await send(database, *FILLED_ORDER)
    waiting = [published("OrderAccepted", n, ts=4_000_000_000 + n) for n in range(10, 1_010)]
    assert counts(await send(database, *waiting)) == (0, 0, 1_000)
    fold_sizes.clear()
    for n in range(2_000, 2_010):
        assert counts(await send(database, published("OrderEmulated", n, ts=2_500_000_000 + n))) == (0, 0, 1)
    assert max(fold_sizes) == len(FILLED_ORDER) + 1
    assert (await order(database))["waiting"] == 1_010
    assert await broken_invariants(database) == []


async def test_an_applied_event_folds_the_first_waiting_events_of_each_kind(
    database: Database, fold_sizes: list[int]
) -> None:
    await send(database, *FILLED_ORDER)
    await send(database, *[published("OrderAccepted", n, ts=4_000_000_000 + n) for n in range(10, 1_010)])
    fold_sizes.clear()
    assert counts(await send(database, published("OrderFilled", 2_000))) == (1, 0, 0)
    assert max(fold_sizes) == len(FILLED_ORDER) + 1 + order_loading._HEADS
    assert ((await order(database))["waiting"], (await order(database))["filled_qty"]) == (1_000, 2)
    assert await broken_invariants(database) == []


async def test_every_applicable_event_is_applied_from_a_large_quarantine(database: Database) -> None:
    initialized = published("OrderInitialized", 1)
    pending = [published("OrderPendingUpdate", n, ts=9_000_000_000 + n) for n in range(10, 260)]
    assert counts(await send(database, initialized, *pending)) == (1, 0, 250)
    assert counts(await send(database, published("OrderSubmitted", 2))) == (1, 0, 0)
    assert ((await order(database))["waiting"], (await order(database))["status"]) == (0, "PENDING_UPDATE")
    assert await broken_invariants(database) == []


async def test_events_of_an_unknown_order_are_not_folded(database: Database, fold_sizes: list[int]) -> None:
    fills = [published("OrderFilled", n, last_qty=Decimal("0.01")) for n in range(10, 410)]
    await send(database, *fills[:399])
    fold_sizes.clear()
    await send(database, fills[399])
    assert fold_sizes == [1]
    await send(database, published("OrderInitialized", 1, quantity=Decimal(4)))
    assert ((await order(database))["status"], (await order(database))["waiting"]) == ("FILLED", 0)
    assert await broken_invariants(database) == []


def test_the_patched_name_is_the_one_in_use() -> None:
    assert orders.fold_order is order_loading.fold_order
