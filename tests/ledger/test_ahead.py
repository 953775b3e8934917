"""Deciding ahead: what is foreseen rightly is written, and wherever anything came between, all is decided anew."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from time import time_ns
from typing import Any
from uuid import UUID

import pytest

from app.database import Database
from app.errors import PurserError
from app.ledger.administration.instruments import InstrumentDefinition, record_instruments
from app.ledger.administration.strategies import set_global_trading_state, set_trading_state
from app.ledger.authorization import Gate, Request, gate
from app.ledger.authorization.authorize import authorize, decide_ahead
from app.ledger.authorization.desk import Desk
from app.ledger.commands import AuthorizeOrder, Verdict
from app.principal import LOCAL
from app.rules.enums import TradingState
from tests.events import published
from tests.ledger.gatekeeping import (
    INSTRUMENT,
    STRATEGY,
    STRATEGY_ID,
    afresh,
    allocate,
    ask,
    command,
    desk_after,
    prepare,
    release,
    requests_of,
)
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import rows, send

pytestmark = pytest.mark.anyio

BATCH = 40


async def fill(database: Database, client_order_id: str, price: str) -> None:
    """The engine submits an order that buys, and fills it."""
    order = {"client_order_id": client_order_id, "strategy_id": STRATEGY, "instrument_id": INSTRUMENT}
    trade = {"last_qty": "1", "last_px": price, "order_side": "BUY", "trade_id": "T-1", "currency": "USDT"}
    submitted, filled = published("OrderSubmitted", 1, **order), published("OrderFilled", 2, **order, **trade)
    assert (await send(database, submitted, filled)).accepted == 2


async def ask_ahead(database: Database, ahead: Desk, *commands: AuthorizeOrder) -> tuple[list[Any], bool]:
    """What is answered to who was decided ahead, and whether it was foreseen."""
    async with database.unit_of_work() as work:
        answers = await authorize(work, requests_of(*commands), time_ns(), ahead=ahead)
        await work.commit()
    return afresh(answers), answers is ahead.answers


async def test_what_was_foreseen_is_stored_as_if_it_were_decided_now(database: Database) -> None:
    await prepare(database, "350")
    first = await desk_after(database, command(1), command(2, quantity="0.5"))
    asked = (command(3), command(4), command(3), command(4, price="99"), command(5))
    ahead = first.successor(time_ns())
    await decide_ahead(ahead, requests_of(*asked))
    answers, is_foreseen = await ask_ahead(database, ahead, *asked)
    assert is_foreseen
    assert [answer if isinstance(answer, str) else answer.deny_code for answer in answers] == [
        None,
        None,
        None,
        "Order 'O-4' was asked about before, with another price. Use a new id.",
        "BUDGET_EXCEEDED",
    ]
    assert answers[4].reason == "BUDGET_EXCEEDED: available=0.0 USDT, required=100 USDT"
    assert afresh(await ask(database, *asked)) == answers
    assert [row["seq"] for row in await rows(database, "SELECT seq FROM order_events ORDER BY seq")] == [1, 2, 3, 4, 5]
    assert await broken_invariants(database) == []


async def test_each_desk_follows_the_one_before(database: Database) -> None:
    await prepare(database, "450")
    desk = await desk_after(database, command(0))
    for n in range(1, 6):
        ahead = desk.successor(time_ns())
        await decide_ahead(ahead, requests_of(command(n)))
        [answer], is_foreseen = await ask_ahead(database, ahead, command(n))
        assert is_foreseen
        assert (answer.deny_code is None) == (n < 4)
        desk = ahead
    assert await broken_invariants(database) == []


async def _another_cap(database: Database) -> None:
    await allocate(database, Decimal(150))


async def _no_budget(database: Database) -> None:
    await allocate(database, None)


async def _halted(database: Database) -> None:
    async with database.unit_of_work() as work:
        await set_trading_state(work, LOCAL, UUID(STRATEGY_ID), TradingState.HALTED)
        await work.commit()


async def _all_halted(database: Database) -> None:
    async with database.unit_of_work() as work:
        await set_global_trading_state(work, LOCAL, TradingState.HALTED)
        await work.commit()


async def _somebody_else_was_first(database: Database) -> None:
    await ask(database, *(command(f"other-{n}") for n in range(9)))


async def _asked_elsewhere(database: Database) -> None:
    await ask(database, command(2, price="50"))


async def _given_up(database: Database) -> None:
    await release(database, 1)


async def _filled(database: Database) -> None:
    await fill(database, "O-1", "990")


async def _described(database: Database) -> None:
    definition = InstrumentDefinition(
        instrument_id=INSTRUMENT, quote_currency="USDT", settlement_currency="USDT", multiplier=Decimal(20)
    )
    async with database.unit_of_work() as work:
        await record_instruments(work, LOCAL, [definition])
        await work.commit()


@pytest.mark.parametrize(
    "between",
    [
        _another_cap,
        _no_budget,
        _halted,
        _all_halted,
        _somebody_else_was_first,
        _asked_elsewhere,
        _given_up,
        _filled,
        _described,
    ],
)
async def test_what_came_between_is_seen(database: Database, between: Callable[[Database], Awaitable[None]]) -> None:
    await prepare(database, "1000")
    first = await desk_after(database, command(1))
    ahead = first.successor(time_ns())
    await decide_ahead(ahead, requests_of(command(2), command(3)))
    if between is _no_budget:
        await release(database, 1)
    await between(database)
    answers, is_foreseen = await ask_ahead(database, ahead, command(2), command(3))
    assert not is_foreseen
    assert afresh(await ask(database, command(2), command(3))) == answers
    if between is not _given_up:
        assert answers != afresh(ahead.answers), "another answer, or the change would not matter"
    assert await broken_invariants(database) == []


async def test_what_was_rolled_back_was_never_so(database: Database) -> None:
    await prepare(database, "150")
    first = await desk_after(database, command(1), is_committed=False)
    ahead = first.successor(time_ns())
    await decide_ahead(ahead, requests_of(command(2)))
    [answer], is_foreseen = await ask_ahead(database, ahead, command(2))
    assert (is_foreseen, answer.deny_code) == (False, None)
    assert await broken_invariants(database) == []


async def test_a_desk_knows_what_it_cannot_foresee(database: Database) -> None:
    await prepare(database, "5000")
    await ask(database, command("entry"))
    await fill(database, "O-entry", "100")
    desk = await desk_after(database, command(1))
    foreseen = {
        "more of the same": command(2),
        "reduces": command(3, side="SELL"),
        "has no price": command(4, price=None),
        "is elsewhere": command(5, instrument_id="ETHUSDT-PERP.BINANCE"),
    }
    assert {name for name, one in foreseen.items() if desk.foresees(*requests_of(one))} == {"more of the same"}


async def test_the_gate_decides_batches_ahead_and_answers_as_if_it_did_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepare(database, "10050")
    ahead: list[int] = []

    async def watched(desk: Desk, requests: Sequence[Request]) -> None:
        ahead.append(len(requests))
        await decide_ahead(desk, requests)

    monkeypatch.setattr(gate, "decide_ahead", watched)
    tested = Gate(database)
    batches = [[command(f"{batch}-{n}") for n in range(BATCH)] for batch in range(30)]
    answers = await asyncio.gather(*(_in_turns(tested, batches[first::6]) for first in range(6)))
    granted = [answer for of in answers for answer in of if isinstance(answer, Verdict) and answer.deny_code is None]
    assert len(granted) == 100, "as many as the budget allows, whoever was first"
    assert sum(map(len, answers)) == 30 * BATCH
    assert len(ahead) > 5
    assert await broken_invariants(database) == []


async def _in_turns(tested: Gate, batches: list[list[AuthorizeOrder]]) -> list[Verdict | PurserError]:
    answers = []
    for batch in batches:
        answers += await tested.authorize(requests_of(*batch))
    return answers


async def test_a_fault_in_deciding_ahead_costs_nobody_the_answer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepare(database, "1000000")

    async def broken(desk: Desk, requests: Sequence[Request]) -> None:
        await decide_ahead(desk, requests[:5])
        raise AssertionError

    monkeypatch.setattr(gate, "decide_ahead", broken)
    tested = Gate(database)
    batches = [[command(f"{batch}-{n}") for n in range(BATCH)] for batch in range(12)]
    answers = await asyncio.gather(*(_in_turns(tested, batches[first::4]) for first in range(4)))
    assert all(isinstance(answer, Verdict) for of in answers for answer in of)
    assert sum(map(len, answers)) == len(await rows(database, "SELECT FROM orders")) == 12 * BATCH
    assert await broken_invariants(database) == []
