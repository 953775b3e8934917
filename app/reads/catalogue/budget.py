"""Budgets, their journals, and what orders hold of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, join, or_, select

from app.models.administration import Budget, BudgetJournalEntry
from app.models.orders import Hold, Order
from app.models.totals import FillSum
from app.reads.catalogue.instrument import is_recorded, sum_valuation
from app.reads.catalogue.registry import register
from app.reads.columns import Columns, number_literal, text_literal
from app.reads.entity import Entity, Many, One
from app.reads.fields import amount, amounts, instant, node_id, plain, plains
from app.reads.filters import by_columns
from app.rules.order_state import TERMINAL

_KEY = ("strategy_id", "currency")
_SUMS = Columns("sums$", FillSum)
"""The strategy's kept sums: a table inside a subquery of its own, so one name does for all."""
_HOLDS = Columns("holds$", Hold)
_OPEN = Columns("open$", Order)


def _allocated(budget: Columns) -> ColumnElement[Any]:
    """Nothing, where the budget was taken away (see `BUDGET_ENTRY`)."""
    return func.coalesce(budget.allocated, number_literal(0))


def _reserved(budget: Columns) -> ColumnElement[Any]:
    return budget.reserved_orders + budget.reserved_positions


def _sum_of_fills(value: ColumnElement[Any]) -> Callable[[Columns], ColumnElement[Any]]:
    return _of_fills(func.sum(value), nothing=number_literal(0))


def _of_fills(aggregate: ColumnElement[Any], nothing: ColumnElement[Any]) -> Callable[[Columns], ColumnElement[Any]]:
    """What the strategy's fills in the budget's currency add up to."""

    def source(budget: Columns) -> ColumnElement[Any]:
        total = select(func.coalesce(aggregate, nothing))
        total = total.select_from(FillSum.__table__.alias(_SUMS.name))  # type: ignore[attr-defined]
        same = (_SUMS.strategy_id == budget.strategy_id, _SUMS.currency == budget.currency)
        return total.where(*same).scalar_subquery()

    return source


def _unvalued_orders(budget: Columns) -> ColumnElement[Any]:
    """Open orders of the strategy that may count against the budget, by an amount that is not known."""
    same = (_HOLDS.strategy_id == budget.strategy_id, _HOLDS.is_unvalued)
    counted = select(func.count()).select_from(Hold.__table__.alias(_HOLDS.name))  # type: ignore[attr-defined]
    either = or_(_HOLDS.currency.is_(None), _HOLDS.currency == budget.currency)
    return counted.where(*same, either).scalar_subquery()


def _valuation(budget: Columns) -> ColumnElement[Any]:
    """What the budget's amounts rest on: fills, which every open position has, and what open orders hold."""
    held = exists().select_from(
        join(
            Order.__table__.alias(_OPEN.name),  # type: ignore[attr-defined]
            Hold.__table__.alias(_HOLDS.name),  # type: ignore[attr-defined]
            (_HOLDS.strategy_id == _OPEN.strategy_id) & (_HOLDS.client_order_id == _OPEN.client_order_id),
        )
    )
    is_assumed = held.where(
        _OPEN.strategy_id == budget.strategy_id,
        _OPEN.status.not_in([text_literal(status) for status in sorted(TERMINAL)]),
        _HOLDS.currency == budget.currency,
        _HOLDS.remaining != number_literal(0),
        ~is_recorded(_OPEN.instrument_id),
    )
    of_fills = _of_fills(sum_valuation(_SUMS.instrument_id), nothing=text_literal("RECORDED"))(budget)
    return case((is_assumed, text_literal("ASSUMED")), else_=of_fills)


BUDGET = register(
    Entity(
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
            "realized_pnl": amount(_sum_of_fills(_SUMS.realized_pnl)),
            "total_fees": amount(_sum_of_fills(_SUMS.total_fees)),
            "net_pnl": amount(_sum_of_fills(_SUMS.realized_pnl - _SUMS.total_fees)),
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
        # A row without a cap only counts what is reserved: it is no budget.
        only=lambda budget: budget.allocated.is_not(None),
    )
)

BUDGET_ENTRY = replace(BUDGET, only=None)
"""A budget, or the remains of one that was deleted: for payloads of mutations that named it."""

BUDGET_JOURNAL_ENTRY = register(
    Entity(
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
)

HOLD = register(
    Entity(
        name="Hold",
        model=Hold,
        fields={
            "currency": plain("currency"),
            **amounts("amount", "remaining", "captured", "voided"),
            "unit_price": amount(lambda hold: func.coalesce(hold.unit_price, number_literal(0))),
        },
        key=("strategy_id", "client_order_id"),
        only=lambda hold: hold.currency.is_not(None) & ~hold.is_unvalued,
    )
)
