"""Cursors: a place in an order, opaque to the client, made by PostgreSQL and read here.

Base64 of a JSON array: which entity and order, then the place's values as text. No secret and no authority: a
made-up cursor names a place, and never a row that the filter would not show.
"""

import binascii
from base64 import b64decode
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Integer, Numeric, Text, Uuid, cast, func
from sqlalchemy.types import TypeEngine

from app.errors import CursorInvalid
from app.reads.columns import Columns
from app.reads.entity import Entity
from app.reads.fields import base64
from app.reads.literals import text_literal
from app.reads.ordering import OrderColumn, total_order
from app.reads.query import SortKey

_LENGTH_MAX = 4096


def cursor_sql(entity: Entity, order: tuple[OrderColumn, ...], columns: Columns) -> ColumnElement[Any]:
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
        return [reader_of(key.type)(text) for key, text in zip(order, place, strict=True)]
    except (binascii.Error, msgspec.MsgspecError, ValueError, InvalidOperation) as error:
        raise CursorInvalid from error


def place_length(entity: Entity, keys: tuple[SortKey, ...]) -> int:
    """How many values a cursor of this order has."""
    return len(total_order(entity, keys))


def _signature(entity: Entity, order: tuple[OrderColumn, ...]) -> str:
    return f"{entity.name} " + ",".join(f"{'-' if key.descending else '+'}{key.name}" for key in order)


def reader_of(type_: TypeEngine[Any]) -> Callable[[str], Any]:
    """How a value of a column is read from text. What it answers raises ValueError, InvalidOperation."""
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
