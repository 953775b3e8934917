import json
from collections.abc import Iterable
from copy import copy
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode
from msgspec.structs import replace

from app.event_codec import decode_stored
from app.rules.enums import OrderStatus
from app.rules.events import AnyOrderEvent, AuthorizationDenied, AuthorizationGranted, OrderFilled, OrderInitialized
from app.rules.order_fold import Folded
from app.rules.order_fold import fold as fold_events
from app.rules.order_lifecycle import apply, comes_in_order, open_order, refusal
from app.rules.order_state import RANK_CONCLUDED, TERMINAL, TRANSITIONS, conclude
from tests.events import EVENT_TYPES, order_event

FSM = Path(__file__).parents[1] / "data" / "nautilus_order_fsm.json"


def events_of(*kinds: str, **fields: Any) -> list[tuple[int, AnyOrderEvent]]:
    """One event of each kind, one nanosecond apart, in this order."""
    return [(n, order_event(kind, n, ts_init=n, ts_event=n, **fields)) for n, kind in enumerate(kinds, start=1)]


def fold(events: Iterable[tuple[int, Any]], **options: Any) -> tuple[Any, Any, Any]:
    """The order, the applied events and the refused ones."""
    folded: Folded = fold_events(events, **options)
    return folded.state, folded.applied, folded.refused


def status_after(*kinds: str, **fields: Any) -> OrderStatus | None:
    state, _, _ = fold(events_of(*kinds, **fields))
    return state.status if state else None


def test_the_transitions_equal_those_of_the_engine() -> None:
    engine = json.loads(FSM.read_text())
    for status, targets in TRANSITIONS.items():
        named = {target.split("->")[0] for target in engine.get(status.value, [])}
        assert {target.value for target in targets} == named, status


def test_a_market_order_is_filled_without_being_accepted() -> None:
    assert status_after("OrderInitialized", "OrderSubmitted", "OrderFilled") is OrderStatus.FILLED


@pytest.mark.parametrize("answer", ["OrderModifyRejected", "OrderUpdated"])
def test_an_answered_amendment_restores_the_previous_status(answer: str) -> None:
    assert status_after("OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderPendingUpdate") is (
        OrderStatus.PENDING_UPDATE
    )
    assert status_after("OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderPendingUpdate", answer) is (
        OrderStatus.ACCEPTED
    )


def test_a_refused_cancel_restores_the_previous_status() -> None:
    kinds = ("OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderTriggered", "OrderPendingCancel")
    assert status_after(*kinds, "OrderCancelRejected") is OrderStatus.TRIGGERED


def test_a_late_fill_moves_a_canceled_order() -> None:
    kinds = ("OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderCanceled", "OrderFilled")
    assert status_after(*kinds) is OrderStatus.FILLED
    assert status_after(*kinds, last_qty=Decimal("0.4")) is OrderStatus.PARTIALLY_FILLED


def test_an_illegal_event_is_refused_with_its_reason() -> None:
    state, _, refused = fold(events_of("OrderInitialized", "OrderSubmitted", "OrderFilled", "OrderCanceled"))
    assert state is not None
    assert state.status is OrderStatus.FILLED
    assert [(seq, reason) for seq, _, reason in refused] == [
        (4, "OrderCanceled is not allowed while the order is FILLED")
    ]


def test_no_event_is_applied_before_the_order_is_initialized() -> None:
    state, applied, refused = fold(events_of("OrderSubmitted", "OrderFilled"))
    assert state is None
    assert applied == []
    assert len(refused) == 2


def test_a_fill_is_never_refused() -> None:
    state, _, refused = fold(events_of("OrderInitialized", "OrderDenied", "OrderFilled"))
    assert state is not None
    assert refused == []
    assert (state.status, state.filled_qty) == (OrderStatus.DENIED, 1)


def test_a_fill_before_the_submission_fills_the_order() -> None:
    assert status_after("OrderInitialized", "OrderFilled") is OrderStatus.FILLED
    assert status_after("OrderInitialized", "OrderFilled", "OrderSubmitted") is OrderStatus.FILLED


def test_an_overfill_is_applied_and_flagged() -> None:
    state, _, refused = fold(events_of("OrderInitialized", "OrderSubmitted", "OrderFilled", "OrderFilled"))
    assert state is not None
    assert refused == []
    assert (state.filled_qty, state.overfilled, state.status) == (2, True, OrderStatus.FILLED)


def test_an_update_replaces_the_quantity_and_keeps_an_omitted_price() -> None:
    first, *rest = events_of("OrderInitialized", "OrderSubmitted", "OrderUpdated", price=None)
    first[1].price = Decimal("9.5")  # type: ignore[union-attr]
    state, _, _ = fold([first, *rest])
    assert state is not None
    assert (state.quantity, state.price) == (3, Decimal("9.5"))


