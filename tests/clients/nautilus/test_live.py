"""A live node with the sandbox execution client: the ledger equals the engine's cache."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.clients.nautilus.backtests import CONTINGENT, PLAIN
from tests.clients.nautilus.ledger import assert_equals, orders_of
from tests.clients.nautilus.live_engine import live_engine
from tests.clients.nautilus.service import Service

LIVE = tuple(kind for kind in CONTINGENT if kind != "gtd")
STRATEGY = "Script-001"
SANDBOX_CLOCK = ("OrderInitialized", "OrderEmulated", "OrderReleased", "OrderPendingCancel")
"""The sandbox stamps its events with the instant of the last quote. By these stamps, an emulated order that is released
at once was filled before it was emulated, and an order was canceled before its cancel was sent."""

SENT_THEN_AMENDED = {
    ("OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderPendingUpdate"),
    ("OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderUpdated"),
}


def run(service: Service, spool_dir: Path, **plan: Any) -> dict[str, Any]:
    """Run a live node to its end. Returns its state."""
    with live_engine(service.url, spool_dir, **plan) as engine:
        state = engine.state()
        engine.end()
    return state


def test_a_live_node_is_guarded_and_reported(service: Service, tmp_path: Path) -> None:
    service.set_budget("LIVE-001", STRATEGY, Decimal(20_000_000))
    state = run(service, tmp_path, trader_id="LIVE-001", kinds=LIVE)
    assert state["counts"]["asked"] == state["counts"]["granted"] == len(state["orders"])
    assert_equals(service, [state], quarantine=SANDBOX_CLOCK)
    assert {order["authorizationStatus"] for order in orders_of(service).values()} == {"GRANTED"}


def test_a_live_node_sees_its_orders_denied(service: Service, tmp_path: Path) -> None:
    service.set_budget("LIVE-002", STRATEGY, Decimal(1))
    state = run(service, tmp_path, trader_id="LIVE-002", kinds=PLAIN)
    assert {order[1] for order in state["orders"].values()} == {"DENIED"}
    assert_equals(service, [state], quarantine=SANDBOX_CLOCK)
    reasons = {order["denyReason"].partition(":")[0] for order in orders_of(service).values()}
    assert reasons == {"BUDGET_EXCEEDED"}


def test_commands_for_a_waiting_order_keep_their_order(service: Service, tmp_path: Path) -> None:
    service.set_budget("LIVE-003", STRATEGY, Decimal(20_000_000))
    kinds = ("queued_canceled", "asked_canceled", "asked_amended", "batch_canceled")
    state = run(service, tmp_path, trader_id="LIVE-003", kinds=kinds)
    assert_equals(service, [state], quarantine=SANDBOX_CLOCK)
    never_left = [events for events in state["events"].values() if "OrderSubmitted" not in events]
    assert len(never_left) == state["counts"]["canceled"] > 20
    assert {tuple(events) for events in never_left} == {("OrderInitialized", "OrderCanceled")}
    amended = [events for events in state["events"].values() if "OrderUpdated" in events]
    assert len(amended) > 5
    assert {tuple(events[:4]) for events in amended} <= SENT_THEN_AMENDED
    # Canceled before the question, or while it was under way.
    ledger = orders_of(service)
    asked = {ledger[name]["authorizationStatus"] for name, events in state["events"].items() if events in never_left}
    assert asked == {None, "GRANTED"}


def test_orders_found_by_reconciliation_are_reported_whole(service: Service, tmp_path: Path) -> None:
    state = run(service, tmp_path, trader_id="LIVE-004", kinds=PLAIN, is_guarded=False, found_orders=20, closes=False)
    assert_equals(service, [state], quarantine=SANDBOX_CLOCK)
    found = [order for order in orders_of(service).values() if order["strategy"]["name"] == "EXTERNAL"]
    assert len(found) == 20
    assert {order["quantitySource"] for order in found} == {"REPORTED"}
    assert {order["type"] for order in found} == {"LIMIT"}
