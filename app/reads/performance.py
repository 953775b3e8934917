"""A strategy's performance, by currency: what it made in each bucket, and what its trades were worth.

bucketed   what was made in each bucket: from the totals by day, or from the fills for hours and parts of days
curve      the running sum of it
points     how far the sum is below its highest so far
summed     one row for each currency, the curve as a JSON array
traded     beside it, what the closed positions add up to
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.models import Position, TradeTotal
from app.reads.catalogue.registry import shape_named
from app.reads.columns import Columns, Derived
from app.reads.fill_parts import fill_parts, kept_fills
from app.reads.filters import day_of, moment_of, parameter_name, typed
from app.reads.literals import number_literal, text_literal
from app.reads.objects import EMPTY_ARRAY, Names, Pair, Row, row_json
from app.reads.want import Arguments, Bucket, Selection, Span

if TYPE_CHECKING:
    from app.reads.compiler import Compiler

_ZERO = number_literal(0)
_ONE = number_literal(1)
_OF_TRADES = frozenset({"trades", "win_rate", "profit_factor", "expectancy"})
_TRADE_SUMS = ("trades", "wins", "profit", "loss")


def performance(
    compiler: Compiler, selection: Selection, arguments: Arguments | None, strategy: Columns
) -> ColumnElement[Any]:
    """An array of one object for each currency that the strategy has traded in, by the currency's name."""
    span = arguments if isinstance(arguments, Span) else Span()
    names = compiler.names
    points, summed, traded = Derived(names.new("p")), Derived(names.new("s")), Derived(names.new("d"))
    shape, point = shape_named("Performance"), shape_named("EquityPoint")
    sums = [
        points.currency.label("currency"),
        func.sum(points.gross).label("gross_pnl"),
        func.sum(points.fees).label("total_fees"),
        func.max(points.drawdown).label("max_drawdown"),
    ]
    pairs: list[Pair] = []
    for field in selection.fields:
        if field.name == "equity" and field.literal is None:
            children = field.children or Selection(())
            body = row_json(compiler.pairs(point, points, children, Row()), names)
            sums.append(func.json_agg(aggregate_order_by(body, points.ts)).label(f"equity_{len(sums)}"))
            pairs.append((field.key, summed[f"equity_{len(sums) - 1}"]))
        elif field.literal is None and field.name in _OF_TRADES:
            pairs.append((field.key, shape.fields[field.name].sql(traded, compiler.amounts)))
        else:
            pairs += compiler.pairs(shape, summed, Selection((field,)), Row())
    by_currency = select(*sums).select_from(_points(names, span, strategy, points.name)).group_by(points.currency)
    rows: FromClause = by_currency.subquery(summed.name)
    if _OF_TRADES & {field.name for field in selection.fields}:
        trades = _traded(names, span, strategy).subquery(traded.name)
        rows = rows.outerjoin(trades, traded.currency == summed.currency)
    objects = aggregate_order_by(row_json(pairs, names), summed.currency)
    return select(func.coalesce(func.json_agg(objects), EMPTY_ARRAY)).select_from(rows).scalar_subquery()


def _points(names: Names, span: Span, strategy: Columns, name: str) -> FromClause:
    """Columns: currency, ts, gross, fees, net, cumulative, drawdown."""
    bucketed, curve = Derived(names.new("b")), Derived(names.new("c"))
    net = bucketed.gross - bucketed.fees
    running = func.sum(net).over(partition_by=bucketed.currency, order_by=bucketed.ts)
    summed: Select[Any] = select(
        literal_column(f"{bucketed.name}.*"), net.label("net"), running.label("cumulative")
    ).select_from(_bucketed(names, span, strategy).subquery(bucketed.name))
    highest = func.max(curve.cumulative).over(partition_by=curve.currency, order_by=curve.ts)
    drawdown = func.greatest(highest, _ZERO) - curve.cumulative
    return (
        select(literal_column(f"{curve.name}.*"), drawdown.label("drawdown"))
        .select_from(summed.subquery(curve.name))
        .subquery(name)
    )


def _bucketed(names: Names, span: Span, strategy: Columns) -> Select[Any]:
    """Columns: currency, ts, gross, fees."""
    is_kept = span.is_whole_days and span.bucket is not Bucket.HOUR
    rows, columns = kept_fills(names.new("f")) if is_kept else fill_parts(names.new("f"))
    moment = cast(columns.day, DateTime()) if is_kept else moment_of(columns.ts_event)
    ts = func.date_trunc(text_literal(span.bucket.value), moment)
    bucketed = select(
        columns.currency.label("currency"),
        ts.label("ts"),
        func.sum(columns.realized_pnl).label("gross"),
        func.sum(columns.total_fees).label("fees"),
    ).select_from(rows)
    bucketed = bucketed.where(columns.strategy_id == strategy.strategy_id, *_within(span, columns, "ts_event"))
    return bucketed.group_by(literal_column("1"), literal_column("2"))


def _traded(names: Names, span: Span, strategy: Columns) -> Select[Any]:
    """Columns: currency, trades, wins, profit, loss."""
    if span.is_whole_days:
        kept = Columns(names.new("t"), TradeTotal)
        sums = [func.sum(kept[name]).label(name) for name in _TRADE_SUMS]
        rows = select(kept.currency.label("currency"), *sums).select_from(TradeTotal.__table__.alias(kept.name))  # type: ignore[attr-defined]
        rows = rows.where(kept.strategy_id == strategy.strategy_id, *_within(span, kept, "ts_closed"))
        return rows.group_by(kept.currency)
    closed = Columns(names.new("t"), Position)
    net = closed.realized_pnl - closed.total_fees
    values = (_ONE, case((net > _ZERO, _ONE), else_=_ZERO), func.greatest(net, _ZERO), func.greatest(-net, _ZERO))
    sums = [func.sum(value).label(name) for name, value in zip(_TRADE_SUMS, values, strict=True)]
    rows = select(closed.currency.label("currency"), *sums).select_from(Position.__table__.alias(closed.name))  # type: ignore[attr-defined]
    rows = rows.where(
        closed.strategy_id == strategy.strategy_id,
        closed.status == text_literal("CLOSED"),
        *_within(span, closed, "ts_closed"),
    )
    return rows.group_by(closed.currency)


def _within(span: Span, columns: Columns, instant: str) -> list[ColumnElement[bool]]:
    """What keeps rows inside the span: by their day where they have one."""
    conditions = []
    if span.currency is not None:
        conditions.append(columns.currency == typed(parameter_name(span.currency), columns.currency.type))
    for slot, operator in ((span.start, ">="), (span.end, "<")):
        if slot is not None:
            bound = typed(parameter_name(slot), BigInteger())
            value = (columns.day, day_of(bound)) if "day" in columns else (columns[instant], bound)
            conditions.append(value[0].bool_op(operator)(value[1]))
    return conditions
