"""The rows that performance is computed over, and the WITH clause that they are computed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, literal_column, text

from app.models.totals import FillSum, FillTotal
from app.reads.columns import NO_COLUMNS, Columns
from app.reads.entity import ENTITIES
from app.reads.fill_groups import FillParts
from app.reads.filters import condition_sql, day_of, fields_of, parameter
from app.reads.objects import Names
from app.reads.query import And, Compare, Op, Slot, Span

if TYPE_CHECKING:
    from app.reads.compiler import Compiler

GROUPS = ("strategy_id", "instrument_id")
"""The columns that can make groups, beside the currency."""

_THIS_STRATEGY = ("strategy_id", Op.EQ)


class Ctes:
    """The WITH clause of one subselect; each part can refer to those added before it."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._parts: list[Any] = []

    def add(self, prefix: str, body: Select[Any] | str, *, is_kept: bool = False) -> str:
        """Add a part and answer its name. `is_kept`: PostgreSQL computes it once and stores its rows."""
        name = self._names.new(prefix)
        statement = text(body).columns() if isinstance(body, str) else body
        part = statement.cte(name, nesting=True)
        self._parts.append(part.prefix_with("MATERIALIZED") if is_kept else part)
        return name

    def over(self, statement: Select[Any]) -> Select[Any]:
        """The statement with the clause."""
        return statement.add_cte(*self._parts, nest_here=True)


@dataclass(frozen=True)
class Scope:
    """Which rows: those of one strategy, or, without one, of all strategies that may be seen."""

    compiler: Compiler
    span: Span
    strategy: Columns

    @property
    def is_of_one_strategy(self) -> bool:
        """Whether no group has fills of several strategies."""
        where = self.span.where
        parts = where.conditions if isinstance(where, And) else (where,)
        is_named = any(isinstance(part, Compare) and (part.field, part.op) == _THIS_STRATEGY for part in parts)
        return self.strategy is not NO_COLUMNS or "strategy_id" in self.span.by or is_named

    @property
    def tie(self) -> tuple[str, ...]:
        """The columns that order rows of several strategies at one place."""
        # Not of one alone: PostgreSQL forgets that rows are sorted by a column of which it knows the only value.
        return () if self.is_of_one_strategy else ("strategy_id",)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that make the groups."""
        return (*self.span.by, "currency")

    @property
    def names_instruments(self) -> bool:
        """Whether groups or filter distinguish instruments."""
        return "instrument_id" in self.span.by or "instrument_id" in fields_of(self.span.where)

    def fills(self) -> Columns:
        """The parts of the fills."""
        return FillParts(self.compiler.names.new("f"))

    def kept_fills(self, *, by_day: bool) -> Columns:
        """The kept totals of the fills: by day, or of all days, which are far fewer."""
        return Columns(self.compiler.names.new("f"), FillTotal if by_day else FillSum)

    def conditions(self, columns: Columns, instant: str) -> list[ColumnElement[bool]]:
        """The conditions on a row; it is in the span by its day if it has one, else by that instant."""
        span = self.span
        if self.strategy is NO_COLUMNS:
            found = self.compiler.in_scope(columns)
        else:
            found = [columns.strategy_id == self.strategy.strategy_id]
        if span.where is not None:
            found.append(condition_sql(ENTITIES["Performance"], columns, span.where))
        for slot, operator in ((span.start, ">="), (span.end, "<")):
            if slot is not None:
                bound = parameter(slot, BigInteger())
                value = (columns.day, day_of(bound)) if "day" in columns else (columns[instant], bound)
                found.append(value[0].bool_op(operator)(value[1]))
        return found

    def key_columns(self, columns: Columns) -> list[ColumnElement[Any]]:
        """All columns that can make groups; null where they do not."""
        return [
            (columns[name] if name in self.keys else literal_column(f"CAST(NULL AS {type_})")).label(name)
            for name, type_ in (*zip(GROUPS, ("uuid", "text"), strict=True), ("currency", "text"))
        ]

    def same_group(self, columns: Columns, others: Columns) -> ColumnElement[bool]:
        """Whether two rows belong to one group."""
        return and_(*(columns[name] == others[name] for name in self.keys))


def given(slot: Slot, type_: str) -> str:
    """A parameter (`filters.parameter`) inside SQL text, with its type."""
    return f"CAST(:v{slot} AS {type_})"
