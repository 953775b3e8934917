"""Verifying the ledger with a line for each invariant."""

import sys
from time import monotonic

from app.database import Database, PoolLimits
from app.ledger.verify import Finding, Invariant, verify


async def run_verify(url: str, limits: PoolLimits) -> int:
    """Print each invariant as it is checked; answers how many are broken. Raises DatabaseUnavailable."""
    database = await Database.open(url, limits)
    started = monotonic()

    def report(invariant: Invariant, findings: list[Finding]) -> None:
        nonlocal started
        seconds, started = monotonic() - started, monotonic()
        print(f"{'BROKEN' if findings else 'holds '} {invariant.number:>2}  {invariant.claim}  ({seconds:.1f} s)")
        for finding in findings:
            print(f"           {finding.row}: {finding.difference}")
        sys.stdout.flush()

    try:
        return await verify(database, report)
    finally:
        await database.close()
