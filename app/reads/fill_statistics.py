"""What fills add up to, from the kept totals: no scan of the fills however many there are."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, func, literal_column, select, table

from app.database import Database
from app.models.administration import Strategy
from app.models.totals import FillSum
from app.principal import Principal
from app.reads.catalogue.fill import FILL, count_fills
from app.reads.catalogue.instrument import sum_valuation
from app.reads.columns import Columns, number_literal, text_literal
from app.reads.compiled import CompiledQuery, compile_statement, reading
from app.reads.fields import rfc3339
from app.reads.filters import condition_sql, is_in_scope, parameter_name, typed
from app.reads.objects import EMPTY_ARRAY, Names, row_json
from app.reads.query import Condition

_KEPT = Columns("kept", FillSum)
_KEPT_ROWS = table("kept")
_HAS_FILLS: ColumnElement[bool] = _KEPT.fills > number_literal(0)
_EMPTY_OBJECT: ColumnElement[Any] = literal_column("'{}'::json")


class Sums(NamedTuple):
    """Sums as JSON, and what they rest on: RECORDED where the terms of every instrument in them are, else ASSUMED."""

    body: bytes
    valuation: str


async def summarize_fills(
    database: Database, principal: Principal, where: Condition | None, values: Sequence[Any]
) -> Sums:
    """Counts, and sums by currency and by instrument, of the fills that satisfy the condition.

    The condition may speak of strategy, instrument, side and currency: what the totals are kept by.
    """
    compiled = _summary_query(where, principal.is_bound)
    async with reading(database, values) as connection:
        row = await connection.fetchrow(compiled.sql, *compiled.arguments(values, principal))
    assert row is not None, "aggregates without GROUP BY have one row"
    return Sums(*row)


async def find_realized_pnl(database: Database, principal: Principal, strategy_id: UUID) -> Sums | None:
    """A strategy's realized profit and its fees, by currency; None where the strategy is unknown.

    `realized_pnl` is gross of commissions, which are `total_fees`, each under the currency it was paid in.
    """
    compiled = _realized_query(principal.is_bound)
    async with reading(database, ()) as connection:
        row = await connection.fetchrow(compiled.sql, *compiled.arguments([strategy_id], principal))
    return Sums(*row) if row is not None else None


@lru_cache(maxsize=64)
def _summary_query(where: Condition | None, is_scoped: bool) -> CompiledQuery:
    kept: Select[Any] = select(literal_column("*")).select_from(FillSum.__table__.alias("kept_from"))  # type: ignore[attr-defined]
    columns = Columns("kept_from", FillSum)
    if is_scoped:
        kept = kept.where(is_in_scope(columns))
    if where is not None:
        kept = kept.where(condition_sql(FILL, columns, where))
    pairs: list[tuple[str, ColumnElement[Any]]] = [
        ("total_fills", count_fills(_KEPT)),
        ("buy_fills", count_fills(_KEPT, "BUY")),
        ("sell_fills", count_fills(_KEPT, "SELL")),
        ("first_ts", rfc3339(func.min(_KEPT.first_ts).filter(_HAS_FILLS))),
        ("last_ts", rfc3339(func.max(_KEPT.last_ts).filter(_HAS_FILLS))),
    ]
    overall = [value.label(key) for key, value in pairs]
    counted = select(*overall, _by_currency().label("by_currency"), _by_instrument().label("by_instrument"))
    counted = counted.select_from(_KEPT_ROWS)
    named = kept.cte("kept")
    valuation = select(_rests_on(_KEPT)).select_from(_KEPT_ROWS).scalar_subquery()
    statement = select(func.row_to_json(literal_column("summary")).label("body"), valuation.label("valuation"))
    return compile_statement(statement.select_from(counted.subquery("summary")).add_cte(named))


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
    rows = group.select_from(_KEPT_ROWS).subquery("grouped")
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
    sums = sums.select_from(FillSum.__table__.alias("owned"))  # type: ignore[attr-defined]
    sums = sums.where(owned.strategy_id == strategy.strategy_id).group_by(owned.currency).order_by(owned.currency)
    pairs = [("strategy_id", strategy.strategy_id)]
    for name in ("realized_pnl", "total_fees"):
        by_currency = func.json_object_agg(literal_column("sums.currency"), literal_column(f"sums.{name}"))
        aggregated = select(func.coalesce(by_currency, _EMPTY_OBJECT)).select_from(sums.subquery("sums"))
        pairs.append((name, aggregated.scalar_subquery()))
    valuation = select(_rests_on(owned)).select_from(FillSum.__table__.alias("owned"))  # type: ignore[attr-defined]
    valued = valuation.where(owned.strategy_id == strategy.strategy_id).scalar_subquery()
    statement = select(row_json(pairs, Names()).label("body"), valued.label("valuation"))
    statement = statement.select_from(Strategy.__table__.alias("strategy"))  # type: ignore[attr-defined]
    if is_scoped:
        statement = statement.where(is_in_scope(strategy))
    return compile_statement(statement.where(strategy.strategy_id == typed(parameter_name(0), Uuid())))
