"""Orders: always total, so that a page ends at one place and no row is seen twice or missed."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, tuple_
from sqlalchemy.types import TypeEngine

from app.reads.columns import Columns
from app.reads.entity import Entity
from app.reads.filters import parameter_name, typed
from app.reads.query import Slot, SortKey


@dataclass(frozen=True, slots=True)
class OrderColumn:
    """One column of a total order."""

    name: str
    descending: bool
    type: TypeEngine[Any]


def total_order(entity: Entity, keys: tuple[SortKey, ...]) -> tuple[OrderColumn, ...]:
    """The given keys (else the entity's own), then the entity's ties in the direction of the first key."""
    keys = keys or (SortKey(entity.sorts[0], not entity.is_oldest_first),)
    directions = {key.name: key.descending for key in reversed(keys)}
    names = list(dict.fromkeys(key.name for key in keys))
    names += [tie for tie in entity.ties if tie not in directions]
    types = entity.model.__table__.columns
    return tuple(OrderColumn(name, directions.get(name, keys[0].descending), types[name].type) for name in names)


def order_by(order: tuple[OrderColumn, ...], columns: Columns, *, reverse: bool = False) -> list[ColumnElement[Any]]:
    """The ORDER BY list."""
    return [columns[key.name].desc() if key.descending is not reverse else columns[key.name].asc() for key in order]


def beyond(
    order: tuple[OrderColumn, ...],
    columns: Columns,
    place: tuple[Slot, ...],
    *,
    is_after: bool,
    is_inclusive: bool = False,
) -> ColumnElement[bool]:
    """Rows after (or before) a place in the order. One row comparison where an index can answer it."""
    values = [typed(parameter_name(slot), key.type) for slot, key in zip(place, order, strict=True)]
    keys = [columns[key.name] for key in order]
    equal = "=" if is_inclusive else ""
    if len({key.descending for key in order}) == 1:
        operator = "<" if order[0].descending is is_after else ">"
        return tuple_(*keys).bool_op(operator + equal)(tuple_(*values))
    branches = []
    for index, key in enumerate(order):
        operator = "<" if key.descending is is_after else ">"
        is_last = index == len(order) - 1
        same_before = [keys[before] == values[before] for before in range(index)]
        further = keys[index].bool_op(operator + equal if is_last else operator)(values[index])
        branches.append(and_(*same_before, further))
    return or_(false(), *branches)
