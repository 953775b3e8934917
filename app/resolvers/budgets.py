"""Budgets: caps on the capital that strategies may reserve, their use, and the realized PnL of fills."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from app.errors import BudgetNotFound, DatabaseUnavailable, StrategyNotFound
from app.feed.registry import RegistryPage
from app.ledger.administration import budgets
from app.ledger.commands import StrategyRef
from app.principal import Principal, Role
from app.reads.catalogue.administration import STRATEGY
from app.reads.catalogue.budget import BUDGET, BUDGET_ENTRY
from app.reads.catalogue.fill import REALIZED_PNL
from app.reads.compiled import fetch_objects
from app.reads.query import And, Compare, ListArgs, Op, Page, ReadQuery, ResultFormat, Selection
from app.resolvers.context import Context, transaction
from app.resolvers.reads import look_up
from app.resolvers.strategies import resolve

_OF_STRATEGY = Compare("strategy_id", Op.EQ, 0)
_IN_CURRENCY = Compare("currency", Op.EQ, 1)
_THE_STRATEGY = ReadQuery(Selection.of(["strategy_id"]), ResultFormat.EACH, ListArgs(_OF_STRATEGY))


async def get_budget(
    context: Context, principal: Principal, strategy_id: UUID, currency: str | None, selection: Selection
) -> bytes:
    """A strategy's budget in a currency, or its oldest. Raises StrategyNotFound, BudgetNotFound."""
    where = _OF_STRATEGY if currency is None else And((_OF_STRATEGY, _IN_CURRENCY))
    values = [strategy_id] if currency is None else [strategy_id, currency]
    query = ReadQuery(selection, ResultFormat.EACH, ListArgs(where, page=Page(limit=1)))
    found = await fetch_objects(context.database, principal, BUDGET, query, values)
    if found:
        return found[0].body
    if not await fetch_objects(context.database, principal, STRATEGY, _THE_STRATEGY, [strategy_id]):
        raise StrategyNotFound(strategy_id)
    raise BudgetNotFound(strategy_id, currency)


async def look_up_budget(
    context: Context, principal: Principal, strategy_id: UUID, currency: str, selection: Selection
) -> bytes:
    """A budget that was just set, as it stands since; with nothing allocated, should it be gone again."""
    query = ReadQuery(selection, ResultFormat.KEYED, by=BUDGET_ENTRY.key)
    (body,) = await look_up(context, principal, BUDGET_ENTRY, query, (), [(strategy_id, currency)])
    assert body is not None, "a budget's row is never deleted"
    return body


def get_registry(context: Context, principal: Principal) -> tuple[RegistryPage, float]:
    """All budgets that the principal may see, from memory, and how old they may be, in seconds.

    Raises DatabaseUnavailable where they were never read.
    """
    page, age_seconds = context.registry.page(principal.strategy_ids), context.feed.status.age_seconds
    if age_seconds is None:
        raise DatabaseUnavailable
    return page, age_seconds


async def get_realized_pnl(context: Context, principal: Principal, strategy_id: UUID, selection: Selection) -> bytes:
    """Realized PnL and fees by currency. Raises StrategyNotFound."""
    query = replace(_THE_STRATEGY, selection=selection)
    found = await fetch_objects(context.database, principal, REALIZED_PNL, query, [strategy_id])
    if not found:
        raise StrategyNotFound(strategy_id)
    return found[0].body


async def set_budget(
    context: Context,
    principal: Principal,
    strategy: StrategyRef,
    currency: str,
    allocated: Decimal,
    *,
    is_new_currency: bool = False,
) -> UUID:
    """Cap the capital that a strategy may reserve in a currency; returns the strategy's id. The same cap again changes
    nothing.

    `is_new_currency`: the currency is new, although its code resembles a known one. Raises Forbidden, InputInvalid,
    StrategyNotFound, StrategyAmbiguous, Busy.
    """
    principal.require(Role.ADMIN)
    strategy_id = await resolve(context, principal, strategy)
    async with transaction(context) as work:
        await budgets.set_budget(work, principal, strategy_id, currency, allocated, is_new_currency=is_new_currency)
    return strategy_id


async def delete_budget(context: Context, principal: Principal, strategy: StrategyRef, currency: str) -> UUID:
    """Take a budget away, so that nothing more is granted; answers the strategy's id.

    Raises Forbidden, StrategyNotFound, StrategyAmbiguous, BudgetNotFound, BudgetInUse, Busy.
    """
    principal.require(Role.ADMIN)
    strategy_id = await resolve(context, principal, strategy)
    async with transaction(context) as work:
        await budgets.delete_budget(work, principal, strategy_id, currency)
    return strategy_id