def test_an_update_down_to_the_filled_quantity_completes_the_order() -> None:
    kinds = ("OrderInitialized", "OrderSubmitted", "OrderFilled", "OrderUpdated")
    assert status_after(*kinds, quantity=Decimal(1), last_qty=Decimal(1)) is OrderStatus.FILLED


@given(st.permutations(range(7)), st.booleans())
def test_an_emulated_order_becomes_the_order_that_the_emulator_sends(places: list[int], one_instant: bool) -> None:
    history = [
        ("OrderInitialized", {"order_type": "STOP_MARKET", "emulation_trigger": "BID_ASK"}),
        ("OrderEmulated", {}),
        ("OrderUpdated", {"trigger_price": Decimal(7), "quantity": Decimal(2), "account_id": None}),
        ("OrderInitialized", {"quantity": Decimal(2), "order_type": "MARKET", "emulation_trigger": "NO_TRIGGER"}),
        ("OrderReleased", {}),
        ("OrderSubmitted", {}),
        ("OrderFilled", {"last_qty": Decimal(2)}),
    ]
    events = []
    for n, (kind, fields) in enumerate(history):
        instant = 5 if one_instant else n
        events.append((places[n], order_event(kind, n, ts_init=instant, ts_event=instant, **fields)))
    state, _, refused = fold(sorted(events))
    assert state is not None
    assert refused == []
    assert (state.order_type, state.status, state.quantity) == ("MARKET", OrderStatus.FILLED, 2)
    assert (state.trigger_price, state.ts_init) == (None, events[0][1].ts_init)


def test_a_second_initialization_of_an_order_without_emulation_is_refused() -> None:
    state, _, refused = fold(events_of("OrderInitialized", "OrderInitialized"))
    assert state is not None
    assert [reason for _, _, reason in refused] == ["the order was initialized before, by another event"]


BURST = ("OrderInitialized", "OrderSubmitted", "OrderAccepted", "OrderPendingUpdate", "OrderUpdated", "OrderFilled")


@given(st.permutations(BURST))
def test_events_of_one_instant_are_applied_in_one_order(kinds: list[str]) -> None:
    burst = [(n, order_event(kind, n, ts_init=5, ts_event=5, last_qty=Decimal(3))) for n, kind in enumerate(kinds)]
    state, applied, refused = fold(burst)
    assert state is not None
    assert refused == []
    assert state.status is OrderStatus.FILLED
    assert [type(event).__name__ for _, event in applied] == list(BURST)


@st.composite
def histories(draw: st.DrawFn) -> list[AnyOrderEvent]:
    """An order's events, legal or not, at distinct instants."""
    kinds = draw(st.lists(st.sampled_from(EVENT_TYPES), max_size=12))
    instants = draw(st.permutations(range(1, len(kinds) + 1)))
    qty = st.sampled_from([Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal(2)])
    events = [order_event("OrderInitialized", 0, ts_init=0, ts_event=0)]
    for n, (kind, instant) in enumerate(zip(kinds, instants, strict=True), start=1):
        events.append(order_event(kind, n, ts_init=instant, ts_event=instant, last_qty=draw(qty), quantity=draw(qty)))
    return events


@given(histories(), st.randoms())
def test_the_final_state_does_not_depend_on_the_order_of_arrival(history: list[AnyOrderEvent], random: Any) -> None:
    shuffled = random.sample(history, len(history))
    one = fold(enumerate(history))
    other = fold(enumerate(shuffled))
    assert one[0] == other[0]
    assert {event.event_id for _, event, _ in one[2]} == {event.event_id for _, event, _ in other[2]}


@given(histories())
def test_applying_events_in_order_equals_folding_them(history: list[AnyOrderEvent]) -> None:
    """The ledger applies events directly while they arrive in order and are legal; the fold must agree."""
    state = open_order(history[0])  # type: ignore[arg-type]
    applied_events: list[tuple[int, AnyOrderEvent]] = [(0, history[0])]
    for seq, event in enumerate(history[1:], start=1):
        if not comes_in_order(state, event) or refusal(state, event) is not None:
            break
        apply(state, event)
        applied_events.append((seq, event))
        folded, _, refused = fold(applied_events)
        concluded = copy(state)
        conclude(concluded)
        assert folded == concluded
        assert refused == []


LEDGER_EVENTS = {"AuthorizationReleased": {"actor": "a"}, "AuthorizationDenied": {"actor": "a", "code": "NO_BUDGET"}}


