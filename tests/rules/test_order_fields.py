"""Every field of an order's state is set by an event."""

from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest

from app.rules import order_lifecycle
from app.rules.events import OrderHistoryEvent, OrderInitialized
from app.rules.order_fold import fold
from app.rules.order_lifecycle import apply, open_order
from app.rules.order_state import OrderState
from tests.events import order_event

FIELDS = OrderState.__struct_fields__
PLAIN = {"ts_init": 1, "ts_event": 1}
# Values for fields of type Any, and for texts with a fixed set of values.
_VALUES: dict[str, list[Any]] = {
    "emulation_trigger": ["BID_ASK"],
    "options": [],
    "ts_init": [7],
    "ts_event": [7],
    "event_id": [],
    "type": [],
}


def other_values(name: str, hint: Any, value: Any) -> list[Any]:
    """Other values of an event's field, by its type."""
    if name in _VALUES:
        return _VALUES[name]
    if get_origin(hint) is Annotated:
        return other_values(name, get_args(hint)[0], value)
    if get_origin(hint) is UnionType:
        return [other for kind in get_args(hint) if kind is not NoneType for other in other_values(name, kind, value)]
    if hint is Any:
        return ["another", True]
    if hint is bool:
        return [not value]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [next(member for member in hint if member is not value)]
    if get_origin(hint) is list:
        return [["one"]]
    return {str: ["another"], int: [7], Decimal: [Decimal("7.5")]}[hint]


def initialized(n: int = 1, **fields: Any) -> OrderInitialized:
    event: OrderInitialized = order_event("OrderInitialized", n, **{**PLAIN, **fields})
    return event


def variants(event: Any) -> list[Any]:
    """The event with one field changed, for every field and kind of value."""
    hints = get_type_hints(type(event), include_extras=True)
    changed = []
    for name in type(event).__struct_fields__:
        for value in other_values(name, hints[name], getattr(event, name)):
            other = type(event)(**{one: getattr(event, one) for one in type(event).__struct_fields__})
            setattr(other, name, value)
            changed.append(other)
    return changed


def changed_fields(before: OrderState, after: OrderState) -> set[str]:
    return {name for name in FIELDS if getattr(before, name) != getattr(after, name)}


def history(*kinds: str, **fields: Any) -> list[OrderHistoryEvent]:
    return [order_event(kind, n, ts_init=n, ts_event=n, **fields) for n, kind in enumerate(kinds, start=2)]


def test_every_field_of_the_state_is_set_by_an_event() -> None:
    plain = open_order(initialized())
    changed = {name for event in variants(initialized()) for name in changed_fields(plain, open_order(event))}
    granted = order_event("AuthorizationGranted", 1, actor="me", signal_id="S", **PLAIN)
    changed |= changed_fields(plain, open_order(granted))
    histories = [
        [initialized(quote_quantity=True), *history("OrderAccepted", "OrderFilled", last_qty=Decimal("0.5"))],
        [initialized(quote_quantity=True, quantity=Decimal(9)), *history("OrderAccepted", "OrderUpdated")],
        [initialized(), *history("OrderAccepted", "OrderFilled", order_side="SELL")],
        [initialized(), *history("OrderAccepted", "OrderPendingCancel")],
        [initialized(), *history("OrderDenied")],
        [initialized(emulation_trigger="BID_ASK"), *history("OrderEmulated", "OrderReleased", released_price="3")],
        history("OrderAccepted", reconciliation=True),
    ]
    for events in histories:
        state = fold(enumerate(events)).state
        assert state is not None
        changed |= changed_fields(plain, state)
    assert changed == set(FIELDS)


@pytest.mark.parametrize("name", order_lifecycle._TERMS._names)
def test_a_later_initialization_replaces_the_terms_of_the_order(name: str) -> None:
    source = order_lifecycle._SOURCES.get(name, name)
    for event in variants(initialized(2)):
        state = open_order(initialized())
        apply(state, event)
        assert getattr(state, name) == getattr(event, source)


def test_a_later_initialization_keeps_the_origin_of_the_order() -> None:
    for event in variants(initialized(2, exec_spawn_id="O-0", emulation_trigger="BID_ASK")):
        state, before = open_order(initialized()), open_order(initialized())
        apply(state, event)
        assert not changed_fields(before, state) & order_lifecycle._ORIGIN
