"""Proving the ledger: every invariant recomputed from the database alone.

    statements.py   invariants that one SQL statement can check
    budgets.py      those of budgets, holds and the journal
    admin_settings.py  settings compared with the audit log
    quarantine.py   what admins decided about events in quarantine
    audit.py        the audit log's hashes followed from the first entry to the last
    replay.py       orders folded again from their events, positions from their fills

Nothing is repaired: a person decides.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

from app.database import Database, ReadConnection
from app.ledger.verify.admin_settings import ACT_STATEMENTS
from app.ledger.verify.audit import AuditHead, audit_head, verify_audit_chain, verify_noted_head
from app.ledger.verify.budgets import BUDGET_STATEMENTS
from app.ledger.verify.finding import Finding
from app.ledger.verify.quarantine import QUARANTINE_STATEMENTS
from app.ledger.verify.replay import verify_orders, verify_positions
from app.ledger.verify.statements import STATEMENTS, verify_statement
from app.ledger.verify.valuation_counts import ValuationCounts, count_valuations, find_other_currencies

Check = Callable[[ReadConnection], AsyncIterator[Finding]]


@dataclass(frozen=True)
class Invariant:
    """One thing that must hold. `number` is that of the list in docs/ledger.md, "Verification"."""

    number: int
    claim: str
    check: Check


@dataclass(frozen=True)
class Verified:
    """How many invariants are broken, where the audit log ended, and how much rests on assumptions."""

    broken: int
    audit_head: AuditHead
    valuations: ValuationCounts
    notes: list[str]
    """What no rule forbids and a person should know."""


def invariants(noted: AuditHead | None = None) -> list[Invariant]:
    """All invariants that are checked, by number. `noted` is an earlier head of the audit log."""
    replayed = [
        Invariant(6, "every order is the fold of its applied events, every fill as its event says", verify_orders),
        Invariant(7, "every position is the replay of its fills", verify_positions),
        Invariant(10, "the audit hash chain is whole", verify_audit_chain),
    ]
    stated = [
        Invariant(stated.number, stated.claim, verify_statement(stated))
        for stated in (*STATEMENTS, *BUDGET_STATEMENTS, *ACT_STATEMENTS, *QUARANTINE_STATEMENTS)
    ]
    if noted is not None:
        stated.append(Invariant(10, "the noted head is in the audit log", partial(verify_noted_head, noted=noted)))
    return sorted([*replayed, *stated], key=lambda invariant: invariant.number)


async def verify(
    database: Database,
    on_checked: Callable[[Invariant, list[Finding]], None],
    *,
    noted: AuditHead | None = None,
    findings_max: int = 20,
) -> Verified:
    """Check everything in one snapshot, so that a running service may go on.

    `on_checked` is called with each invariant and its findings, at most `findings_max` of them.
    """
    broken = 0
    async with database.snapshot() as connection:
        for invariant in invariants(noted):
            findings: list[Finding] = []
            async for finding in invariant.check(connection):
                findings.append(finding)
                if len(findings) >= findings_max:
                    break
            broken += bool(findings)
            on_checked(invariant, findings)
        counts, notes = await count_valuations(connection), await find_other_currencies(connection)
        return Verified(broken, await audit_head(connection), counts, notes)


__all__ = [
    "AuditHead",
    "Finding",
    "Invariant",
    "ValuationCounts",
    "Verified",
    "count_valuations",
    "invariants",
    "verify",
]
