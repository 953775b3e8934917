"""Orders for which the engine published no initialization or no submission."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.enums import OrderSide, OrderType, TimeInForce
from tests.rules.folding import amounts_of, folded, history, state_of

D = Decimal
RECONCILED = {"reconciliation": True}
ACCEPTED = ("OrderAccepted", RECONCILED)
FILLED = ("OrderFilled", {"last_qty": D(2), "order_side": "SELL", "order_type": "LIMIT", **RECONCILED})


def test_an_order_found_by_reconciliation_is_created_from_its_events() -> None:
    state = state_of(history(ACCEPTED, FILLED))
    assert (state.side, state.order_type, state.time_in_force) == ("SELL", "LIMIT", TimeInForce.UNKNOWN)
    assert (state.account_id, state.venue_order_id, state.ts_init, state.price) == ("BINANCE-001", "V-1", 1, None)
    assert amounts_of(state) == ("PARTIALLY_FILLED", 2, 0, False, "UNKNOWN")
    assert (state.reduce_only, state.post_only, state.overfill_qty) == (False, False, 0)


def test_terms_without_a_fill_stay_unknown() -> None:
    state = state_of(history(ACCEPTED))
    assert (state.side, state.order_type) == (OrderSide.NO_ORDER_SIDE, OrderType.UNKNOWN)
    assert amounts_of(state) == ("ACCEPTED", 0, 0, False, "UNKNOWN")
    odd = state_of(history(("OrderFilled", {**RECONCILED, "order_type": {"a": 1}})))
    assert odd.order_type is OrderType.UNKNOWN


@pytest.mark.parametrize("end", ["OrderCanceled", "OrderExpired"])
def test_an_order_found_by_reconciliation_stays_open_until_its_end_is_reported(end: str) -> None:
    assert state_of(history(ACCEPTED, FILLED, (end, RECONCILED))).is_terminal
    assert folded(history(ACCEPTED, FILLED, (end, RECONCILED))).refused == []


def test_an_update_states_the_quantity() -> None:
    update = ("OrderUpdated", {"quantity": D(5), **RECONCILED})
    assert amounts_of(state_of(history(ACCEPTED, FILLED, update))) == ("PARTIALLY_FILLED", 5, 3, False, "REPORTED")
    update = ("OrderUpdated", {"quantity": D(2), **RECONCILED})
    assert amounts_of(state_of(history(ACCEPTED, FILLED, update))) == ("FILLED", 2, 0, False, "REPORTED")


def test_an_order_that_explains_a_position_difference_is_complete() -> None:
    events = history(ACCEPTED, FILLED)
    for _, event in events:
        event.strategy_id = "INTERNAL-DIFF"
    assert amounts_of(state_of(events)) == ("FILLED", 2, 0, False, "INFERRED")


def test_a_late_initialization_completes_the_order() -> None:
    initialized = ("OrderInitialized", {"quantity": D(5), "order_side": "SELL", "ts_init": 0})
    state = state_of(history(ACCEPTED, FILLED, initialized))
    assert amounts_of(state) == ("PARTIALLY_FILLED", 5, 3, False, "REPORTED")
    assert (state.time_in_force, state.mismatched) == ("GTC", False)


def test_events_without_reconciliation_wait_for_the_initialization() -> None:
    plain = [(kind, fields | {"reconciliation": False}) for kind, fields in (ACCEPTED, FILLED)]
    result = folded(history(*plain))
    assert (result.state, len(result.refused)) == (None, 2)
    assert folded(history(("OrderAccepted", {"reconciliation": "true"}))).state is None


@given(st.permutations(range(4)))
def test_the_state_does_not_depend_on_the_order_of_arrival(places: list[int]) -> None:
    events = history(ACCEPTED, FILLED, ("OrderPendingCancel", RECONCILED), ("OrderCanceled", RECONCILED))
    arrived = sorted((place, event) for place, (_, event) in zip(places, events, strict=True))
    assert state_of(arrived) == state_of(events)


INITIALIZED = ("OrderInitialized", {"quantity": D(3)})


@pytest.mark.parametrize(
    ("fills", "status", "leaves"), [(["1"], "PARTIALLY_FILLED", 2), (["1", "2"], "FILLED", 0), (["4"], "FILLED", 0)]
)
def test_an_external_order_is_closed_by_its_fills(fills: list[str], status: str, leaves: int) -> None:
    state = state_of(history(INITIALIZED, *(("OrderFilled", {"last_qty": D(qty)}) for qty in fills)))
    assert (state.status, state.leaves_qty) == (status, leaves)


@pytest.mark.parametrize("late", [["OrderSubmitted"], ["OrderAccepted"], ["OrderSubmitted", "OrderAccepted"]])
def test_late_events_of_an_external_order_are_applied_in_their_place(late: list[str]) -> None:
    filled: tuple[str, dict[str, Any]] = ("OrderFilled", {"last_qty": D(3), "ts_init": 8})
    before = [(kind, {"ts_init": 3 + n}) for n, kind in enumerate(late)]
    after = [(kind, {"ts_init": 10 + n}) for n, kind in enumerate(late)]
    for events in (history(INITIALIZED, filled, *before), history(INITIALIZED, filled, *after)):
        result = folded(events)
        assert result.refused == []
        assert result.state is not None
        assert result.state.status == "FILLED"


def test_a_cancel_of_a_filled_external_order_is_refused() -> None:
    result = folded(history(INITIALIZED, ("OrderFilled", {"last_qty": D(3)}), ("OrderCanceled", {})))
    assert result.state is not None
    assert (result.state.status, len(result.refused)) == ("FILLED", 1)
    partly = folded(history(INITIALIZED, ("OrderFilled", {"last_qty": D(1)}), ("OrderCanceled", {})))
    assert partly.state is not None
    assert (partly.state.status, partly.refused) == ("CANCELED", [])


def test_a_fill_that_names_another_side_or_instrument_counts_and_is_flagged() -> None:
    for other in ({"order_side": "SELL"}, {"instrument_id": "ETHUSDT.BINANCE"}):
        state = state_of(history(INITIALIZED, ("OrderSubmitted", {}), ("OrderFilled", {"last_qty": D(1), **other})))
        assert (state.mismatched, state.filled_qty) == (True, 1)
    assert state_of(history(INITIALIZED, ("OrderSubmitted", {}), ("OrderFilled", {}))).mismatched is False


def test_the_first_applied_event_describes_the_order() -> None:
    """An event that waits does not count, whether or not it is read."""
    waiting = ("OrderPendingCancel", {"instrument_id": "ETHUSDT-PERP.BINANCE"})
    events = history(waiting, FILLED, waiting)
    assert state_of(events) == state_of(events[1:2])
    assert [place for place, _, _ in folded(events).refused] == [1, 3]
    assert (state_of(events).ts_init, state_of(events).mismatched) == (2, False)


def test_an_event_that_cannot_be_applied_creates_no_order() -> None:
    assert folded(history(("OrderPendingCancel", RECONCILED))).state is None
