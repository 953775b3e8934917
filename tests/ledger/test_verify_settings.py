"""`purser verify` compares settings with the audit log."""

from decimal import Decimal

import pytest

from app.database import Database
from app.principal import LOCAL, Role
from app.resolvers import Context, budgets, events, keys, strategies
from app.rules.enums import TradingState
from app.rules.valuation import InstrumentDefinition
from tests.ledger.authorizing import STRATEGY, TRADER
from tests.ledger.state import broken_invariants, unprotected

pytestmark = pytest.mark.anyio

INSTRUMENT = InstrumentDefinition(
    instrument_id="X.V", quote_currency="USDT", settlement_currency="USDT", multiplier=Decimal("1.50")
)

TAMPERING = {
    "a larger budget": (
        "UPDATE budgets SET allocated = 5000 WHERE currency = 'USDT'",
        "budgets equal their last change in the audit log",
    ),
    "a deleted budget restored": (
        "UPDATE budgets SET allocated = 1, created_at = 1 WHERE currency = 'EUR'",
        "budgets equal their last change in the audit log",
    ),
    "a halted strategy set active": (
        "UPDATE strategies SET state = 'ACTIVE'",
        "trading states equal their last change in the audit log",
    ),
    "all trading set active": (
        "UPDATE trading_control SET state = 'ACTIVE'",
        "the state of all trading equals its last change in the audit log",
    ),
    "another actor of a halt": (
        "UPDATE trading_control SET actor = 'key:x'",
        "the state of all trading equals its last change",
    ),
    "another instant of a halt": (
        "UPDATE trading_control SET since = 1",
        "the state of all trading equals its last change",
    ),
    "a missing global state": ("DELETE FROM trading_control", "the state of all trading equals its last change"),
    "a stronger key": ("UPDATE api_keys SET role = 'admin' WHERE name = 'bot'", "API keys equal their last change"),
    "a revoked key restored": (
        "UPDATE api_keys SET revoked_at = NULL WHERE name = 'old'",
        "API keys equal their last change",
    ),
    "a key without an audit entry": (
        "INSERT INTO api_keys (key_id, name, role, secret_hash, created_at) VALUES ('x', 'x', 'admin', 'x', 1)",
        "API keys equal their last change",
    ),
    "a reason in the journal": (
        "UPDATE budget_journal SET reason = 'FILLED', client_order_id = 'x' WHERE currency = 'USDT' AND version = 2",
        "each journal entry's reason is an event",
    ),
    "a set budget without an audit entry": (
        "INSERT INTO budget_journal SELECT (jsonb_populate_record(j, '{\"version\": 3}')).* FROM budget_journal j "
        "WHERE currency = 'USDT' AND version = 2",
        "each cap that was set has its entry in the audit log",
    ),
    "another multiplier": ("UPDATE instruments SET multiplier = 2", "the terms of instruments equal their last change"),
}


@pytest.fixture
async def configured_ledger(database: Database) -> Database:
    """A database in which every setting was changed, some of them twice."""
    context = Context(database)
    strategy = await strategies.register_strategy(context, LOCAL, STRATEGY, TRADER)
    await strategies.register_strategy(context, LOCAL, "Idle-000", TRADER)
    for allocated in ("1000", "2000.50"):
        await budgets.set_budget(context, LOCAL, strategy, "USDT", Decimal(allocated))
    await budgets.set_budget(context, LOCAL, strategy, "EUR", Decimal(1))
    await budgets.delete_budget(context, LOCAL, strategy, "EUR")
    for state in (TradingState.REDUCING, TradingState.HALTED):
        await strategies.set_trading_state(context, LOCAL, strategy, state)
    for state in (TradingState.HALTED, TradingState.REDUCING):
        await strategies.set_global_trading_state(context, LOCAL, state)
    await keys.create_key(context, LOCAL, Role.TRADER, "bot", [STRATEGY])
    old = await keys.create_key(context, LOCAL, Role.ADMIN, "old")
    await keys.revoke_key(context, LOCAL, old.id)
    await events.record_instruments(context, LOCAL, [INSTRUMENT])
    return database


async def test_unchanged_settings_pass_verification(configured_ledger: Database) -> None:
    assert await broken_invariants(configured_ledger) == []


@pytest.mark.parametrize("tampering", TAMPERING)
async def test_verify_finds_settings_that_differ_from_the_audit_log(
    configured_ledger: Database, tampering: str
) -> None:
    statement, claim = TAMPERING[tampering]
    async with unprotected(configured_ledger) as work:
        assert not (await work.execute(statement)).endswith(" 0")
        await work.commit()
    assert any(invariant.claim.startswith(claim) for invariant, _ in await broken_invariants(configured_ledger))
