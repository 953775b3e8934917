"""Setting and deleting budgets."""

import time
from decimal import Decimal, localcontext
from uuid import UUID

from app.database import WriteConnection
from app.errors import BudgetInUse, BudgetNotFound, StrategyNotFound
from app.ledger.administration.currencies import check_known, load_currencies
from app.ledger.holds.budgets import BudgetBook, BudgetKey
from app.ledger.input_checks import check_currency, check_not_negative
from app.ledger.storage.audit_log import Action, AuditedState, record
from app.ledger.storage.locks import lock_strategies
from app.ledger.storage.row_writes import feed_write
from app.ledger.storage.writing import write
from app.principal import Principal
from app.rules.budgets import BudgetState
from app.rules.currencies import did_you_mean
from app.rules.money import EXACT


async def set_budget(
    work: WriteConnection,
    principal: Principal,
    strategy_id: UUID,
    currency: str,
    allocated: Decimal,
    *,
    is_new_currency: bool = False,
) -> None:
    """Cap what the strategy may tie up in the currency. A cap below what is tied up stands, and stops new orders.

    A currency that is like a known one is refused, unless it is said to be a new one.

    Raises InputInvalid, StrategyNotFound.
    """
    check_currency(currency, "currency")
    check_not_negative(allocated, "allocated")
    allocated = allocated.copy_abs()  # -0 is 0, in the audit log too
    book, key = await _open(work, strategy_id, currency)
    budget = book.find(key)
    if budget is None:
        check_known(currency, await load_currencies(work, principal), "currency", is_new=is_new_currency)
    if budget is None or budget.allocated != allocated:
        before = _described(key, budget) if budget is not None else None
        await _write(work, principal, book, key, Action.BUDGET_SET, before, allocated)


async def delete_budget(work: WriteConnection, principal: Principal, strategy_id: UUID, currency: str) -> None:
    """Take the budget away: nothing more is granted. Its journal stays.

    Raises StrategyNotFound, BudgetNotFound, BudgetInUse while anything is reserved.
    """
    book, key = await _open(work, strategy_id, currency)
    budget = book.find(key)
    if budget is None:
        budgets = book.currencies(key[0])
        meant = did_you_mean(currency, budgets)
        raise BudgetNotFound(strategy_id, currency, meant if meant in budgets else None)
    if budget.reserved:
        raise BudgetInUse(
            f"{budget.reserved:f} {currency} of the budget are reserved by open orders and positions; it can "
            "be deleted once nothing is. Set it to 0 to stop new orders."
        )
    await _write(work, principal, book, key, Action.BUDGET_DELETE, _described(key, budget), None)


async def _open(work: WriteConnection, strategy_id: UUID, currency: str) -> tuple[BudgetBook, BudgetKey]:
    if not await lock_strategies(work, [str(strategy_id)]):
        raise StrategyNotFound(strategy_id)
    return await BudgetBook.load(work, [str(strategy_id)], time.time_ns()), (str(strategy_id), currency)


async def _write(
    work: WriteConnection,
    principal: Principal,
    book: BudgetBook,
    key: BudgetKey,
    action: Action,
    before: AuditedState | None,
    allocated: Decimal | None,
) -> None:
    with localcontext(EXACT):
        book.allocate(key, allocated)
        await write(work, [*book.writes(), feed_write(budgets=[key])])
        budget = book.find(key)
        after = _described(key, budget) if budget is not None else None
    await record(work, principal, action, "budget", "/".join(key), key[0], before, after)


def _described(key: BudgetKey, budget: BudgetState) -> AuditedState:
    return {
        "strategyId": key[0],
        "currency": key[1],
        "allocated": f"{budget.allocated:f}",
        "reserved": f"{budget.reserved:f}",
        "available": f"{budget.available:f}",
        "overReason": budget.over_reason,
        "version": budget.version,
    }
