"""Budgets, their journals, and the holds of orders."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, join, or_, select

from app.models.administration import Budget, BudgetJournalEntry
from app.models.orders import Hold, Order
from app.models.totals import FillSum
from app.reads.catalogue.instrument import is_recorded, sum_valuation
from app.reads.columns import Columns, number_literal, text_literal
from app.reads.entity import Entity, Many, One
from app.reads.fields import amount, amounts, instant, node_id, plain, plains
from app.reads.filters import by_columns
from app.rules.order_state import TERMINAL

_ZERO = number_literal(0)
_KEY = ("strategy_id", "currency")
_SUMS = Columns("sums$", FillSum)
"""The strategy's kept sums: a table inside a subquery of its own, so one name does for all."""
_HOLDS = Columns("holds$", Hold)
_OPEN = Columns("open$", Order)


def _allocated(budget: Columns) -> ColumnElement[Any]:
    """Nothing, where the budget was taken away (see `BUDGET_ENTRY`)."""
    return func.coalesce(budget.allocated, _ZERO)


def _reserved(budget: Columns) -> ColumnElement[Any]:
    return budget.reserved_orders + budget.reserved_positions


def _of_fills(
    aggregate: ColumnElement[Any], nothing: ColumnElement[Any] = _ZERO
) -> Callable[[Columns], ColumnElement[Any]]:
    """An aggregate over the strategy's fills in the budget's currency; `nothing` without fills."""

    def source(budget: Columns) -> ColumnElement[Any]:
        total = select(func.coalesce(aggregate, nothing)).select_from(_SUMS.rows)
        same = (_SUMS.strategy_id == budget.strategy_id, _SUMS.currency == budget.currency)
        return total.where(*same).scalar_subquery()

    return source


def _unvalued_orders(budget: Columns) -> ColumnElement[Any]:
    """Open orders of the strategy that may count against the budget, by an amount that is not known."""
    same = (_HOLDS.strategy_id == budget.strategy_id, _HOLDS.is_unvalued)
    either = or_(_HOLDS.currency.is_(None), _HOLDS.currency == budget.currency)
    return select(func.count()).select_from(_HOLDS.rows).where(*same, either).scalar_subquery()


def _valuation(budget: Columns) -> ColumnElement[Any]:
    """The valuation of the budget's amounts: those of fills, which every open position has, and the holds of open
    orders.
    """
    same_order = (_HOLDS.strategy_id == _OPEN.strategy_id) & (_HOLDS.client_order_id == _OPEN.client_order_id)
    held = exists().select_from(join(_OPEN.rows, _HOLDS.rows, same_order))
    is_assumed = held.where(
        _OPEN.strategy_id == budget.strategy_id,
        _OPEN.status.not_in([text_literal(status) for status in sorted(TERMINAL)]),
        _HOLDS.currency == budget.currency,
        _HOLDS.remaining != _ZERO,
        ~is_recorded(_OPEN.instrument_id),
    )
    of_fills = _of_fills(sum_valuation(_SUMS.instrument_id), nothing=text_literal("RECORDED"))(budget)
    return case((is_assumed, text_literal("ASSUMED")), else_=of_fills)


BUDGET = Entity(
    name="Budget",
    model=Budget,
    fields={
        "id": node_id("Budget", _KEY),
        **plains("strategy_id", "currency", "over_reason", "version"),
        "reserved_orders": amount("reserved_orders"),
        "reserved_positions": amount("reserved_positions"),
        "updated_at": instant("updated_at"),
        "allocated": amount(_allocated),
        "reserved": amount(_reserved),
        "available": amount(lambda b: _allocated(b) - _reserved(b)),
        "realized_pnl": amount(_of_fills(func.sum(_SUMS.realized_pnl))),
        "total_fees": amount(_of_fills(func.sum(_SUMS.total_fees))),
        "net_pnl": amount(_of_fills(func.sum(_SUMS.realized_pnl - _SUMS.total_fees))),
        "valuation": plain(_valuation),
        "unvalued_orders": plain(_unvalued_orders),
    },
    links={
        "strategy": One("Strategy", on={"strategy_id": "strategy_id"}),
        "journal": Many("BudgetJournalEntry", on={"strategy_id": "strategy_id", "currency": "currency"}),
    },
    filters=by_columns("strategy_id", "currency", "version"),
    sorts=("created_at",),
    is_oldest_first=True,
    ties=("strategy_id", "currency"),
    key=_KEY,
    # A row without a cap only counts reservations: it is no budget.
    only=lambda budget: budget.allocated.is_not(None),
)

BUDGET_ENTRY = replace(BUDGET, only=None)
"""A budget, or the remains of one that was deleted: for payloads of mutations that named it."""

BUDGET_JOURNAL_ENTRY = Entity(
    name="BudgetJournalEntry",
    model=BudgetJournalEntry,
    fields={
        **plains("version", "reason", "client_order_id"),
        **amounts("allocated_before", "allocated_after", "reserved_before", "reserved_after"),
        "ts": instant("ts"),
    },
    sorts=("version",),
    ties=_KEY,
)

HOLD = Entity(
    name="Hold",
    model=Hold,
    fields={
        "currency": plain("currency"),
        **amounts("amount", "remaining", "captured", "voided"),
        "unit_price": amount(lambda hold: func.coalesce(hold.unit_price, _ZERO)),
    },
    key=("strategy_id", "client_order_id"),
    only=lambda hold: hold.currency.is_not(None) & ~hold.is_unvalued,
)
