"""Releases an authorized order that was never submitted: voids its hold."""

from copy import copy
from decimal import localcontext
from typing import NamedTuple

from app.database import WriteConnection
from app.errors import OrderNotFound, OrderNotReleasable
from app.ledger.batch import OrderKey, PositionChanges
from app.ledger.commands import is_text
from app.ledger.folding import totals
from app.ledger.folding.orders import OrderChange, load_states
from app.ledger.holds.budgets import BudgetBook
from app.ledger.holds.exposure import load_holds
from app.ledger.holds.holds import reserve
from app.ledger.recording import own_events
from app.ledger.storage.audit_log import Action, AuditedState, AuditRecord, record
from app.ledger.storage.locks import lock_strategies
from app.ledger.storage.row_writes import feed_write, order_writes, strategy_write
from app.ledger.storage.writing import write
from app.principal import Principal
from app.rules.enums import AuthorizationStatus, JournalReason, OrderStatus
from app.rules.events import AuthorizationReleased
from app.rules.holds import HoldState
from app.rules.money import EXACT
from app.rules.order_lifecycle import apply
from app.rules.order_state import OrderState

_RELEASED_AT = "SELECT ts_event FROM order_events WHERE strategy_id = $1 AND event_id = $2 AND variant = 0"


class Released(NamedTuple):
    """The hold's currency, the time in nanoseconds, and whether an earlier request released the order."""

    currency: str | None
    decided_at: int
    is_repeated: bool = False


async def release_order(
    work: WriteConnection, principal: Principal, strategy_id: str, client_order_id: str, now: int
) -> Released:
    """Release an order in the caller's transaction. A repeated release changes nothing. `now`: nanoseconds since the
    epoch.

    Raises OrderNotFound, OrderNotReleasable.
    """
    key = (strategy_id, client_order_id)
    if not is_text(client_order_id):
        raise OrderNotFound(client_order_id)
    strategies = await lock_strategies(work, [strategy_id])
    states, waiting = await load_states(work, [key])
    state = states.get(key)
    if not strategies or state is None:
        raise OrderNotFound(client_order_id)
    hold = (await load_holds(work, [key])).get(key)
    currency = hold.currency if hold is not None else None
    event_id = own_events.own_event_id(own_events.RELEASE, *key)
    if state.authorization_status is AuthorizationStatus.RELEASED:
        released_at = await work.fetchval(_RELEASED_AT, strategy_id, event_id)
        return Released(currency, released_at, is_repeated=True)
    if state.status is not OrderStatus.INITIALIZED or state.filled_qty or state.is_overruled or key in waiting:
        raise OrderNotReleasable(_why_not(state))
    strategy = strategies[strategy_id]
    event = AuthorizationReleased(
        trader_id=strategy.trader_id,
        strategy_id=strategy.name,
        instrument_id=state.instrument_id,
        client_order_id=client_order_id,
        event_id=event_id,
        ts_event=now,
        ts_init=now,
        actor=principal.actor,
    )
    before = _described(key, state, hold)
    change = OrderChange(key, state, 0, copy(state))
    with localcontext(EXACT):
        apply(state, event)
        book = await BudgetBook.of([strategy_id], now).fetch(work)
        holds = await reserve(work, [change], PositionChanges(), book, JournalReason.RELEASED)
        arrival = own_events.numbered(strategy_id, strategy, event)
        events = [own_events.event_write([arrival]), strategy_write(strategies)]
        feed = feed_write(orders=[key, *holds.moved], budgets=book.changed)
        changed = [*order_writes([change]), totals.order_counts([change]), *holds.writes(), *book.writes(), feed]
        await write(work, [*events, *changed])
    after = _described(key, state, holds.moved.get(key, hold))
    await record(work, principal, AuditRecord(Action.ORDER_RELEASE, "order", "/".join(key), strategy_id, before, after))
    return Released(currency, now)


def _described(key: OrderKey, state: OrderState, hold: HoldState | None) -> AuditedState:
    return {
        "strategyId": key[0],
        "clientOrderId": key[1],
        "status": state.status,
        "authorizationStatus": state.authorization_status,
        "currency": hold.currency if hold is not None else None,
        "remaining": f"{hold.remaining:f}" if hold is not None else "0",
    }


def _why_not(state: OrderState) -> str:
    name = repr(state.client_order_id)
    if state.is_terminal:
        return f"Order {name} has ended: it is {state.status}."
    if state.filled_qty:
        return f"Order {name} was filled, so it was submitted. Cancel it at the venue; its end frees the hold."
    if state.is_overruled:
        return f"Order {name} was submitted anyway. Cancel it at the venue; its end frees the hold."
    if state.status is OrderStatus.INITIALIZED:
        return f"Events of order {name} wait to be applied; it may be under way."
    return f"Order {name} was submitted: it is {state.status}. Cancel it at the venue; its end frees the hold."
