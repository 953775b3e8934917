"""Rows of the table `changes`: their offsets, cursors of offsets, and the statements that read them.

Only *settled* rows are read: every transaction that started before theirs has ended. A transaction that commits late
adds rows with smaller offsets than committed ones have. `xid < pg_snapshot_xmin(...)` waits for such transactions, so
that a reader that continues from an offset misses no row.

A cursor is the epoch of the history and the offset of a row, hexadecimal: `3f0c...-2f1-7`. It is opaque to clients,
carries no secret and grants nothing.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.database import ReadConnection
from app.errors import CursorExpired, FeedCursorInvalid

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


class Change(NamedTuple):
    """One row: the key of a changed object. `strategy_id` is NO_STRATEGY if the object belongs to none."""

    offset: Offset
    strategy_id: UUID
    entity: str
    key: str


class Poll(NamedTuple):
    """The result of one poll. The next poll continues from `offset`; `pending` is the oldest row that is not settled
    yet.
    """

    changes: list[Change]
    offset: Offset
    pending: Offset | None
    is_whole: bool


_POLL = """
SELECT s.xid AS last_xid, s.id AS last_id, h.xid AS pending_xid, h.id AS pending_id,
       c.xid, c.id, c.strategy_id, c.entity, c.key
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS running) b
LEFT JOIN LATERAL (
    SELECT xid, id FROM changes WHERE xid < b.running ORDER BY xid DESC, id DESC LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT xid, id FROM changes WHERE xid >= b.running ORDER BY xid, id LIMIT 1
) h ON true
LEFT JOIN LATERAL (
    SELECT xid, id, strategy_id, entity, key FROM changes
    WHERE (xid, id) > ($1::xid8, $2::bigint) AND (xid, id) <= (s.xid, s.id) AND entity = ANY($3::text[])
    ORDER BY xid, id LIMIT $4
) c ON true
ORDER BY c.xid, c.id
"""
_BETWEEN = """
SELECT xid, id, strategy_id, entity, key FROM changes
WHERE (xid, id) > ($1::xid8, $2::bigint) AND (xid, id) <= ($3::xid8, $4::bigint) AND entity = $5
ORDER BY xid, id LIMIT $6
"""
_NEWEST = """
SELECT xid, id FROM changes WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid DESC, id DESC LIMIT 1
"""
_KNOWN = """
SELECT epoch, EXISTS (SELECT FROM changes WHERE xid = $1::xid8 AND id = $2::bigint) AS is_there FROM feed_epoch
"""


async def poll(connection: ReadConnection, after: Offset, entities: Iterable[str], limit: int) -> Poll:
    """The next settled changes of these entities, at most `limit`, in order."""
    rows = await connection.fetch(_POLL, *after, list(entities), limit)
    changes = [_change(row) for row in rows if row["xid"] is not None]
    first = rows[0]  # there is always one: without a change it says where the feed stands
    pending = None if first["pending_xid"] is None else Offset(first["pending_xid"], first["pending_id"])
    if len(changes) == limit:
        return Poll(changes, changes[-1].offset, pending, is_whole=False)
    newest = ORIGIN if first["last_xid"] is None else Offset(first["last_xid"], first["last_id"])
    return Poll(changes, max(after, newest), pending, is_whole=True)


async def changes_between(
    connection: ReadConnection, after: Offset, until: Offset, entity: str, limit: int
) -> list[Change]:
    """At most `limit` changes of one entity after one offset and up to another, settled one, in order."""
    return [_change(row) for row in await connection.fetch(_BETWEEN, *after, *until, entity, limit)]


async def newest_offset(connection: ReadConnection) -> Offset:
    """The offset of the last settled row; ORIGIN if there is none."""
    row = await connection.fetchrow(_NEWEST)
    return ORIGIN if row is None else Offset(row["xid"], row["id"])


async def epoch_and_presence(connection: ReadConnection, offset: Offset) -> tuple[UUID, bool]:
    """The epoch of the database's history, and whether the database has a row at this offset."""
    row = await connection.fetchrow(_KNOWN, *offset)
    assert row is not None, "a migration makes the one row"
    return row["epoch"], row["is_there"] or offset == ORIGIN


async def offset_of_cursor(connection: ReadConnection, cursor: str) -> tuple[UUID, Offset]:
    """Resolve a cursor to its epoch and offset. Raises FeedCursorInvalid, or CursorExpired if reading cannot continue
    there.

    The cursor's own row must exist. If it was deleted, rows after it may have been deleted too; if the history is
    another one (a restored backup, a standby that lost the last transactions), it never existed.
    """
    epoch, offset = read_cursor(cursor)
    known, is_there = await epoch_and_presence(connection, offset)
    if epoch != known or not is_there:
        raise CursorExpired
    return epoch, offset


def _change(row: asyncpg.Record) -> Change:
    return Change(Offset(row["xid"], row["id"]), row["strategy_id"], row["entity"], row["key"])
