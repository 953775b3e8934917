"""Principals, inputs and prepared ledgers for tests of resolvers, and readers of the audit log."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.engines import nautilus
from app.errors import PurserError
from app.ledger.batch import BatchResult
from app.ledger.commands import RecordSignal
from app.principal import Principal, Role
from app.resolvers import Context, events
from app.resolvers.budgets import set_budget
from app.resolvers.events import record_instruments
from app.resolvers.strategies import register_strategy
from app.rules.identity import strategy_id_of
from app.rules.valuation import InstrumentDefinition
from tests.ledger.authorizing import INSTRUMENT, STRATEGY, TRADER, authorize, command, reserved
from tests.ledger.state import digest_of
from tests.ledger.test_record import rows

ADMIN = Principal(Role.ADMIN, "key:ops", request_id="r-1")
ENGINE = Principal(Role.TRADER, "key:engine")
STRATEGY_ID = strategy_id_of(TRADER, STRATEGY)
BOUND = Principal(Role.ADMIN, "key:bound", frozenset({STRATEGY_ID}))
SIGNAL = RecordSignal(name="cross", value={"side": "BUY", "strength": 0.5}, ts_event=5)
BTC = InstrumentDefinition(instrument_id=INSTRUMENT, quote_currency="USDT", settlement_currency="USDT")


async def record_events(context: Context, principal: Principal, messages: Sequence[object]) -> BatchResult:
    """Records messages of NautilusTrader."""
    return await events.record_events(context, principal, messages, nautilus.read_message)


async def audit_entries(context: Context) -> list[tuple[str, str, str, Any, Any]]:
    """(actor, action, entity_id, before, after) of each audit entry."""
    found = await rows(context.database, "SELECT * FROM audit_entries ORDER BY id")
    return [
        (
            row["actor"],
            row["action"],
            row["entity_id"],
            *(json.loads(row[side] or "null") for side in ("before", "after")),
        )
        for row in found
    ]


async def refused(context: Context, error: type[PurserError], operation: Any) -> PurserError:
    """The error that an operation raises; fails if the operation changed the ledger."""
    before = await digest_of(context.database)
    with pytest.raises(error) as raised:
        await operation
    assert await digest_of(context.database) == before
    return raised.value


async def register_sample_strategy(context: Context) -> UUID:
    """Registers the strategy that most tests use."""
    return await register_strategy(context, ADMIN, STRATEGY, TRADER)


async def prepare_order(context: Context, *, budget: str = "1000") -> None:
    """Prepares a strategy with a budget and an order that reserves 100 USDT of it."""
    await register_sample_strategy(context)
    await record_instruments(context, ENGINE, [BTC])
    await set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(budget))
    await authorize(context.database, command(1))
    assert await reserved(context.database) == (100, 0)
