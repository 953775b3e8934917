"""The hash chain of the audit log stays intact with any writers, and exposes any tampering."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.database import Database
from app.ledger.storage.audit_log import Action, AuditRecord, record
from app.ledger.verify.audit import AuditHead
from app.ledger.verify.verification import verify
from app.principal import LOCAL
from tests.ledger.state import broken_invariants, digest_of, unprotected

pytestmark = pytest.mark.anyio

RECORD = AuditRecord(
    Action.BUDGET_SET,
    "note",
    "x/USDT",
    "5f17147f-2bbd-5c76-af87-1f010d829329",
    {"allocated": "1000.50", "version": 1, "overReason": None},
    {"allocated": "2e3", "note": 'tab\t"quoted" \\ Grün 😀'},
)
OTHER = RECORD._replace(action=Action.INSTRUMENT_RECORD, strategy_id=None, before=None)
ENTRIES = 7


async def append(database: Database, *records: AuditRecord) -> None:
    async with database.unit_of_work() as work:
        await record(work, replace(LOCAL, request_id="r-1"), *records)
        await work.commit()


async def append_many(database: Database, entries: int = ENTRIES) -> None:
    for number in range(entries):
        await append(database, RECORD if number % 2 else OTHER)


async def findings(database: Database) -> list[tuple[str, str]]:
    """Row and difference of each finding of invariant 10."""
    broken = await broken_invariants(database)
    assert {invariant.number for invariant, _ in broken} <= {10}
    return [(finding.row, finding.difference) for _, found in broken for finding in found]


async def test_the_hashes_can_be_recomputed_with_other_tools(database: Database) -> None:
    await append_many(database)
    previous = "0" * 64
    async with database.read() as connection:
        rows = await connection.fetch("SELECT * FROM audit_entries ORDER BY id")
    assert [row["id"] for row in rows] == list(range(1, ENTRIES + 1))
    for row in rows:
        content = {
            "id": str(row["id"]),
            "ts": str(row["ts"]),
            "actor": row["actor"],
            "action": row["action"],
            "entityType": row["entity_type"],
            "entityId": row["entity_id"],
            "strategyId": None if row["strategy_id"] is None else str(row["strategy_id"]),
            "before": json.loads(row["before"]) if row["before"] else None,
            "after": json.loads(row["after"]) if row["after"] else None,
            "requestId": row["request_id"],
            "previousHash": previous,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256(text.encode()).hexdigest()
        assert row["hash"] == previous


async def test_the_chain_stays_intact_with_concurrent_writers(database: Database) -> None:
    async def append_several(number: int) -> None:
        await append(database, *([RECORD, OTHER] * (number % 3 + 1)))

    await asyncio.gather(*(append_several(number) for number in range(24)))
    assert await findings(database) == []
    async with database.read() as connection:
        assert await connection.fetchval("SELECT max(id) FROM audit_entries") == 2 * (8 + 16 + 24)


async def test_a_transaction_that_is_rolled_back_leaves_no_gap(database: Database) -> None:
    await append_many(database, 2)
    before = await digest_of(database)
    async with database.unit_of_work() as work:
        await record(work, LOCAL, RECORD)
    assert await digest_of(database) == before
    await append_many(database, 2)
    assert await findings(database) == []


async def test_each_entry_is_in_the_change_feed(database: Database) -> None:
    await append(database, RECORD, OTHER)
    async with database.read() as connection:
        rows = await connection.fetch("SELECT strategy_id::text, key FROM changes WHERE entity = 'audit' ORDER BY key")
    assert [tuple(row) for row in rows] == [(RECORD.strategy_id, "1"), ("00000000-0000-0000-0000-000000000000", "2")]


HASH_DIFFERS = "its hash does not follow"
MISSING_FROM_LOG = "the change feed has it"
TAMPERING: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "an actor": ("UPDATE audit_entries SET actor = 'me' WHERE id = 3", [("audit entry 3", HASH_DIFFERS)]),
    "an instant": ("UPDATE audit_entries SET ts = ts + 1 WHERE id = 1", [("audit entry 1", HASH_DIFFERS)]),
    "an action": ("UPDATE audit_entries SET action = 'budget.delete' WHERE id = 7", [("audit entry 7", HASH_DIFFERS)]),
    "a kind": ("UPDATE audit_entries SET entity_type = 'order' WHERE id = 4", [("audit entry 4", HASH_DIFFERS)]),
    "an entity": ("UPDATE audit_entries SET entity_id = 'y' WHERE id = 4", [("audit entry 4", HASH_DIFFERS)]),
    "a request": ("UPDATE audit_entries SET request_id = NULL WHERE id = 4", [("audit entry 4", HASH_DIFFERS)]),
    "a strategy": ("UPDATE audit_entries SET strategy_id = NULL WHERE id = 4", [("audit entry 4", HASH_DIFFERS)]),
    "the value before": ("UPDATE audit_entries SET before = NULL WHERE id = 4", [("audit entry 4", HASH_DIFFERS)]),
    "the value after": (
        """UPDATE audit_entries SET after = after || '{"allocated": "20000"}' WHERE id = 4""",
        [("audit entry 4", HASH_DIFFERS)],
    ),
    "a text made a number": (
        """UPDATE audit_entries SET before = before || '{"allocated": 1000.50}' WHERE id = 4""",
        [("audit entry 4", HASH_DIFFERS)],
    ),
    "a number that is too long to read": (
        f"""UPDATE audit_entries SET before = before || '{{"version": {"9" * 5000}}}' WHERE id = 4""",
        [("audit entry 4", HASH_DIFFERS)],
    ),
    "a hash": (f"UPDATE audit_entries SET hash = '{'ab' * 32}' WHERE id = 4", [("audit entry 4", HASH_DIFFERS)]),
    "the last hash": (f"UPDATE audit_entries SET hash = '{'ab' * 32}' WHERE id = 7", [("audit entry 7", HASH_DIFFERS)]),
    "a lost entry": (
        "DELETE FROM audit_entries WHERE id = 4",
        [("audit entry 4", "missing"), ("audit entry 4", MISSING_FROM_LOG)],
    ),
    "the first entries": (
        "DELETE FROM audit_entries WHERE id < 4",
        [("audit entries 1 to 3", "missing"), *((f"audit entry {number}", MISSING_FROM_LOG) for number in (1, 2, 3))],
    ),
    "two swapped entries": (
        "UPDATE audit_entries a SET actor = b.actor, after = b.after, before = b.before, action = b.action,"
        " strategy_id = b.strategy_id, hash = b.hash, ts = b.ts FROM audit_entries b"
        " WHERE (a.id, b.id) IN ((4, 5), (5, 4))",
        [("audit entry 4", HASH_DIFFERS), ("audit entry 5", HASH_DIFFERS), ("audit entry 6", HASH_DIFFERS)],
    ),
    "an entry inserted before the first": (
        "INSERT INTO audit_entries SELECT (jsonb_populate_record(a, '{\"id\": 0}')).* FROM audit_entries a"
        " WHERE id = 1",
        [("audit entry 0", "was inserted")],
    ),
    "an entry appended after the last": (
        "INSERT INTO audit_entries SELECT (jsonb_populate_record(a, '{\"id\": 8}')).* FROM audit_entries a"
        " WHERE id = 7",
        [("audit entry 8", HASH_DIFFERS)],
    ),
    "the last entries removed": (
        "DELETE FROM audit_entries WHERE id > 5",
        [("audit entry 6", MISSING_FROM_LOG), ("audit entry 7", MISSING_FROM_LOG)],
    ),
    "all entries removed": (
        "TRUNCATE audit_entries",
        [(f"audit entry {number}", MISSING_FROM_LOG) for number in range(1, ENTRIES + 1)],
    ),
}


@pytest.mark.parametrize("tampering", TAMPERING)
async def test_verify_names_altered_removed_and_inserted_entries(database: Database, tampering: str) -> None:
    await append_many(database)
    assert await findings(database) == []
    statement, expected = TAMPERING[tampering]
    async with unprotected(database) as work:
        await work.execute(statement)
        await work.commit()
    found = await findings(database)
    # An inserted entry also has no row in the change feed: another invariant reports that.
    found = [finding for finding in sorted(found) if "no row in the change feed" not in finding[1]]
    assert [row for row, _ in found] == [row for row, _ in expected]
    assert all(text in difference for (_, difference), (_, text) in zip(found, expected, strict=True)), found


async def test_a_noted_head_exposes_a_rewritten_chain(database: Database) -> None:
    await append_many(database, 3)
    noted = await head(database)
    assert (noted.entries, len(noted.hash)) == (3, 64)
    await append_many(database, 2)
    assert await broken_with(database, noted) == []
    async with unprotected(database) as work:
        await work.execute("TRUNCATE audit_entries, changes")
        await work.commit()
    await append_many(database, 5)
    assert await findings(database) == []
    assert await broken_with(database, noted) == ["audit entry 3"]
    assert await broken_with(database, AuditHead(9, noted.hash)) == ["audit entry 9"]
    assert await broken_with(database, AuditHead(0, "0" * 64)) == []


async def head(database: Database) -> AuditHead:
    return (await verify(database, lambda *_: None)).audit_head


async def broken_with(database: Database, noted: AuditHead) -> Sequence[str]:
    rows: list[str] = []
    verified = await verify(database, lambda _, found: rows.extend(finding.row for finding in found), noted=noted)
    assert verified.broken == len(rows)
    return rows
