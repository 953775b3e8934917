"""Thousands of events in quarantine on one order: what one more costs does not grow with them."""

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

MADE = [
    published("OrderInitialized", 1, quantity=Decimal(9)),
    published("OrderSubmitted", 2),
    published("OrderFilled", 3),
]


@pytest.fixture
def folded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each fold of an order looked at."""
    sizes: list[int] = []

    def counted(key: Any, events: Any, *more: Any, **options: Any) -> Any:
        sizes.append(len(events))
        return fold_order(key, events, *more, **options)

    monkeypatch.setattr(orders, "fold_order", counted)
    return sizes


async def test_events_that_are_never_allowed_are_not_looked_at_again(database: Database, folded: list[int]) -> None:
    await send(database, *MADE)
    waiting = [published("OrderAccepted", n, ts=4_000_000_000 + n) for n in range(10, 1_010)]
    assert counts(await send(database, *waiting)) == (0, 0, 1_000)
    folded.clear()
    for n in range(2_000, 2_010):
        assert counts(await send(database, published("OrderEmulated", n, ts=2_500_000_000 + n))) == (0, 0, 1)
    assert max(folded) == len(MADE) + 1
    assert (await order(database))["waiting"] == 1_010
    assert await broken_invariants(database) == []


async def test_an_event_that_moves_the_order_looks_at_the_first_of_each_kind(
    database: Database, folded: list[int]
) -> None:
    await send(database, *MADE)
    await send(database, *[published("OrderAccepted", n, ts=4_000_000_000 + n) for n in range(10, 1_010)])
    folded.clear()
    assert counts(await send(database, published("OrderFilled", 2_000))) == (1, 0, 0)
    assert max(folded) == len(MADE) + 1 + order_loading._HEADS
    assert ((await order(database))["waiting"], (await order(database))["filled_qty"]) == (1_000, 2)
    assert await broken_invariants(database) == []


async def test_all_that_may_be_applied_is_applied_however_much_waits(database: Database) -> None:
    made = published("OrderInitialized", 1)
    pending = [published("OrderPendingUpdate", n, ts=9_000_000_000 + n) for n in range(10, 260)]
    assert counts(await send(database, made, *pending)) == (1, 0, 250)
    assert counts(await send(database, published("OrderSubmitted", 2))) == (1, 0, 0)
    assert ((await order(database))["waiting"], (await order(database))["status"]) == (0, "PENDING_UPDATE")
    assert await broken_invariants(database) == []


async def test_an_order_that_is_not_known_gathers_its_events_without_a_look_at_them(
    database: Database, folded: list[int]
) -> None:
    fills = [published("OrderFilled", n, last_qty=Decimal("0.01")) for n in range(10, 410)]
    await send(database, *fills[:399])
    folded.clear()
    await send(database, fills[399])
    assert folded == [1]
    await send(database, published("OrderInitialized", 1, quantity=Decimal(4)))
    assert ((await order(database))["status"], (await order(database))["waiting"]) == ("FILLED", 0)
    assert await broken_invariants(database) == []


def test_the_names_that_the_tests_patch_are_those_that_are_used() -> None:
    assert orders.fold_order is order_loading.fold_order
