"""Sums over fills for REST, from the kept totals: fills are never scanned."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, func, literal_column, select

from app.database import Database
from app.models import FillSum, Strategy
from app.principal import Principal
from app.reads.catalogue.fill import FILL, FILL_SUMMARY, count_fills
from app.reads.catalogue.instrument import sum_valuation
from app.reads.columns import Columns, Derived, number_literal, text_literal
from app.reads.compiled import CompiledQuery, compile_statement
from app.reads.filters import condition_sql, is_in_scope, parameter
from app.reads.objects import EMPTY_ARRAY, Names, row_json
from app.reads.query import Amounts, Condition

_KEPT = Derived("kept")
"""The totals that satisfy the condition."""
_OVERALL = ("total_fills", "buy_fills", "sell_fills", "first_ts", "last_ts")
_HAS_FILLS: ColumnElement[bool] = _KEPT.fills > number_literal(0)
_EMPTY_OBJECT: ColumnElement[Any] = literal_column("'{}'::json")


class Sums(NamedTuple):
    """Sums as JSON, and their valuation: RECORDED if the terms of every instrument are recorded, else ASSUMED."""

    body: bytes
    valuation: str


async def summarize_fills(
    database: Database, principal: Principal, where: Condition | None, values: Sequence[Any]
) -> Sums:
    """Counts, and sums by currency and by instrument, of the fills that satisfy the condition.

    The condition may name strategy, instrument, side and currency: the totals are kept by these.
    """
    (row,) = await _summary_query(where, principal.is_bound).rows(database, principal, values)
    return Sums(*row)


async def find_realized_pnl(database: Database, principal: Principal, strategy_id: UUID) -> Sums | None:
    """A strategy's realized profit, gross of commissions, and its fees by currency; None if it is unknown.

    A fee counts under the currency it was paid in.
    """
    rows = await _realized_query(principal.is_bound).rows(database, principal, [strategy_id])
    return Sums(*rows[0]) if rows else None


@lru_cache(maxsize=64)
def _summary_query(where: Condition | None, is_scoped: bool) -> CompiledQuery:
    columns = Columns("kept_from", FillSum)
    kept: Select[Any] = select(literal_column("*")).select_from(columns.rows)
    if is_scoped:
        kept = kept.where(is_in_scope(columns))
    if where is not None:
        kept = kept.where(condition_sql(FILL, columns, where))
    overall = [FILL_SUMMARY.fields[name].sql(_KEPT, Amounts.NUMBER).label(name) for name in _OVERALL]
    counted = select(*overall, _by_currency().label("by_currency"), _by_instrument().label("by_instrument"))
    counted = counted.select_from(_KEPT.rows)
    valuation = select(_rests_on(_KEPT)).select_from(_KEPT.rows).scalar_subquery()
    statement = select(func.row_to_json(literal_column("summary")).label("body"), valuation.label("valuation"))
    return compile_statement(statement.select_from(counted.subquery("summary")).add_cte(kept.cte("kept")))


def _rests_on(rows: Columns) -> ColumnElement[Any]:
    return func.coalesce(sum_valuation(rows.instrument_id), text_literal("RECORDED"))


def _by_currency() -> ColumnElement[Any]:
    sums = [func.sum(_KEPT[name]).label(name) for name in ("notional", "realized_pnl", "total_fees")]
    group = select(_KEPT.currency.label("currency"), count_fills(_KEPT).label("fills"), *sums).group_by(_KEPT.currency)
    return _objects(group.order_by(_KEPT.currency))


def _by_instrument() -> ColumnElement[Any]:
    quantities = [
        func.coalesce(func.sum(_KEPT.quantity).filter(_KEPT.side == text_literal(side)), number_literal(0)).label(name)
        for side, name in (("BUY", "buy_qty"), ("SELL", "sell_qty"))
    ]
    notional = func.sum(_KEPT.notional).label("notional")
    group = select(_KEPT.instrument_id.label("instrument_id"), count_fills(_KEPT).label("fills"), *quantities, notional)
    return _objects(group.where(_HAS_FILLS).group_by(_KEPT.instrument_id).order_by(_KEPT.instrument_id))


def _objects(group: Select[Any]) -> ColumnElement[Any]:
    rows = group.select_from(_KEPT.rows).subquery("grouped")
    array = func.coalesce(func.json_agg(func.row_to_json(literal_column("grouped"))), EMPTY_ARRAY)
    return select(array).select_from(rows).scalar_subquery()


@lru_cache(maxsize=2)
def _realized_query(is_scoped: bool) -> CompiledQuery:
    strategy = Columns("strategy", Strategy)
    owned = Columns("owned", FillSum)
    sums = select(
        owned.currency.label("currency"),
        func.sum(owned.realized_pnl).label("realized_pnl"),
        func.sum(owned.total_fees).label("total_fees"),
    )
    is_its = owned.strategy_id == strategy.strategy_id
    sums = sums.select_from(owned.rows).where(is_its).group_by(owned.currency).order_by(owned.currency)
    pairs = [("strategy_id", strategy.strategy_id)]
    for name in ("realized_pnl", "total_fees"):
        by_currency = func.json_object_agg(literal_column("sums.currency"), literal_column(f"sums.{name}"))
        aggregated = select(func.coalesce(by_currency, _EMPTY_OBJECT)).select_from(sums.subquery("sums"))
        pairs.append((name, aggregated.scalar_subquery()))
    valued = select(_rests_on(owned)).select_from(owned.rows).where(is_its).scalar_subquery()
    statement = select(row_json(pairs, Names()).label("body"), valued.label("valuation"))
    statement = statement.select_from(strategy.rows)
    if is_scoped:
        statement = statement.where(is_in_scope(strategy))
    return compile_statement(statement.where(strategy.strategy_id == parameter(0, Uuid())))
