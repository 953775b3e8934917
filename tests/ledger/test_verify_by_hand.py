"""`purser verify` names what is changed by hand: for each rule one change, and the claims that it breaks, no others."""

import json
from decimal import Decimal
from typing import Any

import pytest

from app.database import Database
from app.ledger.commands import Verdict
from app.ledger.recording.quarantine import ResolveQuarantine, resolve_quarantine
from app.ledger.verify.verification import invariants
from app.principal import LOCAL, Role
from app.resolvers import Context, budgets, instruments, keys, strategies
from app.rules.enums import QuarantineAction, TradingState
from app.rules.valuation import InstrumentDefinition
from tests.events import event_id, published
from tests.ledger.authorizing import INSTRUMENT, STRATEGY, STRATEGY_ID, TRADER, ask, command, prepare, release
from tests.ledger.damages import ASSUMED, DAMAGES, REPLAY, REPORTS, UNKNOWN, UNTRADED
from tests.ledger.state import broken_invariants, record, unguarded
from tests.ledger.test_valuation import REPORTS as DIFFERING
from tests.ledger.test_valuation import bought_and_sold, lines

pytestmark = pytest.mark.anyio


def whole(n: int, name: str, quantity: int = 1, **fields: Any) -> list[dict[str, Any]]:
    """An order that was submitted, from event n on; O-`name`."""
    given = {"quantity": Decimal(quantity), **fields, "client_order_id": f"O-{name}"}
    return [published(kind, n + i, **given) for i, kind in enumerate(("OrderInitialized", "OrderSubmitted"))]


def limit(price: int) -> dict[str, Any]:
    return {"options": {"price": str(price)}}


def opened(n: int, **fields: Any) -> dict[str, Any]:
    """The engine's report of the position that O-1 opened."""
    event = {"type": "PositionChanged", "position_id": "P-1", "opening_order_id": "O-1", "entry": "BUY"}
    names = {"trader_id": TRADER, "strategy_id": STRATEGY, "instrument_id": INSTRUMENT, "event_id": event_id(n)}
    return {**event, **names, "ts_event": 5_000_000_000, "ts_init": 5_000_000_000, "quantity": "2", **fields}


def traded() -> list[dict[str, Any]]:
    """O-1 opened a position by two fills, O-2 and O-3 opened and closed another; four orders are open."""
    other = {"instrument_id": ASSUMED, "position_id": "P-2"}
    sold = {"client_order_id": "O-3", "order_side": "SELL", **other}
    repeated = published("OrderFilled", 90, client_order_id="O-1", trade_id="T-4", last_qty=Decimal("0.5"))
    return [
        *whole(1, "1", 2),
        published("OrderFilled", 4, client_order_id="O-1", commission="0.1 USDT"),
        published("OrderFilled", 5, client_order_id="O-1", commission="0.2 USDT"),
        *whole(10, "2", **other),
        published("OrderFilled", 12, client_order_id="O-2", **other),
        *whole(13, "3", **sold),
        published("OrderFilled", 15, last_px=Decimal(110), **sold),
        *whole(20, "4", **limit(90)),
        *whole(22, "10", 50, options={}, quote_quantity=True, is_quote_quantity=True, order_type="MARKET"),
        *whole(24, "11", order_side="SELL", reduce_only=True, **limit(120)),
        *whole(26, "12", order_side="SELL", reduce_only=True, instrument_id=ASSUMED, **limit(120)),
        opened(80),
        opened(80, quantity="3"),
        repeated,
        published("OrderCanceled", 91, client_order_id="O-1"),
        published("OrderSubmitted", 2, client_order_id="O-1", reason="x") | {"account_id": "OTHER"},
        published("OrderSubmitted", 2, client_order_id="O-1") | {"account_id": "ANOTHER"},
        {"type": "SignalMomentum", "value": 1.0, "ts_event": 5, "ts_init": 5},
    ]


async def send(database: Database, *events: dict[str, Any]) -> None:
    await record(database, [json.dumps(event).encode() for event in events])


