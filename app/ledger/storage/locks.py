"""Every lock that the ledger takes, in the order in which a transaction may take them.

    1. the strategies concerned, sorted by id, or all of them at once: one writer a strategy
    2. rows of other tables, sorted by their keys
    3. the end of the audit log

Who keeps to the order never waits for somebody that waits for him.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from app.database import WriteConnection
from app.rules.enums import TradingState

WAITED_TOO_LONG = (
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
)
"""What PostgreSQL says where somebody else held a lock for longer than we wait. Nothing was done."""

_STRATEGIES = "SELECT strategy_id, name, trader_id, state, event_seq, deducts_base_fees FROM strategies"
_LOCK_STRATEGIES = f"{_STRATEGIES} WHERE strategy_id = ANY($1) ORDER BY strategy_id FOR NO KEY UPDATE"
# Waits for every transaction that has locked a strategy or is making one, and keeps out new ones. Readers go on.
_LOCK_ALL_STRATEGIES = "LOCK TABLE strategies IN EXCLUSIVE MODE"
_ALL_STRATEGIES = f"{_STRATEGIES} ORDER BY strategy_id"
_AUDIT_LOG = 0x7075727365720A
_LOCK_AUDIT_LOG = f"SELECT pg_advisory_xact_lock({_AUDIT_LOG})"


@dataclass(slots=True)
class LockedStrategy:
    """A strategy whose row this transaction has locked.

    `event_seq` is the number of its last event: `stored_seq`, until there are new ones.
    """

    name: str
    trader_id: str
    state: TradingState
    event_seq: int
    stored_seq: int
    deducts_base_fees: bool = False
    """Its engine takes commissions in the base currency off the position."""
    stored_deducts: bool = False

    @property
    def is_changed(self) -> bool:
        """Whether it is to be written."""
        return self.event_seq != self.stored_seq or self.deducts_base_fees is not self.stored_deducts


async def lock_strategies(work: WriteConnection, strategy_ids: Iterable[str]) -> dict[str, LockedStrategy]:
    """Become the only writer of those that exist: what is read of them stays true until the transaction ends.

    Strategies by id, sorted.
    """
    return {str(row["strategy_id"]): _locked(row) for row in await work.fetch(_LOCK_STRATEGIES, sorted(strategy_ids))}


async def lock_all_strategies(work: WriteConnection) -> dict[str, LockedStrategy]:
    """Become the only writer of the ledger: nobody makes a strategy meanwhile either."""
    await work.execute(_LOCK_ALL_STRATEGIES)
    return {str(row["strategy_id"]): _locked(row) for row in await work.fetch(_ALL_STRATEGIES)}


async def lock_audit_log(work: WriteConnection) -> None:
    """Become the only one that adds to the audit log. Nothing else is locked after it."""
    await work.execute(_LOCK_AUDIT_LOG)


def _locked(row: asyncpg.Record) -> LockedStrategy:
    seq = row["event_seq"]
    state = TradingState(row["state"])
    return LockedStrategy(
        row["name"], row["trader_id"], state, seq, seq, row["deducts_base_fees"], row["deducts_base_fees"]
    )
