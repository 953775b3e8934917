"""What fills add up to, in all and by groups, as selected: from the kept totals where the filter allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, FromClause, Select, func, literal_column, select, table
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.reads.catalogue.instrument import sum_valuation
from app.reads.catalogue.registry import entity_named
from app.reads.columns import Columns, Derived
from app.reads.fill_parts import fill_parts, kept_fills
from app.reads.filters import condition_sql, day_of, fields_of
from app.reads.literals import number_literal
from app.reads.objects import EMPTY_ARRAY, Pair, Row, row_json
from app.reads.query import Arguments, Grouping, Selection

if TYPE_CHECKING:
    from app.reads.compiler import Compiler

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
