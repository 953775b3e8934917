"""Connections: edges, nodes, pageInfo and totalCount of one page, each computed only if it is selected.

A page of `nodes` alone is the plain array of `Compiler.array`. With `edges` or `pageInfo` the statement has steps:

    base   the rows of the table, one more than requested: `hasNextPage` is whether it exists
    rows   each numbered from the side that the page is counted from, with its JSON and its cursor
    page   the arrays, the first and the last cursor, the number of rows
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Select,
    cast,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.reads.columns import Columns, number_literal
from app.reads.entity import Entity, Many, Neighbours
from app.reads.filters import condition_sql, fields_of
from app.reads.objects import EMPTY_ARRAY, Row, pairs_of, row_json
from app.reads.ordering import beyond, cursor_sql, order_by, total_order
from app.reads.query import Condition, ListArgs, Selected, Selection

if TYPE_CHECKING:
    from app.reads.compiler import Compiler


def count_of(
    compiler: Compiler,
    entity: Entity,
    where: Condition | None = None,
    link: Many | None = None,
    parent: Columns | None = None,
) -> ColumnElement[Any]:
    """The count as a scalar subquery; with a link, of the neighbours of one parent row."""
    totals = entity.totals
    on: Mapping[str, str] = link.on if link else {}
    occurrence = compiler.names.new("n")
    if totals and not (link and link.also) and fields_of(where) | on.keys() <= totals.filters:
        columns = Columns(occurrence, totals.model)
        total = func.coalesce(func.sum(columns[totals.count]), number_literal(0))
        count: ColumnElement[Any] = cast(total, BigInteger)
    else:
        columns = Columns(occurrence, entity.model)
        count = func.count()
    conditions = [*linked(link, columns, parent), *compiler.members(entity, columns)]
    if where is not None:
        conditions.append(condition_sql(entity, columns, where))
    return select(count).select_from(columns.rows).where(*conditions).scalar_subquery()


def linked(link: Neighbours | None, columns: Columns, parent: Columns | None) -> list[ColumnElement[bool]]:
    """The conditions that a row is a neighbour of the parent row; none without a parent."""
    if link is None or parent is None:
        return []
    conditions = [columns[theirs] == parent[ours] for theirs, ours in link.on.items()]
    return [*conditions, link.also(columns, parent)] if link.also else conditions


def connection(
    compiler: Compiler,
    entity: Entity,
    selection: Selection,
    list_args: ListArgs,
    link: Many | None = None,
    parent: Columns | None = None,
) -> ScalarSelect[Any]:
    """One connection as JSON; with a link, of the neighbours of one parent row."""
    page = _Page(compiler, entity, list_args, link, parent)
    names = [selected.name for selected in selection.fields]
    is_plain = names.count("nodes") == 1 and not {"edges", "page_info"} & set(names) and not list_args.page.is_backward

    def value(selected: Selected) -> ColumnElement[Any]:
        match selected.name:
            case "total_count":
                return count_of(compiler, entity, list_args.where, link, parent)
            case "nodes" if is_plain:
                return compiler.array(entity, selected.children, list_args, link, parent).scalar_subquery()
            case "page_info":
                return row_json(pairs_of(selected.children, page.info), compiler.names)
            case "edges":
                return page.listed(page.edge(selected))
            case _:
                return page.listed(page.node(selected))

    whole = select(row_json(pairs_of(selection, value), compiler.names))
    return (whole.select_from(page.read().subquery(page.name)) if page.is_used else whole).scalar_subquery()


class _Page:
    """Collects the values of each row of a page (`rows`) and those over all rows (`page`)."""

    def __init__(
        self, compiler: Compiler, entity: Entity, list_args: ListArgs, link: Many | None, parent: Columns | None
    ) -> None:
        self._compiler, self._entity, self._listing = compiler, entity, list_args
        self._link, self._parent = link, parent
        base, self._rows, self.name = (compiler.names.new(prefix) for prefix in ("t", "r", "p"))
        self._columns = Columns(base, entity.model)
        self._order = total_order(entity, list_args.order)
        self._row = Row()
        self._per_row: list[ColumnElement[Any]] = []
        self._overall: list[ColumnElement[Any]] = []

    @property
    def is_used(self) -> bool:
        """Whether anything that was selected needs the page's rows."""
        return bool(self._overall)

    def node(self, selected: Selected) -> ColumnElement[Any]:
        """A row's object."""
        pairs = self._compiler.pairs(self._entity, self._columns, selected.children, self._row)
        return row_json(pairs, self._compiler.names)

    def edge(self, selected: Selected) -> ColumnElement[Any]:
        """A row's edge: its cursor and its node, as selected."""
        cursor_or_node = pairs_of(
            selected.children, lambda part: self._cursor() if part.name == "cursor" else self.node(part)
        )
        return row_json(cursor_or_node, self._compiler.names)

    def listed(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        """The values of the page's rows, as an array in the list's order."""
        ordered = aggregate_order_by(self._each(value), self._place())
        return func.coalesce(self._over_all(func.json_agg(ordered).filter(self._is_kept())), EMPTY_ARRAY)

    def info(self, part: Selected) -> ColumnElement[Any]:
        """One field of `pageInfo`."""
        page = self._listing.page
        if part.name == "has_next_page":
            has_more = self._has_more() if not page.is_backward else false()
            return or_(has_more, self._has_rows_from(page.before, is_after=True))
        if part.name == "has_previous_page":
            has_more = self._has_more() if page.is_backward else false()
            return or_(has_more, self._has_rows_from(page.after, is_after=False))
        cursor, place = self._each(self._cursor()), self._place()
        outermost = place.asc() if part.name == "start_cursor" else place.desc()
        found = func.array_agg(aggregate_order_by(cursor, outermost)).filter(self._is_kept())
        # The first element, null if there is none.
        return self._over_all(func.array_to_json(found).op("->>")(number_literal(0)))

    def read(self) -> Select[Any]:
        """The page: everything that was collected, over the rows that were collected."""
        compiler, page = self._compiler, self._listing.page
        columns = self._columns
        conditions = [*self._linked(columns), *compiler.conditions(self._entity, columns, self._listing)]
        order = order_by(self._order, columns, reverse=page.is_backward)
        base: Select[Any] = select(literal_column("*")).select_from(columns.rows).where(*conditions).order_by(*order)
        rows_wanted = base.limit(number_literal(page.limit + 1)).subquery(columns.name)
        number = func.row_number().over(order_by=order).label("number")
        values = [value.label(f"value_{index}") for index, value in enumerate(self._per_row)]
        rows = select(number, *values).select_from(self._row.beside(rows_wanted, columns))
        overall = [value.label(f"overall_{index}") for index, value in enumerate(self._overall)]
        return select(*overall).select_from(rows.subquery(self._rows))

    def _each(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        self._per_row.append(value)
        return literal_column(f"{self._rows}.value_{len(self._per_row) - 1}")

    def _over_all(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        self._overall.append(value)
        return literal_column(f"{self.name}.overall_{len(self._overall) - 1}")

    def _place(self) -> ColumnElement[Any]:
        number: ColumnElement[Any] = literal_column(f"{self._rows}.number")
        return -number if self._listing.page.is_backward else number

    def _is_kept(self) -> ColumnElement[bool]:
        return literal_column(f"{self._rows}.number") <= number_literal(self._listing.page.limit)

    def _has_more(self) -> ColumnElement[Any]:
        return self._over_all(func.count() > number_literal(self._listing.page.limit))

    def _has_rows_from(self, place: tuple[int, ...] | None, *, is_after: bool) -> ColumnElement[bool]:
        """Whether the list has rows on the far side of a cursor, the cursor's own row among them."""
        if place is None:
            return false()
        columns = Columns(self._compiler.names.new("t"), self._entity.model)
        everything = ListArgs(self._listing.where, self._listing.order)
        conditions = [*self._linked(columns), *self._compiler.conditions(self._entity, columns, everything)]
        conditions.append(beyond(self._order, columns, place, is_after=is_after, is_inclusive=True))
        return exists(select(literal_column("1")).select_from(columns.rows).where(*conditions))

    def _cursor(self) -> ColumnElement[Any]:
        return cursor_sql(self._entity, self._order, self._columns)

    def _linked(self, columns: Columns) -> list[ColumnElement[bool]]:
        return linked(self._link, columns, self._parent)
