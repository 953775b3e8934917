"""Verifies all invariants in one snapshot, and counts amounts that rest on assumptions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from app.database import Database, ReadConnection
from app.ledger.verify.audit import AuditHead, audit_head, verify_audit_chain, verify_noted_head
from app.ledger.verify.budgets import BUDGET_INVARIANTS
from app.ledger.verify.decisions import DECISION_INVARIANTS
from app.ledger.verify.invariants import Finding, Invariant
from app.ledger.verify.replay import verify_orders, verify_positions
from app.ledger.verify.sums import SUM_INVARIANTS

FINDINGS_MAX = 20
"""The number of rows of a broken invariant that are reported."""

_COUNTS = """
SELECT (SELECT count(*) FROM instruments WHERE source = 'RECORDED') AS instruments_recorded,
       (SELECT count(*) FROM instruments WHERE source = 'ASSUMED') AS instruments_assumed,
       (SELECT coalesce(sum(fills), 0)::bigint FROM fill_sums JOIN instruments USING (instrument_id)
        WHERE source = 'ASSUMED') AS fills_assumed,
       (SELECT count(*) FROM holds WHERE is_unvalued) AS orders_unvalued,
       (SELECT count(*) FROM discrepancies) AS discrepancies,
       (SELECT count(*) FROM quarantined_events) AS events_quarantined
"""
# The engine writes the quote currency on each fill. This reads every fill: for `purser verify` only.
_IN_ANOTHER_CURRENCY = """
SELECT f.instrument_id, f.currency, i.quote_currency, count(*) AS fills FROM fills f JOIN instruments i
USING (instrument_id) WHERE f.currency <> i.quote_currency GROUP BY 1, 2, 3 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class ValuationCounts:
    """Fills of assumed instruments are valued as linear, multiplier 1. Unvalued orders are open, and block grants."""

    instruments_recorded: int
    instruments_assumed: int
    fills_assumed: int
    orders_unvalued: int
    discrepancies: int
    events_quarantined: int


@dataclass(frozen=True)
class Verified:
    """The number of broken invariants, the end of the audit log, and the counts of assumptions."""

    broken: int
    audit_head: AuditHead
    valuations: ValuationCounts
    notes: list[str]
    """Facts that no rule forbids and a person should know."""


def invariants(noted: AuditHead | None = None) -> list[Invariant]:
    """All invariants, by number. `noted` is an earlier head of the audit log."""
    every = [
        Invariant(6, "every order is the fold of its applied events, and every fill equals its event", verify_orders),
        Invariant(7, "every position is the replay of its fills", verify_positions),
        Invariant(10, "the audit hash chain is whole", verify_audit_chain),
        *SUM_INVARIANTS,
        *BUDGET_INVARIANTS,
        *DECISION_INVARIANTS,
    ]
    if noted is not None:
        every.append(Invariant(10, "the noted head is in the audit log", partial(verify_noted_head, noted=noted)))
    return sorted(every, key=lambda invariant: invariant.number)


async def verify(
    database: Database,
    on_checked: Callable[[Invariant, list[Finding]], None],
    *,
    noted: AuditHead | None = None,
) -> Verified:
    """Verify everything in one snapshot. `on_checked` gets each invariant with at most `FINDINGS_MAX` findings."""
    broken = 0
    async with database.snapshot() as connection:
        for invariant in invariants(noted):
            findings: list[Finding] = []
            async for finding in invariant.check(connection):
                findings.append(finding)
                if len(findings) >= FINDINGS_MAX:
                    break
            broken += bool(findings)
            on_checked(invariant, findings)
        counts, notes = await count_valuations(connection), await find_other_currencies(connection)
        return Verified(broken, await audit_head(connection), counts, notes)


async def count_valuations(connection: ReadConnection) -> ValuationCounts:
    """The counts now."""
    row = await connection.fetchrow(_COUNTS)
    assert row is not None, "a SELECT without FROM has one row"
    return ValuationCounts(**row)


async def find_other_currencies(connection: ReadConnection) -> list[str]:
    """Fills that name another currency than their instrument's quote currency; the instrument's terms value them."""
    return [
        f"{row['fills']} fills of {row['instrument_id']} name {row['currency']}; "
        f"it is quoted in {row['quote_currency']}, by which they are valued"
        for row in await connection.fetch(_IN_ANOTHER_CURRENCY)
    ]
