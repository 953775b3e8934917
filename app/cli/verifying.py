"""Implements `purser verify`: prints one line for each invariant of the ledger."""

import asyncio
import re
import sys
from time import monotonic

from app.cli.commands import FAILED
from app.cli.configuration import configured_database, settings_with_logging
from app.database import Database, PoolLimits
from app.errors import BadInputError
from app.ledger.verify.audit import AuditHead
from app.ledger.verify.invariants import Finding, Invariant
from app.ledger.verify.verification import FINDINGS_MAX, verify


def verify_database(audit_head: str | None) -> int:
    """Verify the configured database; returns the exit code. Raises BadInputError, DatabaseUnavailable."""
    settings = settings_with_logging()
    noted = noted_head(audit_head) if audit_head is not None else None
    with configured_database(settings) as url:
        broken = asyncio.run(run_verify(url, settings.pool_limits(), noted))
    if broken:
        print(f"purser: invariants of the ledger that do not hold: {broken}.", file=sys.stderr)
        return FAILED
    return 0


async def run_verify(url: str, limits: PoolLimits, noted: AuditHead | None = None) -> int:
    """Print each invariant as it is checked, then the audit log's head; returns the number of broken ones.

    Raises DatabaseUnavailable.
    """
    started = monotonic()

    def report(invariant: Invariant, findings: list[Finding]) -> None:
        nonlocal started
        seconds, started = monotonic() - started, monotonic()
        print(f"{'BROKEN' if findings else 'holds '} {invariant.number:>2}  {invariant.claim}  ({seconds:.1f} s)")
        for finding in findings:
            print(f"           {finding.row}: {finding.difference}")
        if len(findings) >= FINDINGS_MAX:
            print(f"           These are the first {FINDINGS_MAX} rows; there may be more.")
        sys.stdout.flush()

    async with await Database.open(url, limits) as database:
        verified = await verify(database, report, noted=noted)
        counts = verified.valuations
        print(
            f"valuation: {counts.instruments_recorded} instruments recorded, {counts.instruments_assumed} assumed "
            f"with {counts.fills_assumed} fills; {counts.orders_unvalued} open orders not valued, "
            f"{counts.discrepancies} discrepancies, {counts.events_quarantined} events quarantined"
        )
        for note in verified.notes:
            print(f"note: {note}")
        print(f"audit: {verified.audit_head.entries} entries, head {verified.audit_head}")
        return verified.broken


def noted_head(text: str) -> AuditHead:
    """Parse a head that `purser verify` printed. Raises BadInputError."""
    number, _, its_hash = text.partition(":")
    if not (number.isdecimal() and len(number) < 19 and re.fullmatch("[0-9a-f]{64}", its_hash)):
        raise BadInputError(f"{text!r} is not an audit log head as `purser verify` prints it, NUMBER:HASH.")
    return AuditHead(int(number), its_hash)
