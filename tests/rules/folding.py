"""Folds the events of a test."""

from collections.abc import Iterable
from decimal import Decimal, localcontext
from typing import Any

from app.rules.events import AnyOrderEvent
from app.rules.money import EXACT
from app.rules.order_fold import Folded, Spawned, fold
from app.rules.order_state import OrderState
from tests.events import order_event

History = list[tuple[int, AnyOrderEvent]]


def history(*events: tuple[str, dict[str, Any]], start: int = 1) -> History:
    """Events of these kinds with these fields, one nanosecond apart."""
    return [
        (n, order_event(kind, n, **{"ts_init": n, "ts_event": n} | fields))
        for n, (kind, fields) in enumerate(events, start)
    ]


def folded(events: Iterable[tuple[int, Any]], spawned: Iterable[Spawned] = (), **options: Any) -> Folded:
    """The result of folding the events, as the ledger folds them."""
    with localcontext(EXACT):
        return fold(events, spawned, **options)


def state_of(events: Iterable[tuple[int, Any]], spawned: Iterable[Spawned] = (), **options: Any) -> OrderState:
    """The state of the order after the events."""
    state = folded(events, spawned, **options).state
    assert state is not None
    return state


def amounts_of(state: OrderState) -> tuple[str, Decimal, Decimal, bool, str]:
    """Status, quantity, open quantity, whether both are in the quote currency, and the source of the quantity."""
    return state.status, state.quantity, state.leaves_qty, state.is_quote_quantity, state.quantity_source
