"""The whole statement: one JSON object for each group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, FromClause, Integer, func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.reads.columns import Columns, Derived, number_literal
from app.reads.entity import ENTITIES
from app.reads.filters import parameter
from app.reads.objects import EMPTY_ARRAY, Pair, Row, row_json
from app.reads.performance.curve import Points, add_bars, add_curve, add_fallen, add_thinned
from app.reads.performance.scope import Ctes, Scope, given
from app.reads.performance.sums import FIELDS, add_daily, add_traded, group_sums, slots
from app.reads.query import Arguments, Granularity, Selection, Span

if TYPE_CHECKING:
    from app.reads.compiler import Compiler

POINTS_UNLESS_SAID = 1000
"""Most points of a curve of fills for which no number was given."""

_INSTANTS = frozenset({"max_drawdown_start", "max_drawdown_trough", "max_drawdown_end"})
_DRAWDOWNS = frozenset({"max_drawdown"}) | _INSTANTS
_OF_POINTS = frozenset({"drawdown", "max_drawdown"})
_DAILY = frozenset({"sharpe_ratio", "sortino_ratio"})


def performance(
    compiler: Compiler, selection: Selection, arguments: Arguments | None, strategy: Columns
) -> ColumnElement[Any]:
    """An array of one object for each group that has a fill, ordered by the keys of the groups and then by currency."""
    span = arguments if isinstance(arguments, Span) else Span()
    scope = Scope(compiler, span, strategy)
    statement = _Statement(scope, selection)
    whole = Derived(compiler.names.new("w"))
    rows: FromClause = statement.joined().subquery(whole.name)
    entity, row, pairs = ENTITIES["Performance"], Row(), list[Pair]()
    for index, field in enumerate(selection.fields):
        if field.name == "equity":
            pairs.append((field.key, whole[f"equity_{index}"]))
        else:
            pairs += compiler.pairs(entity, whole, Selection((field,)), row)
    body = aggregate_order_by(row_json(pairs, compiler.names), *(whole[name] for name in scope.keys))
    objects = select(func.coalesce(func.json_agg(body), EMPTY_ARRAY)).select_from(row.beside(rows, whole))
    return statement.ctes.over(objects).scalar_subquery()


class _Statement:
    """Adds the parts that a selection needs, in the order in which they need each other."""

    def __init__(self, scope: Scope, selection: Selection) -> None:
        self._scope = scope
        self._equity = [(index, field) for index, field in enumerate(selection.fields) if field.name == "equity"]
        self._fields = frozenset(field.name for field in selection.fields)
        self.ctes = Ctes(scope.compiler.names)
        self._joins: list[tuple[str, tuple[str, ...]]] = []
        shown = {one.name for _, field in self._equity for one in field.children.fields}
        self._has_points = bool(self._equity) or "equity_count" in self._fields
        self._has_bars = self._has_points and scope.span.granularity is not Granularity.FILL
        is_thinned = self._has_points and (not self._has_bars or scope.span.points is not None)
        # Also bars that are thinned are made of the curve: the one with the deepest trough stays.
        is_of_curve = bool(self._fields & _DRAWDOWNS or shown & _OF_POINTS) or is_thinned
        points: ColumnElement[Any] = number_literal(POINTS_UNLESS_SAID)
        self._points = str(POINTS_UNLESS_SAID)
        if scope.span.points is not None:
            slot = scope.span.points
            points, self._points = parameter(slot, Integer()), given(slot, "integer")
        has_valuation = "valuation" in self._fields
        sums = group_sums(scope, points if is_of_curve else None, has_valuation=has_valuation)
        self._summed = self.ctes.add("summed", sums, is_kept=True)
        self._add_curves(add_curve(scope, self.ctes, self._summed) if is_of_curve else None, is_thinned=is_thinned)
        asked = FIELDS & self._fields
        self._traded = add_traded(scope, self.ctes, asked) if asked else None

    def _add_curves(self, curve: str | None, *, is_thinned: bool) -> None:
        """Slots, points, and the parts that are read from them and from the curve."""
        scope, ctes = self._scope, self.ctes
        made, deepest = "", f"(SELECT g, drawdown AS worst FROM {curve})"
        if self._has_bars or self._fields & _DAILY:
            made = slots(scope, ctes, self._summed, curve, has_bars=self._has_bars)
        if self._has_points:
            if self._has_bars:
                points = add_bars(scope, ctes, self._summed, made)
                deepest = f"(SELECT g, worst FROM {points.name})"
            else:
                assert curve is not None
                points = Points(curve, "drawdown", "")
            if is_thinned:
                points, deepest = add_thinned(ctes, points, self._points)
            self._join_points(points)
        if self._fields & _DRAWDOWNS:
            assert curve is not None
            has_instants = bool(self._fields & _INSTANTS)
            fallen = add_fallen(ctes, self._summed, curve, deepest, has_instants=has_instants)
            self._joins.append((fallen, ("depth", *(("start_ts", "trough_ts", "end_ts") if has_instants else ()))))
        if self._fields & _DAILY:
            columns = ("days", "daily_total", "daily_squares", "daily_losses", "year")
            self._joins.append((add_daily(scope, ctes, made), columns))

    def _join_points(self, points: Points) -> None:
        compiler, ctes = self._scope.compiler, self.ctes
        if self._equity:
            entity, rows = ENTITIES["EquityPoint"], Derived(points.name)
            arrays = []
            for index, field in self._equity:
                body = row_json(compiler.pairs(entity, rows, field.children, Row()), compiler.names)
                arrays.append(func.json_agg(aggregate_order_by(body, rows.n)).label(f"equity_{index}"))
            drawn = select(rows.g, *arrays).select_from(rows.rows).group_by(rows.g)
            self._joins.append((ctes.add("drawn", drawn), tuple(f"equity_{index}" for index, _ in self._equity)))
        if "equity_count" in self._fields:
            counted = ctes.add("counted", f"SELECT g, points FROM {points.counts} AS counts")
            self._joins.append((counted, ("points",)))

    def joined(self) -> Any:
        """One row for each group, with the columns of all parts."""
        summed = Derived(self._summed)
        rows = summed.rows
        columns: list[ColumnElement[Any]] = [literal_column(f"{self._summed}.*")]
        for name, names in self._joins:
            part = Derived(name)
            rows = rows.outerjoin(part.rows, part.g == summed.g)
            columns += [part[column] for column in names]
        if self._traded is not None:
            name, names = self._traded
            part = Derived(name)
            rows = rows.outerjoin(part.rows, self._scope.same_group(part, summed))
            columns += [part[column] for column in names]
        return select(*columns).select_from(rows)
