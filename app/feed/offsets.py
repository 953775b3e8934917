"""Offsets in the change feed, and their cursors.

A cursor is the epoch of the history and the offset of a row, hexadecimal: `3f0c...-2f1-7`. It is opaque to clients,
carries no secret and grants nothing.
"""

import re
from typing import NamedTuple
from uuid import UUID

from app.errors import FeedCursorInvalid

_CURSOR = re.compile(r"([0-9a-f]{32})-([0-9a-f]{1,16})-([0-9a-f]{1,16})", re.ASCII)
_BIGINT_MAX = 2**63 - 1


class Offset(NamedTuple):
    """The position of a row. Rows are ordered by (xid, id) once all transactions before them have ended."""

    xid: int
    id: int


ORIGIN = Offset(0, 0)
"""The offset before all rows."""


def write_cursor(epoch: UUID, offset: Offset) -> str:
    """The cursor of an offset in the history with this epoch."""
    return f"{epoch.hex}-{offset.xid:x}-{offset.id:x}"


def read_cursor(cursor: str) -> tuple[UUID, Offset]:
    """The epoch and the offset of a cursor. Raises FeedCursorInvalid."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise FeedCursorInvalid
    xid, number = int(found[2], 16), int(found[3], 16)
    if number > _BIGINT_MAX:
        raise FeedCursorInvalid
    return UUID(hex=found[1]), Offset(xid, number)
