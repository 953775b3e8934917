"""Primary orders of execution algorithms: spawned orders reduce them, and the engine publishes no event for that."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.rules.order_fold import Spawned
from tests.rules.folding import History, amounts_of, folded, history, state_of

D = Decimal


def primary(*more: tuple[str, dict[str, Any]], quantity: str = "6", algorithm: str | None = "TWAP") -> History:
    initialized = {"quantity": D(quantity), "exec_algorithm_id": algorithm, "order_type": "MARKET"}
    return history(("OrderInitialized", initialized | {"ts_init": 1}), *more)


def spawned(count: int, *, returned: int | None = None, quantity: str = "1") -> list[Spawned]:
    """`count` spawned orders, one for each instant from 10 on; the last was denied or rejected at `returned`."""
    last = [None] * (count - 1) + [returned]
    return [Spawned(10 + n, D(quantity), ts) for n, ts in enumerate(last)]


FILLED_AT_THE_END = ("OrderSubmitted", {"ts_init": 90}), ("OrderFilled", {"ts_init": 91, "last_qty": D(1)})


def test_spawned_orders_reduce_the_quantity_of_the_primary() -> None:
    assert amounts_of(state_of(primary(), spawned(3))) == ("INITIALIZED", 3, 3, False, "INFERRED")
    state = state_of(primary(*FILLED_AT_THE_END), spawned(5))
    assert amounts_of(state) == ("FILLED", 1, 0, False, "INFERRED")


def test_a_primary_that_was_spawned_completely_has_quantity_zero() -> None:
    assert amounts_of(state_of(primary(), spawned(6))) == ("INITIALIZED", 0, 0, False, "INFERRED")


def test_an_order_without_an_algorithm_is_not_reduced_by_spawned_orders() -> None:
    assert amounts_of(state_of(primary(algorithm=None), spawned(3))) == ("INITIALIZED", 6, 6, False, "REPORTED")


def test_the_quantity_of_a_denied_spawned_order_returns_to_the_primary() -> None:
    assert amounts_of(state_of(primary(), spawned(3, returned=20))) == ("INITIALIZED", 4, 4, False, "INFERRED")
    more = ("OrderFilled", {"ts_init": 92, "last_qty": D(1)})
    state = state_of(primary(*FILLED_AT_THE_END, more), spawned(5, returned=20))
    assert amounts_of(state) == ("FILLED", 2, 0, False, "INFERRED")


def test_a_fill_of_the_rest_shows_that_the_engine_returned_no_quantity() -> None:
    state = state_of(primary(*FILLED_AT_THE_END), spawned(5, returned=20))
    assert amounts_of(state) == ("FILLED", 1, 0, False, "INFERRED")


def test_fills_beyond_the_rest_show_that_the_primary_was_never_reduced() -> None:
    fills = [("OrderFilled", {"ts_init": 91 + n, "last_qty": D(2)}) for n in range(3)]
    submitted = ("OrderSubmitted", {"ts_init": 90})
    assert amounts_of(state_of(primary(submitted, *fills[:2]), spawned(5))) == (
        "PARTIALLY_FILLED",
        6,
        2,
        False,
        "INFERRED",
    )
    canceled = ("OrderCanceled", {"ts_init": 99})
    result = folded(primary(submitted, *fills[:2], canceled), spawned(5))
    assert result.refused == []
    assert result.state is not None
    assert result.state.status == "CANCELED"
    assert amounts_of(state_of(primary(submitted, *fills), spawned(5))) == ("FILLED", 6, 0, False, "INFERRED")


def test_an_update_states_the_remaining_quantity_of_the_primary() -> None:
    update = ("OrderUpdated", {"ts_init": 50, "quantity": D(2)})
    assert amounts_of(state_of(primary(update), spawned(3))) == ("INITIALIZED", 2, 2, False, "REPORTED")
    later = [*spawned(3), Spawned(60, D(1))]
    assert amounts_of(state_of(primary(update), later)) == ("INITIALIZED", 1, 1, False, "INFERRED")


@given(st.permutations(range(3)), st.permutations(spawned(5)))
def test_the_state_does_not_depend_on_the_order_of_arrival(places: list[int], children: list[Spawned]) -> None:
    events = primary(*FILLED_AT_THE_END)
    arrived = sorted((place, event) for place, (_, event) in zip(places, events, strict=True))
    assert state_of(arrived, children) == state_of(events, spawned(5))
