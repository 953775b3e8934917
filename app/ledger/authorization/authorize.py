"""The transaction of some authorizations: each is decided on its own, in the order they came.

    lock strategies ─> read orders, budgets, exposure ─> decide (`desk`, `rules.authorization`) ─> write ─> verdicts

A verdict is an event of ours in the order's history; asked again, it is read from there.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext

from app.database import WriteConnection
from app.errors import PurserError
from app.ledger.administration.trading_state import global_state
from app.ledger.authorization.desk import Desk
from app.ledger.authorization.requests import Request
from app.ledger.batch import OrderKey
from app.ledger.commands import Verdict
from app.ledger.folding.orders import known_of, load_states
from app.ledger.folding.valuations import valuations_of
from app.ledger.holds.budgets import BudgetBook
from app.ledger.holds.exposure import (
    Side,
    UnvaluedOrder,
    held_in,
    load_claims,
    load_holds,
    load_last_prices,
    load_open_orders,
    reducible_in,
    unvalued_of,
)
from app.ledger.holds.revaluation import value_open_orders
from app.ledger.recording import own_events
from app.ledger.recording.dedup import empty_admission
from app.ledger.recording.record import apply_admitted
from app.ledger.storage.locks import LockedStrategy, lock_strategies
from app.ledger.storage.query_batch import ask
from app.ledger.storage.writing import WriteBehind, write
from app.rules.holds import OpenOrder, increasing_quantities, is_amount
from app.rules.money import EXACT
from app.rules.valuation import Valuation

Answers = list[Verdict | PurserError]

_WRITTEN_TOGETHER = 250
"""PostgreSQL stores so many orders while we decide the next."""
_AT_A_STRETCH = 25
"""Decided without a look at what else there is to do: to send on what is being written, to read other requests."""


def nobody(_: Desk | None) -> None:
    """Cares when it is decided."""


async def authorize(
    work: WriteConnection,
    requests: Sequence[Request],
    now: int,
    *,
    ahead: Desk | None = None,
    decided: Callable[[Desk], None] = nobody,
) -> Answers:
    """Decide all, in order; an order's own error is its answer. Commits nothing. `now`: nanoseconds since the epoch.

    `ahead`: the desk that decided the same requests before the strategies were locked. Where it foresaw rightly, its
    decisions are written; where anything is otherwise, all is decided anew. `decided` is called with the desk once only
    the last of it is to be written, and not where the last decision changes other orders.
    """
    with localcontext(EXACT):
        strategies = await lock_strategies(work, {request.key[0] for request in requests})
        if ahead is not None and await _is_as_foreseen(work, ahead, strategies, requests):
            parts = ahead.parts(is_last=True)
            decided(ahead)
            await write(work, parts)
            return ahead.answers
        answers: Answers = []
        while len(answers) < len(requests):
            rest = requests[len(answers) :]
            desk = await _read(work, strategies, rest, now + len(answers))
            await _decide(work, desk, rest, decided)
            answers += desk.answers
            if desk.denied_late is not None:
                # Others claim what it claimed, and an order that it was spawned from has its quantity back.
                await apply_admitted(work, empty_admission([], strategies), [desk.denied_late])
    return answers


async def _decide(
    work: WriteConnection, desk: Desk, requests: Sequence[Request], decided: Callable[[Desk], None]
) -> None:
    """Decide and write in order: all, or up to the first that was denied after its engine had reported it."""
    async with WriteBehind(work) as behind:
        for place, request in enumerate(requests, 1):
            desk.decide(request)
            if desk.denied_late is not None:
                await behind.write(desk.parts(is_last=True))
                break
            if place == len(requests):
                parts = desk.parts(is_last=True)
                decided(desk)
                await behind.write(parts)
            elif place % _WRITTEN_TOGETHER == 0:
                await behind.write(desk.parts(is_last=False))
            elif place % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)


async def decide_ahead(desk: Desk, requests: Sequence[Request]) -> None:
    """Decide them without a look at the database, as the desk's forerunner will have left it."""
    with localcontext(EXACT):
        for request in requests:
            desk.decide(request)
            if len(desk.answers) % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)


