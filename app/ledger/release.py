"""Giving up an order that was never submitted: its hold is void."""

from decimal import localcontext

from app.database import WriteConnection
from app.errors import OrderNotFound, OrderNotReleasable
from app.ledger import own_events
from app.ledger.budgets import BudgetBook
from app.ledger.effects import feed_part, order_parts
from app.ledger.exposure import load_holds
from app.ledger.holds import tie_up
from app.ledger.orders import OrderChange, load_states
from app.ledger.positions import PositionChanges
from app.ledger.writing import write
from app.rules.enums import AuthorizationStatus, JournalReason, OrderStatus
from app.rules.events import AuthorizationReleased
from app.rules.money import EXACT
from app.rules.order_lifecycle import OrderState, apply


async def release_order(
    work: WriteConnection, strategy_id: str, client_order_id: str, actor: str, now: int
) -> str | None:
    """Release an order; answers the currency of its hold. Released before: nothing changes.

    Raises OrderNotFound, OrderNotReleasable. Commits nothing.
    """
    key = (strategy_id, client_order_id)
    strategies = await own_events.lock_strategies(work, [strategy_id])
    states, waiting = await load_states(work, [key])
    state = states.get(key)
    if not strategies or state is None:
        raise OrderNotFound(client_order_id)
    hold = (await load_holds(work, [key])).get(key)
    currency = hold.currency if hold is not None else None
    if state.authorization_status is AuthorizationStatus.RELEASED:
        return currency
    if state.status is not OrderStatus.INITIALIZED or key in waiting:
        raise OrderNotReleasable(_why_not(state))
    strategy = strategies[strategy_id]
    event = AuthorizationReleased(
        trader_id=strategy.trader_id,
        strategy_id=strategy.name,
        instrument_id=state.instrument_id,
        client_order_id=client_order_id,
        event_id=own_events.release_id(*key),
        ts_event=now,
        ts_init=now,
        actor=actor,
    )
    change = OrderChange(key, state, 0, state.status, state.instrument_id)
    with localcontext(EXACT):
        apply(state, event)
        book = await BudgetBook.load(work, [strategy_id], now)
        holds = await tie_up(work, [change], PositionChanges(), book, JournalReason.RELEASED)
        events = own_events.parts(strategies, [(strategy_id, event)])
        feed = feed_part(orders=[key], budgets=book.changed)
        await write(work, [*events, *order_parts([change]), *holds.parts(), *book.parts(), feed])
    return currency


def _why_not(state: OrderState) -> str:
    name = repr(state.client_order_id)
    if state.is_terminal:
        return f"Order {name} has ended: it is {state.status}."
    if state.status is OrderStatus.INITIALIZED:
        return f"Events of order {name} wait to be applied; it may be under way."
    return f"Order {name} was submitted: it is {state.status}. Cancel it at the venue; its end frees the hold."
