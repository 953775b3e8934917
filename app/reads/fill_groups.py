"""What fills add up to, in all and by groups, as selected: from the kept totals where the filter allows.

A commission counts under its own currency. So a fill whose commission is in another currency has two parts, as it
has two rows in `fill_totals`: the fill itself without a fee, and the fee without a fill.
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
    table,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.models.orders import Fill
from app.models.totals import FillSum, FillTotal
from app.reads.catalogue.instrument import sum_valuation
from app.reads.catalogue.registry import entity_named
from app.reads.columns import Columns, Derived, number_literal
from app.reads.filters import condition_sql, day_of, fields_of
from app.reads.objects import EMPTY_ARRAY, Pair, Row, row_json
from app.reads.query import Arguments, Grouping, Selection

if TYPE_CHECKING:
    from app.reads.compiler import Compiler


_ZERO = number_literal(0)
_FILLS = Columns("f", Fill)


class _Parts(Columns):
    """The columns of a fill, and those of `fill_totals` but for the day, which a fill does not have."""

    def __init__(self, occurrence: str) -> None:
        super().__init__(occurrence, FillTotal, Fill)
        del self._types["day"], self._types["settlement_currency"]


def kept_fills(occurrence: str, *, by_day: bool = True) -> tuple[FromClause, Columns]:
    """The totals under that name: by day, or of all days, which are far fewer."""
    model: Any = FillTotal if by_day else FillSum
    return model.__table__.alias(occurrence), Columns(occurrence, model)


def fill_parts(occurrence: str) -> tuple[FromClause, Columns]:
    """All parts of all fills under that name, with the columns of the totals and those that filters speak of."""
    currency = _FILLS.settlement_currency
    own_fee = case((_FILLS.commission_currency == currency, _FILLS.commission), else_=_ZERO)
    amounts = (_FILLS.last_qty, _FILLS.notional, _FILLS.realized_pnl)
    fills = _part(currency, number_literal(1), *amounts, own_fee)
    fees = _part(_FILLS.commission_currency, _ZERO, _ZERO, _ZERO, _ZERO, _FILLS.commission)
    fees = fees.where(_FILLS.commission_currency != currency)
    return union_all(fills, fees).subquery(occurrence), _Parts(occurrence)


def _part(currency: ColumnElement[Any], fills: ColumnElement[Any], *sums: ColumnElement[Any]) -> Select[Any]:
    names = (
        *("strategy_id", "client_order_id", "event_id", "instrument_id", "side", "last_qty", "ts_event"),
        *("ts_init", "trade_seq", "seq"),
    )
    quantity, notional, realized_pnl, total_fees = sums
    return select(
        *(_FILLS[name].label(name) for name in names),
        currency.label("currency"),
        cast(fills, BigInteger).label("fills"),
        quantity.label("quantity"),
        notional.label("notional"),
        realized_pnl.label("realized_pnl"),
        total_fees.label("total_fees"),
        _FILLS.ts_event.label("first_ts"),
        _FILLS.ts_event.label("last_ts"),
    ).select_from(Fill.__table__.alias("f"))  # type: ignore[attr-defined]


_SUMMED = ("fills", "quantity", "notional", "realized_pnl", "total_fees")
_DAY = "day"


def fill_summary(
    compiler: Compiler, selection: Selection, arguments: Arguments | None, _: Columns
) -> ColumnElement[Any]:
    """One object. `groups` are the groups that have rows, in the order of what they are grouped by."""
    grouping = arguments if isinstance(arguments, Grouping) else Grouping()
    names = compiler.names
    entity, group = entity_named("FillSummary"), entity_named("FillSummaryGroup")
    summed = names.new("k")
    kept = _rows(compiler, grouping, needs_day=_DAY in grouping.by).cte(summed)
    columns = Derived(summed)
    pairs: list[Pair] = []
    for field in selection.fields:
        if field.name != "groups" or field.literal is not None:
            pairs += compiler.pairs(entity, columns, Selection((field,)), Row())
            continue
        grouped = Derived(names.new("g"))
        body = row_json(compiler.pairs(group, grouped, field.children or Selection(()), Row()), names)
        keys = [grouped[name] for name in grouping.by]
        listed = func.json_agg(aggregate_order_by(body, *keys) if keys else body)
        array = select(func.coalesce(listed, EMPTY_ARRAY)).select_from(_groups(summed, grouping.by, grouped.name))
        pairs.append((field.key, array.scalar_subquery()))
    # The aggregates stand in a subselect of their own: one row, whatever is selected.
    packed = [value.label(f"value_{index}") for index, (_, value) in enumerate(pairs)]
    whole = names.new("w")
    rows = select(*packed, func.count().label("rows")).select_from(table(summed)).subquery(whole)
    read: list[Pair] = [(key, literal_column(f"{whole}.value_{index}")) for index, (key, _) in enumerate(pairs)]
    return select(row_json(read, names)).select_from(rows).add_cte(kept).scalar_subquery()


def _rows(compiler: Compiler, grouping: Grouping, *, needs_day: bool) -> Select[Any]:
    """The rows to add up, with a `day` where it is needed."""
    totals = entity_named("Fill").totals
    assert totals is not None
    is_kept = fields_of(grouping.where) <= totals.filters
    name = compiler.names.new("f")
    has_days = needs_day or "ts_event_midnight" in fields_of(grouping.where)
    rows, columns = kept_fills(name, by_day=has_days) if is_kept else fill_parts(name)
    everything: list[ColumnElement[Any]] = [literal_column(f"{columns.name}.*")]
    if needs_day and not is_kept:
        everything.append(day_of(columns.ts_event).label(_DAY))
    found = select(*everything).select_from(rows).where(*compiler.in_scope(columns))
    return (
        found if grouping.where is None else found.where(condition_sql(entity_named("Fill"), columns, grouping.where))
    )


def _groups(summed: str, by: tuple[str, ...], name: str) -> FromClause:
    rows = Derived(summed)
    keys = [rows[key].label(key) for key in by]
    nothing: list[ColumnElement[Any]] = [literal_column("NULL").label(key) for key in _GROUPS if key not in by]
    sums = [func.sum(rows[column]).label(column) for column in _SUMMED]
    valuation = sum_valuation(rows.instrument_id).label("valuation")
    grouped = select(*keys, *nothing, *sums, valuation).select_from(table(summed)).group_by(*(rows[key] for key in by))
    return grouped.having(func.count() > number_literal(0)).subquery(name)


_GROUPS = ("strategy_id", "instrument_id", "side", "currency", _DAY)
