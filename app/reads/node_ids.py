"""Ids of nodes: opaque to the client, written by PostgreSQL (`fields.node_id`), read here.

Base64 of the entity and its key: `Order:5f17147f-2bbd-5c76-af87-1f010d829329:O-1`.
"""

import binascii
from base64 import b64decode
from decimal import InvalidOperation
from typing import Any

from app.errors import NodeIdInvalid
from app.reads.entity import ENTITIES, Entity
from app.reads.ordering import reader_of

_LENGTH_MAX = 4096


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
        values = [reader_of(type_)(text) for type_, text in zip(types, texts, strict=True)]
    except (binascii.Error, ValueError, LookupError, AttributeError, InvalidOperation) as error:
        raise NodeIdInvalid from error
    return entity, values
