"""Ids of nodes: opaque to the client, written by PostgreSQL (`fields.node_id`), read here.

Base64 of the noun and its key: `Order:5f17147f-2bbd-5c76-af87-1f010d829329:O-1`.
"""

import binascii
from base64 import b64decode
from decimal import InvalidOperation
from typing import Any, NamedTuple

from app.errors import NodeIdInvalid
from app.reads.catalogue.registry import SHAPES
from app.reads.cursors import reader_of
from app.reads.shape import Shape
from app.reads.want import All, Compare, Condition, Op

_LENGTH_MAX = 4096


class NodeKey(NamedTuple):
    """Which row of which noun: the values of its key."""

    shape: Shape
    values: list[Any]


def has_key(shape: Shape) -> Condition:
    """The condition that a noun's row has the key in the first values."""
    return All(tuple(Compare(name, Op.EQ, slot) for slot, name in enumerate(shape.key)))


def read_node_id(node_id: str) -> NodeKey:
    """What an id names; nothing need have it. Raises NodeIdInvalid."""
    if len(node_id) > _LENGTH_MAX:
        raise NodeIdInvalid
    try:
        noun, *parts = b64decode(node_id, validate=True).decode().split(":", 1)
        shape = SHAPES[noun]
        if "id" not in shape.fields:
            raise NodeIdInvalid
        texts = parts[0].split(":", len(shape.key) - 1)
        types = [shape.model.__table__.columns[name].type for name in shape.key]
        values = [reader_of(type_)(text) for type_, text in zip(types, texts, strict=True)]
    except (binascii.Error, ValueError, LookupError, AttributeError, InvalidOperation) as error:
        raise NodeIdInvalid from error
    return NodeKey(shape, values)
