"""`purser verify` names manual changes: for each invariant a change, and exactly the claims that it breaks."""

import json
from decimal import Decimal
from typing import Any

import pytest

from app.database import Database
from app.ledger.commands import Verdict
from app.ledger.recording.quarantine import ResolveQuarantine, resolve_quarantine
from app.ledger.verify.verification import invariants
from app.principal import LOCAL, Role
from app.resolvers import Context, budgets, events, keys, strategies
from app.rules.enums import QuarantineAction, TradingState
from app.rules.valuation import InstrumentDefinition
from tests.events import event_id, published
from tests.ledger.authorizing import INSTRUMENT, STRATEGY, STRATEGY_ID, TRADER, authorize, command, prepare, release
from tests.ledger.state import broken_invariants, record, unprotected
from tests.ledger.tampering import ASSUMED, REPLAY, REPORTS, TAMPERING, UNKNOWN, UNTRADED
from tests.ledger.test_valuation import REPORTS as DIFFERING
from tests.ledger.test_valuation import bought_and_sold, lines

pytestmark = pytest.mark.anyio


def submitted(n: int, name: str, quantity: int = 1, **fields: Any) -> list[dict[str, Any]]:
    """The events of the submitted order O-`name`, from the n-th on."""
    given = {"quantity": Decimal(quantity), **fields, "client_order_id": f"O-{name}"}
    return [published(kind, n + i, **given) for i, kind in enumerate(("OrderInitialized", "OrderSubmitted"))]


def limit_price(price: int) -> dict[str, Any]:
    return {"options": {"price": str(price)}}


def position_report(n: int, **fields: Any) -> dict[str, Any]:
    """The engine's report of the position that O-1 opened."""
    event = {"type": "PositionChanged", "position_id": "P-1", "opening_order_id": "O-1", "entry": "BUY"}
    names = {"trader_id": TRADER, "strategy_id": STRATEGY, "instrument_id": INSTRUMENT, "event_id": event_id(n)}
    return {**event, **names, "ts_event": 5_000_000_000, "ts_init": 5_000_000_000, "quantity": "2", **fields}


def traded_events() -> list[dict[str, Any]]:
    """O-1 opened a position by two fills, O-2 and O-3 opened and closed another; four orders are open."""
    other = {"instrument_id": ASSUMED, "position_id": "P-2"}
    sold = {"client_order_id": "O-3", "order_side": "SELL", **other}
    repeated = published("OrderFilled", 90, client_order_id="O-1", trade_id="T-4", last_qty=Decimal("0.5"))
    return [
        *submitted(1, "1", 2),
        published("OrderFilled", 4, client_order_id="O-1", commission="0.1 USDT"),
        published("OrderFilled", 5, client_order_id="O-1", commission="0.2 USDT"),
        *submitted(10, "2", **other),
        published("OrderFilled", 12, client_order_id="O-2", **other),
        *submitted(13, "3", **sold),
        published("OrderFilled", 15, last_px=Decimal(110), **sold),
        *submitted(20, "4", **limit_price(90)),
        *submitted(22, "10", 50, options={}, quote_quantity=True, is_quote_quantity=True, order_type="MARKET"),
        *submitted(24, "11", order_side="SELL", reduce_only=True, **limit_price(120)),
        *submitted(26, "12", order_side="SELL", reduce_only=True, instrument_id=ASSUMED, **limit_price(120)),
        position_report(80),
        position_report(80, quantity="3"),
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
    """A small ledger with rows of every kind."""
    context = Context(database)
    strategy = await strategies.register_strategy(context, LOCAL, STRATEGY, TRADER)
    await strategies.register_strategy(context, LOCAL, "Idle-000", TRADER)
    described = {"base_currency": "BTC", "kind": "CryptoPerpetual"}
    known = [
        InstrumentDefinition(instrument_id=one, quote_currency="USDT", settlement_currency="USDT", **described)
        for one in (INSTRUMENT, UNTRADED)
    ]
    await events.record_instruments(context, LOCAL, known)
    for currency in ("USDT", "EUR"):
        await budgets.set_budget(context, LOCAL, strategy, currency, Decimal(1000))
    await strategies.set_trading_state(context, LOCAL, strategy, TradingState.ACTIVE)
    await keys.create_key(context, LOCAL, Role.TRADER, "bot", [STRATEGY])
    await authorize(database, command(5), command(6, quantity="1000"), command(7))
    await release(database, 7)
    await send(database, *traded_events())
    await resolve(database, 91, 0, QuarantineAction.DISMISS)
    await resolve(database, 2, 1, QuarantineAction.DISMISS)
    # From here on, no order can be granted.
    await send(database, *submitted(30, "20", instrument_id=UNKNOWN, **limit_price(1))[:1])
    await send(database, *submitted(32, "21", instrument_id=UNTRADED, order_type="MARKET", options={})[:1])
    await send(database, published("OrderAccepted", 34, client_order_id="O-22"))
    await resolve(database, 34, 0, QuarantineAction.ACCEPT)
    return database


async def _claims(database: Database) -> set[str]:
    return {invariant.claim for invariant, _ in await broken_invariants(database)}


async def test_an_unchanged_ledger_passes_verification(ledger: Database) -> None:
    assert await broken_invariants(ledger) == []


def test_each_invariant_is_broken_by_a_change() -> None:
    assert {invariant.claim for invariant in invariants()} == {
        claim for broken, _ in TAMPERING.values() for claim in broken
    }


@pytest.mark.parametrize("tampering", TAMPERING)
async def test_verify_reports_exactly_the_broken_claims(ledger: Database, tampering: str) -> None:
    expected, statements = TAMPERING[tampering]
    async with unprotected(ledger) as work:
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
async def test_verify_reports_a_changed_discrepancy(database: Database, change: str) -> None:
    await record(database, lines(*bought_and_sold(), *DIFFERING))
    assert await _claims(database) == {REPORTS}
    async with unprotected(database) as work:
        assert (await work.execute(f"UPDATE discrepancies SET {change}")).endswith(" 2")
        await work.commit()
    assert await _claims(database) == {REPORTS, REPLAY}


async def test_an_order_may_reserve_in_its_requested_currency_until_its_instrument_is_recorded(
    database: Database,
) -> None:
    """A fill of another strategy makes the instrument known by its quote currency."""
    await prepare(database)
    request = command(1, instrument_id=UNKNOWN, currency="USDT")
    [verdict] = await authorize(database, request)
    assert isinstance(verdict, Verdict)
    assert verdict.deny_code is None
    other = {"client_order_id": "O-2", "strategy_id": "Other-000", "instrument_id": UNKNOWN, "currency": "EUR"}
    await send(database, *submitted(1, "2", **other), published("OrderFilled", 3, **other))
    assert await broken_invariants(database) == []