async def _read(
    work: WriteConnection, strategies: dict[str, LockedStrategy], requests: Sequence[Request], now: int
) -> Desk:
    """A desk that knows what decisions about these requests need."""
    keys = {request.key for request in requests if request.key[0] in strategies}
    markets = {request.market for request in requests if request.key[0] in strategies}
    queries = (
        known_of(keys),
        held_in(markets),
        BudgetBook.of(strategies, now),
        valuations_of({instrument_id for _, instrument_id in markets}),
        unvalued_of(strategies),
        global_state(),
    )
    known, held, book, valuations, unvalued, everywhere = await ask(work, *queries)
    if unvalued and await value_open_orders(work, unvalued):
        known, held, book, valuations, unvalued, everywhere = await ask(work, *queries)
    stored, waiting = await load_states(work, known)
    asked_before = [key for key, state in stored.items() if state.authorization_status is not None]
    sides = {request.side for request in requests if reducible_in(held, request.side)}
    unpriced = {request.market for request in requests if not request.is_priced}
    holds = await load_holds(work, stored) if stored else {}
    unplaced = {one.side for one in requests if one.side in sides and one.key in holds and not holds[one.key].is_placed}
    return Desk(
        strategies=strategies,
        markets=markets,
        states=stored,
        waiting=waiting,
        holds=holds,
        decided=await own_events.load_decisions(work, asked_before) if asked_before else {},
        book=book,
        valuations=valuations,
        held=held,
        claims=await load_claims(work, sides) if sides else {},
        increasing=await _increasing(work, unplaced, held, valuations) if unplaced else {},
        last_prices=await load_last_prices(work, unpriced) if unpriced else {},
        unvalued=_by_strategy(unvalued),
        global_state=everywhere.state,
        now=now,
    )


async def _increasing(
    work: WriteConnection, sides: Iterable[Side], held: Mapping[Side, Decimal], valuations: Mapping[str, Valuation]
) -> dict[OrderKey, Decimal]:
    """What open orders on these sides would add to exposure, each in its turn to claim what is held."""
    by_side: dict[Side, list[OpenOrder]] = {side: [] for side in sides}
    for order in await load_open_orders(work, by_side):
        order.order.is_amount = is_amount(order.order.is_amount, valuations.get(order.instrument_id))
        by_side[order.market, order.order.side].append(order.order)
    return {
        (market[0], order.client_order_id): quantity
        for (market, side), orders in by_side.items()
        for order, quantity in increasing_quantities(orders, reducible_in(held, (market, side)))
    }


def _by_strategy(unvalued: Iterable[UnvaluedOrder]) -> dict[str, list[UnvaluedOrder]]:
    orders: dict[str, list[UnvaluedOrder]] = {}
    for order in unvalued:
        orders.setdefault(order.strategy_id, []).append(order)
    return orders


async def _is_as_foreseen(
    work: WriteConnection, ahead: Desk, strategies: Mapping[str, LockedStrategy], requests: Sequence[Request]
) -> bool:
    """Whether the strategies are as the desk's forerunner left them, and nobody knows the orders yet.

    A strategy's orders and positions change with its events only, so the number of its last event stands for them.
    Budgets, trading states, of one strategy and of all, and instruments change by themselves.
    """
    before = ahead.forerunner
    assert before is not None, "only who follows another desk decides ahead"
    if strategies.keys() != {request.key[0] for request in requests}:
        return False
    if not all(strategy.was(ahead.strategies[key]) for key, strategy in strategies.items()):
        return False
    instruments = {request.command.instrument_id for request in requests}
    known, book, valuations, everywhere = await ask(
        work,
        known_of({request.key for request in requests}),
        BudgetBook.of(strategies, ahead.now),
        valuations_of(instruments),
        global_state(),
    )
    if everywhere.state is not before.global_state:
        return False
    if known or any(valuations.get(one) != before.valuations.get(one) for one in instruments):
        return False
    ahead.forerunner = None  # not looked at again, and not to be kept
    return book.is_as(before.book, strategies)  # type: ignore[no-any-return]