async def resolve(database: Database, n: int, variant: int, action: QuarantineAction) -> None:
    async with database.unit_of_work() as work:
        await resolve_quarantine(work, LOCAL, STRATEGY_ID, ResolveQuarantine(event_id(n), action, "as agreed", variant))
        await work.commit()


@pytest.fixture
async def ledger(database: Database) -> Database:
    """A small ledger that has something of everything."""
    context = Context(database)
    strategy = await strategies.register_strategy(context, LOCAL, STRATEGY, TRADER)
    await strategies.register_strategy(context, LOCAL, "Idle-000", TRADER)
    described = {"base_currency": "BTC", "kind": "CryptoPerpetual"}
    known = [
        InstrumentDefinition(instrument_id=one, quote_currency="USDT", settlement_currency="USDT", **described)
        for one in (INSTRUMENT, UNTRADED)
    ]
    await instruments.record_instruments(context, LOCAL, known)
    for currency in ("USDT", "EUR"):
        await budgets.set_budget(context, LOCAL, strategy, currency, Decimal(1000))
    await strategies.set_trading_state(context, LOCAL, strategy, TradingState.ACTIVE)
    await keys.create_key(context, LOCAL, Role.TRADER, "bot", [STRATEGY])
    await ask(database, command(5), command(6, quantity="1000"), command(7))
    await release(database, 7)
    await send(database, *traded())
    await resolve(database, 91, 0, QuarantineAction.DISMISS)
    await resolve(database, 2, 1, QuarantineAction.DISMISS)
    # From here on, nothing is granted any more.
    await send(database, *whole(30, "20", instrument_id=UNKNOWN, **limit(1))[:1])
    await send(database, *whole(32, "21", instrument_id=UNTRADED, order_type="MARKET", options={})[:1])
    await send(database, published("OrderAccepted", 34, client_order_id="O-22"))
    await resolve(database, 34, 0, QuarantineAction.ACCEPT)
    return database


async def _claims(database: Database) -> set[str]:
    return {invariant.claim for invariant, _ in await broken_invariants(database)}


async def test_what_nobody_changed_holds(ledger: Database) -> None:
    assert await broken_invariants(ledger) == []


def test_each_rule_is_broken_by_a_change() -> None:
    assert {invariant.claim for invariant in invariants()} == {
        claim for broken, _ in DAMAGES.values() for claim in broken
    }


@pytest.mark.parametrize("damage", DAMAGES)
async def test_names_what_was_changed(ledger: Database, damage: str) -> None:
    expected, statements = DAMAGES[damage]
    async with unguarded(ledger) as work:
        for statement in statements:
            assert not (await work.execute(statement)).endswith(" 0")
        await work.commit()
    assert await _claims(ledger) == set(expected)


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'QUANTITY'",
        "ledger_value = 'EUR'",
        "engine_value = 'EUR'",
        "position_n = NULL",
        "ts_event = ts_event + 1",
        "instrument_id = 'x'",
        "position_id = 'x'",
    ],
)
async def test_names_what_was_changed_of_a_discrepancy(database: Database, change: str) -> None:
    await record(database, lines(*bought_and_sold(), *DIFFERING))
    assert await _claims(database) == {REPORTS}
    async with unguarded(database) as work:
        assert (await work.execute(f"UPDATE discrepancies SET {change}")).endswith(" 2")
        await work.commit()
    assert await _claims(database) == {REPORTS, REPLAY}


async def test_an_order_may_hold_in_the_currency_that_it_was_asked_for_until_its_instrument_is_recorded(
    database: Database,
) -> None:
    """Another strategy's fill makes the instrument known by its quote currency."""
    await prepare(database)
    asked = command(1, instrument_id=UNKNOWN, currency="USDT")
    [verdict] = await ask(database, asked)
    assert isinstance(verdict, Verdict)
    assert verdict.deny_code is None
    other = {"client_order_id": "O-2", "strategy_id": "Other-000", "instrument_id": UNKNOWN, "currency": "EUR"}
    await send(database, *whole(1, "2", **other), published("OrderFilled", 3, **other))
    assert await broken_invariants(database) == []
