"""How many rows a list has in all: from kept totals where the filter allows, else by counting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, select

from app.reads.columns import Columns, number_literal
from app.reads.entity import Entity, Many, Neighbours
from app.reads.filters import condition_sql, fields_of
from app.reads.query import Condition

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
        model = totals.model
        columns = Columns(occurrence, model)
        total = func.coalesce(func.sum(columns[totals.count]), number_literal(0))
        count: ColumnElement[Any] = cast(total, BigInteger)
    else:
        model = entity.model
        columns = Columns(occurrence, model)
        count = func.count()
    conditions = [*linked(link, columns, parent), *compiler.members(entity, columns)]
    if where is not None:
        conditions.append(condition_sql(entity, columns, where))
    return select(count).select_from(model.__table__.alias(occurrence)).where(*conditions).scalar_subquery()


def linked(link: Neighbours | None, columns: Columns, parent: Columns | None) -> list[ColumnElement[bool]]:
    """What makes a row a neighbour of the parent row; nothing where there is no parent."""
    if link is None or parent is None:
        return []
    conditions = [columns[theirs] == parent[ours] for theirs, ours in link.on.items()]
    return [*conditions, link.also(columns, parent)] if link.also else conditions
