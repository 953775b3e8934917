"""Orders for an amount of the quote currency (`quote_quantity`)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.folding import History, amounts_of, folded, history, state_of

D = Decimal


def submitted_order(amount: str, *more: tuple[str, dict[str, Any]], **fields: Any) -> History:
    """An order for an amount, submitted and accepted, and the events after that."""
    initialized = {"quantity": D(amount), "quote_quantity": True, "price": D(1), **fields}
    return history(("OrderInitialized", initialized), ("OrderSubmitted", {}), ("OrderAccepted", {}), *more)


def fill(qty: str, px: str) -> tuple[str, dict[str, Any]]:
    return "OrderFilled", {"last_qty": D(qty), "last_px": D(px)}


def test_an_order_for_an_amount_is_tracked_in_the_quote_currency() -> None:
    assert amounts_of(state_of(submitted_order("5"))) == ("ACCEPTED", 5, 5, True, "REPORTED")
    assert amounts_of(state_of(submitted_order("5", fill("8", "0.25")))) == ("PARTIALLY_FILLED", 5, 3, True, "REPORTED")


def test_a_cancel_leaves_the_unfilled_amount() -> None:
    result = folded(submitted_order("5", fill("8", "0.25"), ("OrderCanceled", {})))
    assert result.refused == []
    assert result.state is not None
    assert amounts_of(result.state) == ("CANCELED", 5, 3, True, "REPORTED")
    assert result.state.overfilled is False


def test_an_order_for_an_amount_is_filled_once_the_rest_buys_no_lot() -> None:
    events = submitted_order("2000", fill("0.006302", "36004.58"), fill("0.049247", "36004.58"))
    assert amounts_of(state_of(events[:-1])) == ("PARTIALLY_FILLED", 2000, D("1773.09913684"), True, "REPORTED")
    assert amounts_of(state_of(events)) == ("FILLED", D("0.055549"), 0, False, "INFERRED")


def test_completion_is_judged_by_the_price_of_the_first_fill() -> None:
    # 1,000 at 100 are 10.0 units; half of them slipped by 8 %, so the notional is far beyond the amount.
    events = submitted_order("1000", fill("5.0", "100"), fill("4.0", "108"))
    assert state_of(events).status == "PARTIALLY_FILLED"
    assert state_of([*events, *history(fill("1.0", "108"), start=9)]).status == "FILLED"


@pytest.mark.parametrize("last", ["OrderFilled", "OrderCanceled", "OrderUpdated"])
def test_later_events_correct_an_order_inferred_to_be_filled(last: str) -> None:
    events = submitted_order("1000", fill("9.95", "100"))
    assert amounts_of(state_of(events)) == ("FILLED", D("9.95"), 0, False, "INFERRED")
    [event] = history((last, {"last_qty": D("0.05"), "last_px": D(100), "quantity": D(10)}), start=9)
    state = state_of([*events, event])
    assert (
        amounts_of(state)
        == {
            "OrderFilled": ("FILLED", 10, 0, False, "INFERRED"),
            "OrderCanceled": ("CANCELED", 1000, 5, True, "REPORTED"),
            "OrderUpdated": ("PARTIALLY_FILLED", 10, D("0.05"), False, "REPORTED"),
        }[last]
    )
    assert state.overfill_qty == 0


def test_an_update_of_a_newer_engine_states_its_unit() -> None:
    in_base_units = ("OrderUpdated", {"quantity": D("10"), "is_quote_quantity": False, "price": None})
    assert amounts_of(state_of(submitted_order("1000", in_base_units, fill("4", "100")))) == (
        "PARTIALLY_FILLED",
        10,
        6,
        False,
        "REPORTED",
    )
    in_quote_currency = ("OrderUpdated", {"quantity": D("1200"), "is_quote_quantity": True, "price": None})
    assert amounts_of(state_of(submitted_order("1000", in_quote_currency, fill("4", "100")))) == (
        "PARTIALLY_FILLED",
        1200,
        800,
        True,
        "REPORTED",
    )


def test_an_update_of_an_older_engine_is_in_base_units_after_the_submission() -> None:
    update = ("OrderUpdated", {"quantity": D("10"), "price": None})
    initialized = ("OrderInitialized", {"quantity": D(1000), "quote_quantity": True})
    assert state_of(history(initialized, ("OrderSubmitted", {}), update)).is_quote_quantity is False
    before = ("OrderUpdated", {"quantity": D("900"), "price": None, "account_id": None})
    assert amounts_of(state_of(history(initialized, before, ("OrderSubmitted", {})))) == (
        "SUBMITTED",
        900,
        900,
        True,
        "REPORTED",
    )


def test_fills_worth_far_more_than_the_amount_count_in_contracts() -> None:
    """An inverse contract: NautilusTrader does not convert its quantity, which is in the quote currency."""
    assert amounts_of(state_of(submitted_order("1000", fill("400", "36000")))) == (
        "PARTIALLY_FILLED",
        1000,
        600,
        False,
        "INFERRED",
    )
    assert amounts_of(state_of(submitted_order("1000", fill("400", "36000"), fill("600", "36100")))) == (
        *("FILLED", 1000, 0, False),
        "INFERRED",
    )


@given(st.decimals("0.01", 100_000, places=2), st.integers(1, 400_000), st.sampled_from([0, 3, 6]), st.data())
def test_a_complete_fill_at_the_price_of_the_order_is_recognized(
    price: Decimal, lots: int, places: int, data: st.DataObject
) -> None:
    """As in the engine, the base quantity is the amount over the price, rounded to the size precision."""
    step = D(1).scaleb(-places)
    base = lots * step
    amount = (base * price).quantize(D("0.000001"))
    rounded = (amount / price).quantize(step)
    first = step * data.draw(st.integers(1, max(1, int(rounded / step) - 1)))
    parts = [part for part in (first, rounded - first) if part > 0]
    events = submitted_order(str(amount), *(fill(f"{part:f}", f"{price:f}") for part in parts))
    assert amounts_of(state_of(events)) == ("FILLED", rounded, 0, False, "INFERRED")


@given(st.permutations(range(6)))
def test_the_state_does_not_depend_on_the_order_of_arrival(places: list[int]) -> None:
    events = submitted_order(
        "2000", fill("0.006302", "36004.58"), fill("0.049247", "36004.60"), fill("0.000001", "36004.58")
    )
    assert state_of(sorted((place, event) for place, (_, event) in zip(places, events, strict=True))) == state_of(
        events
    )
