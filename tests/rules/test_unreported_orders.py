"""Orders of which the engine never published how they were made, or that they were sent."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.enums import OrderSide, OrderType, TimeInForce
from tests.rules.folding import amounts_of, folded, history, state_of

D = Decimal
FOUND = {"reconciliation": True}
ACCEPTED = ("OrderAccepted", FOUND)
FILLED = ("OrderFilled", {"last_qty": D(2), "order_side": "SELL", "order_type": "LIMIT", **FOUND})


def test_an_order_that_reconciliation_found_is_made_from_what_is_known() -> None:
    state = state_of(history(ACCEPTED, FILLED))
    assert (state.side, state.order_type, state.time_in_force) == ("SELL", "LIMIT", TimeInForce.UNKNOWN)
    assert (state.account_id, state.venue_order_id, state.ts_init, state.price) == ("BINANCE-001", "V-1", 1, None)
    assert amounts_of(state) == ("PARTIALLY_FILLED", 2, 0, False, "UNKNOWN")
    assert (state.reduce_only, state.post_only, state.overfill_qty) == (False, False, 0)


def test_what_no_fill_tells_is_not_guessed() -> None:
    state = state_of(history(ACCEPTED))
    assert (state.side, state.order_type) == (OrderSide.NO_ORDER_SIDE, OrderType.UNKNOWN)
    assert amounts_of(state) == ("ACCEPTED", 0, 0, False, "UNKNOWN")
    odd = state_of(history(("OrderFilled", {**FOUND, "order_type": {"a": 1}})))
    assert odd.order_type is OrderType.UNKNOWN


@pytest.mark.parametrize("end", ["OrderCanceled", "OrderExpired"])
def test_it_stays_open_until_an_end_is_reported(end: str) -> None:
    assert state_of(history(ACCEPTED, FILLED, (end, FOUND))).is_terminal
    assert folded(history(ACCEPTED, FILLED, (end, FOUND))).refused == []


def test_an_update_tells_its_quantity() -> None:
    update = ("OrderUpdated", {"quantity": D(5), **FOUND})
    assert amounts_of(state_of(history(ACCEPTED, FILLED, update))) == ("PARTIALLY_FILLED", 5, 3, False, "REPORTED")
    update = ("OrderUpdated", {"quantity": D(2), **FOUND})
    assert amounts_of(state_of(history(ACCEPTED, FILLED, update))) == ("FILLED", 2, 0, False, "REPORTED")


def test_an_order_that_explains_a_positions_difference_is_one_whole_fill() -> None:
    events = history(ACCEPTED, FILLED)
    for _, event in events:
        event.strategy_id = "INTERNAL-DIFF"
    assert amounts_of(state_of(events)) == ("FILLED", 2, 0, False, "INFERRED")


def test_an_order_initialized_that_comes_after_all_makes_it_whole() -> None:
    made = ("OrderInitialized", {"quantity": D(5), "order_side": "SELL", "ts_init": 0})
    state = state_of(history(ACCEPTED, FILLED, made))
    assert amounts_of(state) == ("PARTIALLY_FILLED", 5, 3, False, "REPORTED")
    assert (state.time_in_force, state.mismatched) == ("GTC", False)


def test_without_reconciliation_everything_waits_for_the_order_initialized() -> None:
    plain = [(kind, fields | {"reconciliation": False}) for kind, fields in (ACCEPTED, FILLED)]
    result = folded(history(*plain))
    assert (result.state, len(result.refused)) == (None, 2)
    assert folded(history(("OrderAccepted", {"reconciliation": "true"}))).state is None


@given(st.permutations(range(4)))
def test_the_order_of_arrival_decides_nothing(places: list[int]) -> None:
    events = history(ACCEPTED, FILLED, ("OrderPendingCancel", FOUND), ("OrderCanceled", FOUND))
    arrived = sorted((place, event) for place, (_, event) in zip(places, events, strict=True))
    assert state_of(arrived) == state_of(events)


MADE = ("OrderInitialized", {"quantity": D(3)})


@pytest.mark.parametrize(
    ("fills", "status", "leaves"), [(["1"], "PARTIALLY_FILLED", 2), (["1", "2"], "FILLED", 0), (["4"], "FILLED", 0)]
)
def test_an_external_order_ends_by_its_fills(fills: list[str], status: str, leaves: int) -> None:
    state = state_of(history(MADE, *(("OrderFilled", {"last_qty": D(qty)}) for qty in fills)))
    assert (state.status, state.leaves_qty) == (status, leaves)


@pytest.mark.parametrize("late", [["OrderSubmitted"], ["OrderAccepted"], ["OrderSubmitted", "OrderAccepted"]])
def test_what_comes_late_of_an_external_order_finds_its_place(late: list[str]) -> None:
    filled: tuple[str, dict[str, Any]] = ("OrderFilled", {"last_qty": D(3), "ts_init": 8})
    before = [(kind, {"ts_init": 3 + n}) for n, kind in enumerate(late)]
    after = [(kind, {"ts_init": 10 + n}) for n, kind in enumerate(late)]
    for events in (history(MADE, filled, *before), history(MADE, filled, *after)):
        result = folded(events)
        assert result.refused == []
        assert result.state is not None
        assert result.state.status == "FILLED"


def test_a_cancel_does_not_undo_that_an_external_order_was_filled() -> None:
    result = folded(history(MADE, ("OrderFilled", {"last_qty": D(3)}), ("OrderCanceled", {})))
    assert result.state is not None
    assert (result.state.status, len(result.refused)) == ("FILLED", 1)
    partly = folded(history(MADE, ("OrderFilled", {"last_qty": D(1)}), ("OrderCanceled", {})))
    assert partly.state is not None
    assert (partly.state.status, partly.refused) == ("CANCELED", [])


def test_a_fill_that_names_another_side_or_instrument_counts_and_is_flagged() -> None:
    for other in ({"order_side": "SELL"}, {"instrument_id": "ETHUSDT.BINANCE"}):
        state = state_of(history(MADE, ("OrderSubmitted", {}), ("OrderFilled", {"last_qty": D(1), **other})))
        assert (state.mismatched, state.filled_qty) == (True, 1)
    assert state_of(history(MADE, ("OrderSubmitted", {}), ("OrderFilled", {}))).mismatched is False


def test_it_is_described_by_the_first_event_that_is_applied() -> None:
    """What waits does not count, nor whether it is read."""
    waiting = ("OrderPendingCancel", {"instrument_id": "ETHUSDT-PERP.BINANCE"})
    events = history(waiting, FILLED, waiting)
    assert state_of(events) == state_of(events[1:2])
    assert [place for place, _, _ in folded(events).refused] == [1, 3]
    assert (state_of(events).ts_init, state_of(events).mismatched) == (2, False)


def test_what_cannot_be_applied_makes_no_order() -> None:
    assert folded(history(("OrderPendingCancel", FOUND))).state is None