@pytest.mark.parametrize("ledger_event", LEDGER_EVENTS)
@given(histories(), st.data())
def test_a_ledger_event_that_closes_an_order_is_folded_before_engine_events(
    ledger_event: str, history: list[AnyOrderEvent], data: st.DataObject
) -> None:
    """The engine may change the order before it is submitted: the ledger's event is applied last, and folded first."""
    count = data.draw(st.integers(1, 3))
    local = st.sampled_from(["OrderUpdated", "OrderModifyRejected", "OrderCancelRejected"])
    account = st.sampled_from([None, "BINANCE-001"])
    before = [
        order_event(data.draw(local), 100 + n, ts_init=1 + n, ts_event=n, account_id=data.draw(account))
        for n in range(count)
    ]
    initialized = order_event("OrderInitialized", 0, ts_init=0, ts_event=0, quote_quantity=data.draw(st.booleans()))
    state = open_order(initialized)
    for event in before:
        apply(state, event)
    closing: Any = order_event(ledger_event, 200, ts_init=1_000, ts_event=1_000, **LEDGER_EVENTS[ledger_event])
    apply(state, closing)
    applied_events = list(enumerate([initialized, *before, closing]))
    assert (state.status in TERMINAL, fold(applied_events)[0]) == (True, state)
    later = [replace(event, ts_init=event.ts_init + 10) for event in history[1:]]
    for seq, event in enumerate(later, start=len(applied_events)):
        if not comes_in_order(state, event) or refusal(state, event) is not None:
            break
        apply(state, event)
        applied_events.append((seq, event))
        concluded = copy(state)
        conclude(concluded)
        assert fold(applied_events)[0] == concluded


@given(histories())
def test_a_status_changes_only_along_the_transitions(history: list[AnyOrderEvent]) -> None:
    _, applied, _ = fold(enumerate(history))
    states = [fold(applied[: n + 1])[0] for n in range(len(applied))]
    for before, after in pairwise(states):
        assert before is not None
        assert after is not None
        if before.status is after.status:
            continue
        restored = before.status in (OrderStatus.PENDING_UPDATE, OrderStatus.PENDING_CANCEL)
        if after.last_rank == RANK_CONCLUDED or before.last_rank == RANK_CONCLUDED:
            continue  # filled before anything said that it was sent
        # One event may cause two steps: back from a pending status, or to SUBMITTED, and then on to the
        # status of the fills.
        middle = {before.status, before.status_before_pending} if restored else {before.status}
        reachable = {target for status in middle if status for target in TRANSITIONS[status]}
        twice = {target for status in reachable for target in TRANSITIONS[status]}
        assert after.status in reachable | twice | middle


@given(histories())
def test_the_filled_quantity_is_the_sum_of_the_fills(history: list[AnyOrderEvent]) -> None:
    state, applied, refused = fold(enumerate(history))
    assert state is not None
    assert state.filled_qty == sum(event.last_qty for event in history if isinstance(event, OrderFilled))
    assert not any(isinstance(event, OrderFilled) for _, event, _ in refused)
    assert len(applied) + len(refused) == len(history)
    assert all(UUID(event.event_id) for event in history)
    assert sum(isinstance(event, OrderInitialized) for _, event in applied) == 1


@given(st.permutations(range(4)))
def test_the_amendment_with_the_later_venue_time_counts(places: list[int]) -> None:
    history = [
        order_event("OrderInitialized", 0, ts_init=1, ts_event=1),
        order_event("OrderAccepted", 1, ts_init=2, ts_event=2),
        order_event("OrderUpdated", 2, ts_init=5, ts_event=4, quantity=Decimal(7)),
        order_event("OrderUpdated", 3, ts_init=5, ts_event=3, quantity=Decimal(8)),
    ]
    state, _, refused = fold(sorted(zip(places, history, strict=True)))
    assert (state.quantity, refused) == (7, [])


def test_an_amendment_of_a_closed_order_is_applied_as_in_the_engine() -> None:
    state, _, refused = fold(events_of("OrderInitialized", "OrderSubmitted", "OrderRejected", "OrderUpdated"))
    assert (state.status, state.quantity, refused) == (OrderStatus.REJECTED, 3, [])


STORED_DECISION = (
    '{"type": "%s", "actor": "admin", "ts_init": 1, "event_id": "5f17147f-2bbd-8c76-8f87-1f010d829329",'
    ' "currency": "USDT", "quantity": "1.5", "ts_event": 1, "trader_id": "T-1", "order_side": "BUY",'
    ' "order_type": "LIMIT", "price": "2", "strategy_id": "EMA-1", "instrument_id": "BTC.X",'
    ' "quote_quantity": true, "client_order_id": "O-1"%s}'
)


def test_a_denial_is_no_grant_and_stored_decisions_decode_to_their_types() -> None:
    granted = decode_stored(STORED_DECISION % ("AuthorizationGranted", ""))
    denied = decode_stored(STORED_DECISION % ("AuthorizationDenied", ', "code": "NO_BUDGET", "reason": "NO_BUDGET: x"'))
    assert isinstance(granted, AuthorizationGranted)
    assert isinstance(denied, AuthorizationDenied)
    assert not isinstance(denied, AuthorizationGranted)
    assert (denied.code, denied.reason) == ("NO_BUDGET", "NO_BUDGET: x")
    for name in AuthorizationGranted.__struct_fields__:
        assert getattr(granted, name) == getattr(denied, name)
    assert (granted.quantity, granted.is_quote_quantity, granted.time_in_force) == (Decimal("1.5"), True, "GTC")
    assert b"time_in_force" not in encode(granted)
