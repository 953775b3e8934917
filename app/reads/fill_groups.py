"""Sums over fills, in all and by groups, as selected: from the kept totals if the filter allows.

A commission counts under its own currency. So a fill whose commission is in another currency has two parts, as it has
two rows in `fill_totals`: the fill itself without a fee, and the fee without a fill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    case,
    cast,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.models.orders import Fill
from app.models.totals import FillSum, FillTotal
from app.reads.catalogue.instrument import sum_valuation
from app.reads.columns import Columns, Derived, number_literal, text_literal
from app.reads.entity import ENTITIES
from app.reads.filters import condition_sql, day_of, fields_of
from app.reads.objects import EMPTY_ARRAY, Pair, Row, pairs_of, row_json
from app.reads.query import Arguments, Grouping, Selected, Selection

if TYPE_CHECKING:
    from app.reads.compiler import Compiler


_ZERO = number_literal(0)
_FILLS = Columns("f", Fill)


class FillParts(Columns):
    """All parts of all fills, with the columns of a fill and those of `fill_totals` but the day."""

    def __init__(self, occurrence: str) -> None:
        super().__init__(occurrence, FillTotal, Fill)
        del self._types["day"], self._types["settlement_currency"]

    @property
    def rows(self) -> FromClause:
        """Every fill, and beside it a commission in another currency."""
        currency = _FILLS.settlement_currency
        own_fee = case((_FILLS.commission_currency == currency, _FILLS.commission), else_=_ZERO)
        amounts = (_FILLS.last_qty, _FILLS.notional, _FILLS.realized_pnl)
        fills = _part(currency, number_literal(1), *amounts, own_fee)
        fees = _part(_FILLS.commission_currency, _ZERO, _ZERO, _ZERO, _ZERO, _FILLS.commission)
        fees = fees.where(_FILLS.commission_currency != currency)
        return union_all(fills, fees).subquery(self.name)


def _part(currency: ColumnElement[Any], fills: ColumnElement[Any], *sums: ColumnElement[Any]) -> Select[Any]:
    names = ("strategy_id", "client_order_id", "event_id", "instrument_id", "side", "last_qty", "ts_event", *_PLACE)
    return select(
        *(_FILLS[name].label(name) for name in names),
        currency.label("currency"),
        *(value.label(name) for name, value in zip(_SUMMED, (cast(fills, BigInteger), *sums), strict=True)),
        *(_FILLS.ts_event.label(name) for name in ("first_ts", "last_ts")),
    ).select_from(_FILLS.rows)


_PLACE = ("ts_init", "trade_seq", "seq")
_SUMMED = ("fills", "quantity", "notional", "realized_pnl", "total_fees")
_DAY = "day"


def fill_summary(
    compiler: Compiler, selection: Selection, arguments: Arguments | None, _: Columns
) -> ColumnElement[Any]:
    """One object. `groups` are the groups that have rows, in the order of their keys; of its own grouping, if any."""
    grouping = arguments if isinstance(arguments, Grouping) else Grouping()
    names = compiler.names
    entity, group = ENTITIES["FillSummary"], ENTITIES["FillSummaryGroup"]
    summed = names.new("k")
    kept = _rows(compiler, grouping).cte(summed)
    columns = Derived(summed)

    def value(field: Selected) -> ColumnElement[Any]:
        if field.name != "groups":
            return compiler.value(entity, columns, field, Row())
        grouped = Derived(names.new("g"))
        body = row_json(compiler.pairs(group, grouped, field.children, Row()), names)
        by = field.arguments.by if field.arguments is not None else grouping.by
        keys = [grouped[name] for name in by]
        listed = func.json_agg(aggregate_order_by(body, *keys) if keys else body)
        array = select(func.coalesce(listed, EMPTY_ARRAY)).select_from(_groups(summed, by, grouped.name))
        return array.scalar_subquery()

    pairs = pairs_of(selection, value)
    # The aggregates stand in a subselect of their own: one row, whatever is selected.
    packed = [value.label(f"value_{index}") for index, (_, value) in enumerate(pairs)]
    whole = names.new("w")
    rows = select(*packed, func.count().label("rows")).select_from(columns.rows).subquery(whole)
    read: list[Pair] = [(key, literal_column(f"{whole}.value_{index}")) for index, (key, _) in enumerate(pairs)]
    return select(row_json(read, names)).select_from(rows).add_cte(kept).scalar_subquery()


def _rows(compiler: Compiler, grouping: Grouping) -> Select[Any]:
    """The rows to add up, with a `day` where it is needed."""
    totals = ENTITIES["Fill"].totals
    assert totals is not None
    needs_day, is_kept = _DAY in grouping.by, fields_of(grouping.where) <= totals.filters
    name = compiler.names.new("f")
    has_days = needs_day or "ts_event_midnight" in fields_of(grouping.where)
    columns = Columns(name, FillTotal if has_days else FillSum) if is_kept else FillParts(name)
    everything: list[ColumnElement[Any]] = [literal_column(f"{columns.name}.*")]
    if needs_day and not is_kept:
        everything.append(day_of(columns.ts_event).label(_DAY))
    found = select(*everything).select_from(columns.rows).where(*compiler.in_scope(columns))
    return found if grouping.where is None else found.where(condition_sql(ENTITIES["Fill"], columns, grouping.where))


def _groups(summed: str, by: tuple[str, ...], name: str) -> FromClause:
    rows = Derived(summed)
    keys = [rows[key].label(key) for key in by]
    nothing: list[ColumnElement[Any]] = [literal_column("NULL").label(key) for key in _GROUPS if key not in by]
    sums = [func.sum(rows[column]).label(column) for column in _SUMMED]
    sums += [
        func.coalesce(func.sum(rows.quantity).filter(rows.side == text_literal(side)), _ZERO).label(name)
        for side, name in (("BUY", "buy_qty"), ("SELL", "sell_qty"))
    ]
    valuation = sum_valuation(rows.instrument_id).label("valuation")
    grouped = select(*keys, *nothing, *sums, valuation).select_from(rows.rows).group_by(*(rows[key] for key in by))
    return grouped.having(func.count() > number_literal(0)).subquery(name)


_GROUPS = ("strategy_id", "instrument_id", "side", "currency", _DAY)
