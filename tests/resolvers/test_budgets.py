"""Setting and deleting budgets: journal, audit log and change feed."""

import asyncio
from decimal import Decimal

import pytest

from app.errors import (
    BudgetInUse,
    BudgetNotFound,
    InputInvalid,
)
from app.resolvers import Context
from app.resolvers.budgets import delete_budget, set_budget
from app.resolvers.events import record_instruments
from tests.events import published
from tests.ledger.authorizing import STRATEGY
from tests.ledger.state import digest_of
from tests.ledger.test_record import rows
from tests.resolvers.scenarios import (
    ADMIN,
    BTC,
    ENGINE,
    STRATEGY_ID,
    audit_entries,
    prepare_order,
    record_events,
    refused,
    register_sample_strategy,
)

pytestmark = pytest.mark.anyio


async def test_setting_a_budget_writes_the_journal_and_the_audit_log(context: Context) -> None:
    await register_sample_strategy(context)
    assert await set_budget(context, ADMIN, STRATEGY, "USDT", Decimal("1000.50")) == STRATEGY_ID
    assert await set_budget(context, ADMIN, STRATEGY_ID, "USDT", Decimal("2E+3")) == STRATEGY_ID
    journal = await rows(context.database, "SELECT * FROM budget_journal ORDER BY version")
    assert [(row["version"], row["reason"], row["allocated_before"], row["allocated_after"]) for row in journal] == [
        (1, "SET", 0, Decimal("1000.50")),
        (2, "SET", Decimal("1000.50"), 2000),
    ]
    first = {
        "strategyId": str(STRATEGY_ID),
        "currency": "USDT",
        "allocated": "1000.50",
        "reserved": "0",
        "available": "1000.50",
        "overReason": None,
        "version": 1,
    }
    second = first | {"allocated": "2000", "available": "2000", "version": 2}
    assert (await audit_entries(context))[1:] == [
        ("key:ops", "budget.set", f"{STRATEGY_ID}/USDT", None, first),
        ("key:ops", "budget.set", f"{STRATEGY_ID}/USDT", first, second),
    ]
    feed = await rows(context.database, "SELECT strategy_id, key FROM changes WHERE entity = 'budget'")
    assert [tuple(row) for row in feed] == [(STRATEGY_ID, "USDT")] * 2


async def test_setting_an_equal_amount_again_changes_nothing(context: Context) -> None:
    await register_sample_strategy(context)
    await set_budget(context, ADMIN, STRATEGY, "USDT", Decimal("1000"))
    before = await digest_of(context.database)
    assert await set_budget(context, ADMIN, STRATEGY, "USDT", Decimal("1000.000")) == STRATEGY_ID
    assert await digest_of(context.database) == before


async def test_a_budget_may_be_set_below_the_amount_already_reserved(context: Context) -> None:
    await record_instruments(context, ENGINE, [BTC])
    await record_events(
        context, ENGINE, [published("OrderInitialized", 1, price=Decimal(100), options={"price": "100"})]
    )
    await set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(40))
    [budget] = await rows(context.database, "SELECT * FROM budgets")
    assert (budget["reserved_orders"], budget["over_reason"], budget["version"]) == (100, "CUT", 1)
    assert (await audit_entries(context))[-1][4]["available"] == "-60"


async def test_concurrent_budget_changes_are_journaled_and_audited_in_one_order(context: Context) -> None:
    await register_sample_strategy(context)
    caps = [Decimal(cap) for cap in range(1, 13)]
    await asyncio.gather(*(set_budget(context, ADMIN, STRATEGY, "USDT", cap) for cap in caps))
    journal = await rows(context.database, "SELECT allocated_after FROM budget_journal ORDER BY version")
    assert sorted(row["allocated_after"] for row in journal) == caps
    audited_amounts = [
        Decimal(entry[4]["allocated"]) for entry in await audit_entries(context) if entry[1] == "budget.set"
    ]
    assert audited_amounts == [row["allocated_after"] for row in journal]


@pytest.mark.parametrize("allocated", ["NaN", "Infinity", "-1", "1e31", "1e-31", "-0.1"])
async def test_an_allocated_amount_that_is_negative_or_not_finite_is_refused(context: Context, allocated: str) -> None:
    await register_sample_strategy(context)
    wrong = await refused(context, InputInvalid, set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(allocated)))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("allocated",)


@pytest.mark.parametrize("currency", ["", "US D", "U\n", "\x00", "\udc00", "U" * 33])
async def test_a_malformed_currency_is_refused(context: Context, currency: str) -> None:
    await register_sample_strategy(context)
    wrong = await refused(context, InputInvalid, set_budget(context, ADMIN, STRATEGY, currency, Decimal(1)))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("currency",)
    await refused(context, BudgetNotFound, delete_budget(context, ADMIN, STRATEGY, currency))


async def test_a_budget_without_reservations_is_deleted(context: Context) -> None:
    await register_sample_strategy(context)
    await set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(1000))
    assert await delete_budget(context, ADMIN, STRATEGY, "USDT") == STRATEGY_ID
    await refused(context, BudgetNotFound, delete_budget(context, ADMIN, STRATEGY, "USDT"))
    last = (await audit_entries(context))[-1]
    assert (last[1], last[3]["allocated"], last[4]) == ("budget.delete", "1000", None)
    await set_budget(context, ADMIN, STRATEGY, "USDT", Decimal(0))
    reasons = await rows(context.database, "SELECT reason FROM budget_journal ORDER BY version")
    assert [row["reason"] for row in reasons] == ["SET", "DELETED", "SET"]


async def test_a_budget_with_reservations_is_not_deleted(context: Context) -> None:
    await prepare_order(context)
    error = await refused(context, BudgetInUse, delete_budget(context, ADMIN, STRATEGY, "USDT"))
    assert str(error).startswith("Open orders and positions reserve 100 USDT of the budget")
