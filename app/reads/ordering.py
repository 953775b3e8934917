"""Orders: always total, so that a page ends at one place. Cursors name a place in an order, node ids a row.

Both are opaque to the client, written by PostgreSQL and read here, in base64. A cursor is a JSON array: the entity and
the order, then the place's values as text. It is no secret and no authority: a made-up cursor names a place, and never
a row that the filter would not show. A node id is the entity and its key:
`Order:5f17147f-2bbd-5c76-af87-1f010d829329:O-1` (`fields.node_id`).
"""

import binascii
from base64 import b64decode
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Integer, Numeric, Text, Uuid, and_, cast, false, func, or_, tuple_
from sqlalchemy.types import TypeEngine

from app.errors import CursorInvalid, NodeIdInvalid
from app.reads.columns import Columns, text_literal
from app.reads.entity import ENTITIES, Entity
from app.reads.fields import base64
from app.reads.filters import parameter
from app.reads.query import Slot, SortKey


def total_order(entity: Entity, keys: tuple[SortKey, ...]) -> tuple[SortKey, ...]:
    """The given keys (else the entity's own), then the entity's ties in the direction of the first key."""
    keys = keys or (SortKey(entity.sorts[0], not entity.is_oldest_first),)
    directions = {key.name: key.descending for key in reversed(keys)}
    names = list(dict.fromkeys(key.name for key in keys))
    names += [tie for tie in entity.ties if tie not in directions]
    return tuple(SortKey(name, directions.get(name, keys[0].descending)) for name in names)


def order_by(order: tuple[SortKey, ...], columns: Columns, *, reverse: bool = False) -> list[ColumnElement[Any]]:
    """The ORDER BY list."""
    return [columns[key.name].desc() if key.descending is not reverse else columns[key.name].asc() for key in order]


def beyond(
    order: tuple[SortKey, ...],
    columns: Columns,
    place: tuple[Slot, ...],
    *,
    is_after: bool,
    is_inclusive: bool = False,
) -> ColumnElement[bool]:
    """Rows after (or before) a place in the order. One row comparison where an index can answer it."""
    keys = [columns[key.name] for key in order]
    values = [parameter(slot, key.type) for slot, key in zip(place, keys, strict=True)]
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


_LENGTH_MAX = 4096


def cursor_sql(entity: Entity, order: tuple[SortKey, ...], columns: Columns) -> ColumnElement[Any]:
    """The cursor of each row."""
    place = [cast(columns[key.name], Text) for key in order]
    return base64(cast(func.json_build_array(text_literal(_signature(entity, order)), *place), Text))


def read_cursor(entity: Entity, keys: tuple[SortKey, ...], cursor: str) -> list[Any]:
    """The values of the place that a cursor names, one for each column of the order. Raises CursorInvalid."""
    order = total_order(entity, keys)
    if len(cursor) > _LENGTH_MAX:
        raise CursorInvalid
    try:
        signature, *place = msgspec.json.decode(b64decode(cursor, validate=True), type=list[str])
        if signature != _signature(entity, order) or len(place) != len(order):
            raise CursorInvalid
        types = entity.model.__table__.columns
        return [_reader_of(types[key.name].type)(text) for key, text in zip(order, place, strict=True)]
    except (binascii.Error, msgspec.MsgspecError, ValueError, InvalidOperation) as error:
        raise CursorInvalid from error


def _signature(entity: Entity, order: tuple[SortKey, ...]) -> str:
    return f"{entity.name} " + ",".join(f"{'-' if key.descending else '+'}{key.name}" for key in order)


def _reader_of(type_: TypeEngine[Any]) -> Callable[[str], Any]:
    """The reader of a column's values from text. It raises ValueError, InvalidOperation."""
    if isinstance(type_, BigInteger):
        return lambda text: _integer(text, 64)
    if isinstance(type_, Integer):
        return lambda text: _integer(text, 32)
    if isinstance(type_, Uuid):
        return UUID
    return _amount if isinstance(type_, Numeric) else str


def _integer(text: str, bits: int) -> int:
    number = int(text)
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ValueError(text)
    return number


def _amount(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > 1000:
        raise ValueError(text)
    return number


def read_node_id(node_id: str) -> tuple[Entity, list[Any]]:
    """The entity and the values of its key. Whether such a row exists is not checked. Raises NodeIdInvalid."""
    if len(node_id) > _LENGTH_MAX:
        raise NodeIdInvalid
    try:
        name, *parts = b64decode(node_id, validate=True).decode().split(":", 1)
        entity = ENTITIES[name]
        if "id" not in entity.fields:
            raise NodeIdInvalid
        texts = parts[0].split(":", len(entity.key) - 1)
        types = [entity.model.__table__.columns[name].type for name in entity.key]
        values = [_reader_of(type_)(text) for type_, text in zip(types, texts, strict=True)]
    except (binascii.Error, ValueError, LookupError, AttributeError, InvalidOperation) as error:
        raise NodeIdInvalid from error
    return entity, values
