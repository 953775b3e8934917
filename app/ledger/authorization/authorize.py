"""The part of an authorization's transaction before its rows are written.

    lock strategies ─> load orders, budgets, exposure ─> decide each order (`DecisionState`, `rules.authorization`)

A decision is one of Purser's own events in the order's history. A repeated request is answered from it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from itertools import chain

from app.database import WriteConnection
from app.errors import PurserError
from app.ledger.administration.strategies import GLOBAL_STATE
from app.ledger.authorization.decision_state import DecisionState, Request
from app.ledger.batch import Admitted, OrderKey
from app.ledger.commands import Verdict
from app.ledger.folding.orders import known_of, load_states
from app.ledger.folding.positions import valuations_of
from app.ledger.holds import exposure
from app.ledger.holds.budgets import BudgetBook
from app.ledger.holds.revaluation import value_open_orders
from app.ledger.recording import own_events
from app.ledger.recording.record import apply_admitted
from app.ledger.storage.locks import LockedStrategy, lock_strategies
from app.ledger.storage.queries import fetch_all_at_once
from app.ledger.storage.row_mapping import Row
from app.ledger.storage.rows import EVENT_COLUMNS, event_row
from app.ledger.storage.writing import Insert, TableWrite, copy, write
from app.models.orders import OrderEvent
from app.rules.holds import OrderWithHold, increasing_quantities, is_amount
from app.rules.money import EXACT
from app.rules.valuation import Valuation

Answers = list[Verdict | PurserError]

_PART = 25
"""Decisions in one turn of the event loop."""
_STREAMED_MIN = 60
"""More orders than this have more rows than one statement should write (`storage.writing`)."""
_LOADED_AFTER_LATE_DENIAL = 4
"""Orders that are loaded after one that was denied late; twice as many each time that none is. Each late denial
discards what was loaded, so loading all the rest again would take time quadratic in the number of orders."""


async def decide(work: WriteConnection, requests: Sequence[Request], now: int) -> tuple[Answers, list[TableWrite]]:
    """Lock the strategies and decide all orders, in order. Returns an answer for each order, and the rows to write.

    An error about an order is its answer. `now`: nanoseconds since the epoch. PostgreSQL stores the events of many
    orders while the next ones are decided.
    """
    with localcontext(EXACT):
        strategies = await lock_strategies(work, {request.key[0] for request in requests})
        answers: Answers = []
        rows: list[TableWrite] = []
        size = len(requests)
        while len(answers) < len(requests):
            await write(work, rows)
            part = requests[len(answers) : len(answers) + size]
            state = await _load_state(work, strategies, part, now + len(answers))
            if len(part) >= _STREAMED_MIN:
                await copy(work, OrderEvent, EVENT_COLUMNS, _in_turns(_event_rows(state, part)))
                rows = state.writes()
            else:
                events = [*chain.from_iterable(_event_rows(state, part))]
                rows = [Insert(OrderEvent, EVENT_COLUMNS, events), *state.writes()]
            answers += state.answers
            size *= 2
            if state.denied_late is not None:
                # Other orders claim the denied order's part of the position; its primary regains the quantity.
                await write(work, rows)
                rows, size = [], _LOADED_AFTER_LATE_DENIAL
                await apply_admitted(work, Admitted(strategies), [state.denied_late])
    return answers, rows


def _event_rows(state: DecisionState, requests: Sequence[Request]) -> Iterator[list[Row]]:
    """Decide the orders, up to one that is denied late. Yields the decisions' events as rows, in parts."""
    for first in range(0, len(requests), _PART):
        decided = len(state.events)
        for request in requests[first : first + _PART]:
            state.decide(request)
            if state.denied_late is not None:
                break
        yield [event_row(arrival) for arrival in state.events[decided:]]
        if state.denied_late is not None:
            break


async def _in_turns(parts: Iterator[list[Row]]) -> AsyncIterator[list[Row]]:
    """The parts, each in a turn of the event loop, so that other requests are served between them."""
    for part in parts:
        yield part
        await asyncio.sleep(0)


async def _load_state(
    work: WriteConnection, strategies: dict[str, LockedStrategy], requests: Sequence[Request], now: int
) -> DecisionState:
    """Load everything that these decisions depend on. The strategies are locked."""
    keys = {request.key for request in requests if request.key[0] in strategies}
    markets = {request.market for request in requests if request.key[0] in strategies}
    queries = (
        known_of(keys),
        exposure.open_quantities(markets),
        BudgetBook.of(strategies, now),
        valuations_of({instrument_id for _, instrument_id in markets}),
        exposure.unvalued_of(strategies),
        GLOBAL_STATE,
    )
    known, position_qty, book, valuations, unvalued, everywhere = await fetch_all_at_once(work, *queries)
    if unvalued and await value_open_orders(work, unvalued):
        known, position_qty, book, valuations, unvalued, everywhere = await fetch_all_at_once(work, *queries)
    stored, waiting = await load_states(work, known)
    decided = [key for key, state in stored.items() if state.authorization_status is not None]
    sides = {request.side for request in requests if position_qty and exposure.reducible_in(position_qty, request.side)}
    unpriced = {request.market for request in requests if not request.is_priced}
    holds = await exposure.load_holds(work, stored) if stored else {}
    unplaced = {one.side for one in requests if one.side in sides and one.key in holds and not holds[one.key].is_placed}
    return DecisionState(
        strategies=strategies,
        states=stored,
        waiting=waiting,
        holds=holds,
        decided=await own_events.load_decisions(work, decided) if decided else {},
        book=book,
        valuations=valuations,
        position_qty=position_qty,
        claims=await exposure.load_claims(work, sides) if sides else {},
        increasing=await _increasing(work, unplaced, position_qty, valuations) if unplaced else {},
        last_prices=await exposure.load_last_prices(work, unpriced) if unpriced else {},
        unvalued={key: [order for order in unvalued if order.strategy_id == key] for key in strategies},
        global_state=everywhere.state,
        now=now,
    )


async def _increasing(
    work: WriteConnection,
    sides: Iterable[exposure.Side],
    position_qty: Mapping[exposure.Side, Decimal],
    valuations: Mapping[str, Valuation],
) -> dict[OrderKey, Decimal]:
    """The quantities by which open orders on these sides would increase exposure, after their claims on positions."""
    by_side: dict[exposure.Side, list[OrderWithHold]] = {side: [] for side in sides}
    for order in await exposure.load_open_orders(work, by_side):
        order.is_amount = is_amount(order.is_amount, valuations.get(order.instrument_id))
        by_side[order.market, order.side].append(order)
    return {
        order.key: quantity
        for side, orders in by_side.items()
        for order, quantity in increasing_quantities(orders, exposure.reducible_in(position_qty, side))
    }
