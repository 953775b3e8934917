"""Sets and deletes budgets, and checks the currency that a budget names.

A mistyped currency would create another budget. Currencies reported by an engine are facts: they are not checked and
become known.
"""

import time
from collections.abc import Mapping
from decimal import Decimal, localcontext
from uuid import UUID

from app.database import ReadConnection, WriteConnection
from app.errors import BudgetInUse, BudgetNotFound, InputInvalid, StrategyNotFound
from app.ledger.commands import check_currency, check_not_negative
from app.ledger.holds.budgets import BudgetBook, BudgetKey
from app.ledger.storage.audit_log import Action, AuditedState, AuditRecord, described, record
from app.ledger.storage.locks import lock_strategies
from app.ledger.storage.row_writes import feed_write
from app.ledger.storage.writing import write
from app.principal import Principal
from app.rules.budgets import BudgetState
from app.rules.currencies import WELL_KNOWN, did_you_mean, in_upper_case, is_code, nearest, same_but_for_case
from app.rules.money import EXACT

_KNOWN = """
SELECT code, bool_or(is_money) AS is_money FROM (
    SELECT quote_currency AS code, true AS is_money FROM instruments
    UNION SELECT settlement_currency, true FROM instruments
    UNION SELECT base_currency, false FROM instruments WHERE base_currency IS NOT NULL
    UNION SELECT currency, true FROM fill_sums WHERE $1::uuid[] IS NULL OR strategy_id = ANY($1)
    UNION SELECT currency, true FROM budgets
    WHERE (allocated IS NOT NULL OR reserved_orders + reserved_positions <> 0) AND ($1 IS NULL OR strategy_id = ANY($1))
) codes GROUP BY code
"""


async def load_currencies(connection: ReadConnection, principal: Principal) -> dict[str, bool]:
    """Codes in instruments, and in fills and budgets that the principal may see; whether anything is paid in each.

    A deleted budget without reservations does not make its currency known.
    """
    seen = principal.strategy_ids
    rows = await connection.fetch(_KNOWN, None if seen is None else list(seen))
    return {row["code"]: row["is_money"] for row in rows}


def check_known(code: str, known: Mapping[str, bool], *path: str, is_new: bool = False, is_base: bool = False) -> None:
    """Refuse a code that is probably mistyped. Raises InputInvalid, which suggests the right code.

    `is_new`: the caller states that the currency is new, so it may resemble a known one; a difference in case alone is
    refused anyway. `is_base`: the code is an instrument's base currency and may resemble any other.
    """
    if code in known or code in WELL_KNOWN:
        return
    if not is_code(code):
        raise InputInvalid(f"{path[-1]} is a currency's code, like 'USDT', not {code!r}.", *path)
    meant, more = same_but_for_case(code, known), ""
    money = [one for one, is_money in known.items() if is_money]
    if meant is None and not (is_new or is_base) and (meant := nearest(code, money)) is not None:
        more = " To use a new currency, set a budget in it with newCurrency (new_currency=true over REST)."
    if meant is None:
        meant = in_upper_case(code)
    if meant is not None:
        raise InputInvalid(f"{code!r} is not a known currency. Did you mean {meant}?{more}", *path)


async def set_budget(
    work: WriteConnection,
    principal: Principal,
    strategy_id: UUID,
    currency: str,
    allocated: Decimal,
    *,
    is_new_currency: bool = False,
) -> None:
    """Set the cap of what the strategy reserves in the currency. A cap below the reserved amount stops new orders.

    A currency that resembles a known one is refused unless `is_new_currency`. Raises InputInvalid, StrategyNotFound.
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
    """Delete the budget; its journal stays. Raises StrategyNotFound, BudgetNotFound, BudgetInUse while reserved."""
    book, key = await _open(work, strategy_id, currency)
    budget = book.find(key)
    if budget is None:
        budgets = book.currencies(key[0])
        meant = did_you_mean(currency, budgets)
        raise BudgetNotFound(strategy_id, currency, meant if meant in budgets else None)
    if budget.reserved:
        raise BudgetInUse(
            f"Open orders and positions reserve {budget.reserved:f} {currency} of the budget. Delete it once nothing "
            "is reserved, or set it to 0 to stop new orders."
        )
    await _write(work, principal, book, key, Action.BUDGET_DELETE, _described(key, budget), None)


async def _open(work: WriteConnection, strategy_id: UUID, currency: str) -> tuple[BudgetBook, BudgetKey]:
    if not await lock_strategies(work, [str(strategy_id)]):
        raise StrategyNotFound(strategy_id)
    return await BudgetBook.of([str(strategy_id)], time.time_ns()).fetch(work), (str(strategy_id), currency)


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
    await record(work, principal, AuditRecord(action, "budget", "/".join(key), key[0], before, after))


def _described(key: BudgetKey, budget: BudgetState) -> AuditedState:
    amounts = described(budget, "allocated", "reserved", "available", "over_reason", "version")
    return {"strategyId": key[0], "currency": key[1], **amounts}
