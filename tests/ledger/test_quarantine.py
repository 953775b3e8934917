"""Quarantined events are accepted or dismissed by an admin."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.database import Database
from app.errors import EventNotFound, EventNotResolvable, InputInvalid, StrategyNotFound
from app.ledger.recording.quarantine import ResolveQuarantine, resolve_quarantine
from app.principal import LOCAL
from app.rules.enums import QuarantineAction
from tests.events import event_id, published
from tests.ledger.authorizing import STRATEGY_ID
from tests.ledger.state import broken_invariants, content_of, digest_of, unprotected, wipe
from tests.ledger.test_record import counts, order, quarantine, rows, send

pytestmark = pytest.mark.anyio

ACCEPT, DISMISS = QuarantineAction.ACCEPT, QuarantineAction.DISMISS
INITIALIZED, SUBMITTED = published("OrderInitialized", 1, quantity=Decimal(5)), published("OrderSubmitted", 2)


async def resolve(
    database: Database,
    n: int,
    action: QuarantineAction = ACCEPT,
    *,
    variant: int = 0,
    reason: str = "as the venue says",
) -> None:
    """Resolves the n-th event of a test."""
    async with database.unit_of_work() as work:
        await resolve_quarantine(work, LOCAL, STRATEGY_ID, ResolveQuarantine(event_id(n), action, reason, variant))
        await work.commit()


async def position(database: Database) -> asyncpg.Record:
    [row] = await rows(database, "SELECT signed_qty, cost, realized_pnl FROM positions")
    return row


def fill(n: int, **fields: Any) -> dict[str, Any]:
    return published("OrderFilled", n, **{"trade_id": "T", **fields})


async def test_an_accepted_repeat_of_a_trade_counts_as_another_trade(database: Database) -> None:
    first, second = fill(3, last_qty=Decimal(2)), fill(4, last_qty=Decimal(1))
    assert counts(await send(database, INITIALIZED, SUBMITTED, first, second)) == (3, 0, 1)
    [row] = await rows(database, "SELECT code, reason FROM quarantined_events")
    assert row["reason"] == f"trade T was recorded before, by event {event_id(3)}, with another last_qty"
    await resolve(database, 4)
    assert await quarantine(database) == []
    assert ((await order(database))["filled_qty"], (await position(database))["signed_qty"]) == (3, 3)
    fills = await rows(database, "SELECT event_id, repeat_id FROM fills ORDER BY event_id")
    assert [tuple(row) for row in fills] == [(UUID(int=3), UUID(int=0)), (UUID(int=4), UUID(int=4))]
    assert counts(await send(database, fill(5, last_qty=Decimal(1)))) == (0, 0, 1)
    assert counts(await send(database, fill(6, trade_id="T-6", last_qty=Decimal(2)))) == (1, 0, 0)
    assert (await order(database))["status"] == "FILLED"
    assert await broken_invariants(database) == []


async def test_an_accepted_event_is_applied_although_it_is_illegal(database: Database) -> None:
    await send(database, INITIALIZED, SUBMITTED, fill(3, last_qty=Decimal(5)))
    assert counts(await send(database, published("OrderCanceled", 4))) == (0, 0, 1)
    await resolve(database, 4)
    assert (await order(database))["status"] == "CANCELED"
    assert await quarantine(database) == []
    # Legal events are applied before accepted illegal ones.
    await send(database, published("OrderAccepted", 5, ts=int(2.5e9)))
    assert ((await order(database))["status"], (await order(database))["waiting"]) == ("CANCELED", 0)
    assert await broken_invariants(database) == []


async def test_an_accepted_event_of_an_unknown_order_creates_the_order(database: Database) -> None:
    assert counts(await send(database, published("OrderAccepted", 2), fill(3), published("OrderCanceled", 4))) == (
        0,
        0,
        3,
    )
    await resolve(database, 3)
    row = await order(database)
    assert (row["status"], row["side"], row["quantity"], row["quantity_source"]) == ("CANCELED", "BUY", 1, "UNKNOWN")
    assert (await position(database))["signed_qty"] == 1
    assert await quarantine(database) == []
    await send(database, INITIALIZED)
    assert ((await order(database))["quantity_source"], (await order(database))["quantity"]) == ("REPORTED", 5)
    assert await broken_invariants(database) == []


async def test_a_dismissed_event_is_kept_and_never_applied(database: Database) -> None:
    await send(database, published("OrderSubmitted", 2), fill(3))
    await resolve(database, 2, DISMISS, reason="not ours")
    await send(database, INITIALIZED)
    assert await quarantine(database) == [("DISMISSED", 0)]
    row = await order(database)
    assert (row["status"], row["waiting"]) == ("PARTIALLY_FILLED", 0)
    [waiting] = await rows(database, "SELECT reason FROM quarantined_events")
    assert waiting["reason"] == "local: not ours"
    assert await broken_invariants(database) == []
    await resolve(database, 2, ACCEPT)
    assert ((await order(database))["account_id"], await quarantine(database)) == ("BINANCE-001", [])
    assert await broken_invariants(database) == []


async def test_a_dismissed_event_can_be_accepted_later(database: Database) -> None:
    await send(database, fill(3))
    await resolve(database, 3, DISMISS)
    assert await rows(database, "SELECT FROM orders") == []
    await send(database, published("OrderAccepted", 4, reconciliation=True))
    assert (await order(database))["filled_qty"] == 0
    await resolve(database, 3)
    assert (await order(database))["filled_qty"] == 1
    assert await broken_invariants(database) == []


async def test_other_content_under_a_known_id_can_only_be_dismissed(database: Database) -> None:
    await send(database, INITIALIZED, INITIALIZED | {"quantity": "6"})
    with pytest.raises(EventNotResolvable, match="which is final"):
        await resolve(database, 1, variant=1)
    with pytest.raises(EventNotResolvable, match="is applied"):
        await resolve(database, 1, DISMISS)
    await resolve(database, 1, DISMISS, variant=1)
    assert await quarantine(database) == [("DISMISSED", 1)]
    assert ((await order(database))["quantity"], (await order(database))["waiting"]) == (5, 0)
    assert await broken_invariants(database) == []


async def test_resolving_again_changes_nothing_and_an_acceptance_is_final(database: Database) -> None:
    await send(database, INITIALIZED, SUBMITTED, fill(3), fill(4, last_qty=Decimal(2)))
    await resolve(database, 4)
    before = await digest_of(database)
    await resolve(database, 4, reason="once more")
    with pytest.raises(EventNotResolvable, match="was accepted before"):
        await resolve(database, 4, DISMISS)
    with pytest.raises(EventNotFound):
        await resolve(database, 9)
    with pytest.raises(EventNotFound):
        await resolve(database, 4, variant=1)
    for reason in ("", " ", "x" * 2_001, "a\x00"):
        with pytest.raises(InputInvalid):
            await resolve(database, 4, reason=reason)
    assert await digest_of(database) == before
    async with database.unit_of_work() as work:
        with pytest.raises(StrategyNotFound):
            await resolve_quarantine(work, LOCAL, str(UUID(int=1)), ResolveQuarantine(event_id(4), ACCEPT, "x"))


async def test_a_resolution_is_audited_and_checked_by_verify(database: Database) -> None:
    await send(database, INITIALIZED, SUBMITTED, fill(3), fill(4, last_qty=Decimal(2)), fill(5, last_qty=Decimal(3)))
    await resolve(database, 4)
    await resolve(database, 5, DISMISS)
    [first, second] = await rows(database, "SELECT * FROM audit_entries ORDER BY id")
    assert (first["action"], first["actor"], first["entity_id"]) == (
        *("quarantine.resolve", "local"),
        f"{STRATEGY_ID}/{event_id(4)}/0",
    )
    assert (json.loads(first["before"])["code"], json.loads(first["after"])["action"]) == ("REPEATED_TRADE", "ACCEPT")
    assert json.loads(second["after"])["code"] == "DISMISSED"
    assert await broken_invariants(database) == []
    for tampering in (
        "DELETE FROM quarantine_resolutions WHERE action = 'ACCEPT'",
        "DELETE FROM order_events WHERE type = 'QuarantineResolved'",
        "UPDATE quarantined_events SET code = 'REPEATED_TRADE'",
        "UPDATE quarantine_resolutions SET action = 'DISMISS'",
        "UPDATE fills SET repeat_id = event_id",
    ):
        async with unprotected(database) as work:
            await work.execute(tampering)
            await work.commit()
        assert await broken_invariants(database) != [], tampering
        await wipe(database)
        await send(
            database, INITIALIZED, SUBMITTED, fill(3), fill(4, last_qty=Decimal(2)), fill(5, last_qty=Decimal(3))
        )
        await resolve(database, 4)
        await resolve(database, 5, DISMISS)


async def test_waiting_events_do_not_describe_an_order_found_by_reconciliation(database: Database) -> None:
    waiting = [published("OrderPendingCancel", n) for n in (1, 3, 4)]
    found = published("OrderFilled", 2, reconciliation=True)
    contents = []
    for batches in ([[waiting[0]], [found], *([event] for event in waiting[1:])], [[*waiting, found]]):
        await wipe(database)
        for batch in batches:
            await send(database, *batch)
            assert await broken_invariants(database) == []
        row = await order(database)
        contents.append((row["ts_init"], row["ts_last"], row["status"], row["waiting"]))
    assert contents == [(2 * 10**9, 2 * 10**9, "PARTIALLY_FILLED", 3)] * 2


async def test_a_dismissed_fill_that_is_accepted_counts_beside_its_replacement(database: Database) -> None:
    first, second, third = (fill(n, last_qty=Decimal(n)) for n in (1, 2, 3))
    initialized, submitted = (
        INITIALIZED | {"event_id": event_id(8), "quantity": "9"},
        SUBMITTED | {"event_id": event_id(9)},
    )
    await send(database, first, second)
    await resolve(database, 1, DISMISS)
    await send(database, initialized, submitted)
    assert (await order(database))["filled_qty"] == 2
    await resolve(database, 1)
    assert ((await order(database))["filled_qty"], (await position(database))["signed_qty"]) == (3, 3)
    assert counts(await send(database, third)) == (0, 0, 1)
    fills = await rows(database, "SELECT event_id, repeat_id FROM fills ORDER BY event_id")
    assert [tuple(row) for row in fills] == [(UUID(int=1), UUID(int=1)), (UUID(int=2), UUID(int=0))]
    assert await broken_invariants(database) == []


async def test_a_dismissed_fill_that_is_accepted_first_is_the_trade(database: Database) -> None:
    await send(
        database, fill(1), INITIALIZED | {"event_id": event_id(8)}, SUBMITTED | {"event_id": event_id(9)}, fill(2)
    )
    await resolve(database, 2, DISMISS)
    await resolve(database, 2)
    assert (await order(database))["filled_qty"] == 2
    await wipe(database)
    await send(database, fill(1), fill(2))
    await resolve(database, 1, DISMISS)
    await resolve(database, 2, DISMISS)
    await send(database, INITIALIZED | {"event_id": event_id(8)}, SUBMITTED | {"event_id": event_id(9)})
    await resolve(database, 2)
    assert counts(await send(database, fill(3))) == (0, 0, 1)
    await resolve(database, 1)
    fills = await rows(database, "SELECT event_id, repeat_id FROM fills ORDER BY event_id")
    assert [tuple(row) for row in fills] == [(UUID(int=1), UUID(int=1)), (UUID(int=2), UUID(int=0))]
    assert await broken_invariants(database) == []


async def test_a_resolution_counts_in_any_order_of_arrival(database: Database) -> None:
    events = [
        INITIALIZED,
        SUBMITTED,
        fill(3, last_qty=Decimal(2)),
        published("OrderCanceled", 6),
        published("OrderExpired", 7),
    ]
    contents = []
    for late in (events[0], events[1], events[2]):
        await wipe(database)
        await send(database, *(event for event in events if event is not late))
        await resolve(database, 7)
        await send(database, late)
        assert await broken_invariants(database) == []
        contents.append({key: rows for key, rows in (await content_of(database)).items() if key != "order_events"})
    assert contents[0] == contents[1] == contents[2]
