"""Verifies the audit log's hash chain from the first entry to the last."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg

from app.database import ReadConnection
from app.ledger.verify.invariants import Finding
from app.rules.audit_chain import GENESIS, Link, hash_of

_ENTRIES = "SELECT * FROM audit_entries ORDER BY id"
_HEAD = "SELECT id, hash FROM audit_entries ORDER BY id DESC LIMIT 1"
_HASH_OF = "SELECT hash FROM audit_entries WHERE id = $1"


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The last entry of the audit log at some time: its number (0: no entry) and its hash."""

    entries: int
    hash: str

    def __str__(self) -> str:
        return f"{self.entries}:{self.hash}"


async def audit_head(connection: ReadConnection) -> AuditHead:
    """The current last entry."""
    row = await connection.fetchrow(_HEAD)
    return AuditHead(row["id"], row["hash"]) if row is not None else AuditHead(0, GENESIS)


async def verify_noted_head(connection: ReadConnection, noted: AuditHead) -> AsyncIterator[Finding]:
    """A head noted elsewhere must still be in the chain: a rewritten chain does not match the note."""
    found = await connection.fetchval(_HASH_OF, noted.entries) if noted.entries else GENESIS
    if found != noted.hash:
        stored = "is missing" if found is None else f"has the hash {found}"
        yield Finding(_entry(noted.entries), f"{stored}; noted {noted.hash}")


async def verify_audit_chain(connection: ReadConnection) -> AsyncIterator[Finding]:
    """Entries are numbered from 1 without a gap, and each hash follows from the content and the previous hash."""
    expected = 1
    # The possible previous hashes; empty if the previous entry is missing.
    before: tuple[str, ...] = (GENESIS,)
    async for row in connection.cursor(_ENTRIES, prefetch=1000):
        number = row["id"]
        if number < expected:
            yield Finding(_entry(number), "was inserted: entries are numbered from 1")
            continue
        if number > expected:
            last = number - 1
            yield Finding(_entry(expected) if last == expected else f"audit entries {expected} to {last}", "missing")
            before = ()
        expected = number + 1
        computed = [_hash_of(row, previous) for previous in before]
        if before and row["hash"] not in computed:
            yield Finding(
                _entry(number),
                f"its hash does not follow from its content and the hash of entry {number - 1}: "
                "it was altered or inserted, or the previous entry was, including its hash",
            )
            # If only the hash was altered, the next hash follows from the original one.
            before = (row["hash"], *(one for one in computed if one is not None))
        else:
            before = (row["hash"],)


def _hash_of(row: asyncpg.Record, previous: str) -> str | None:
    """The computed hash of the entry; None for content that Purser cannot have written."""
    try:
        parts = {name: row[name] for name in Link._fields}
        parts["strategy_id"] = None if row["strategy_id"] is None else str(row["strategy_id"])
        parts |= {side: None if row[side] is None else json.loads(row[side]) for side in ("before", "after")}
        return hash_of(Link(**parts), previous)
    except (ValueError, RecursionError):
        return None


def _entry(number: int) -> str:
    return f"audit entry {number}"
