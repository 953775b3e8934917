"""The ledger's locks, in the order in which a transaction may acquire them.

    1. the strategies concerned, sorted by id, or all strategies at once: one writer per strategy
    2. rows of other tables, sorted by their keys
    3. the end of the audit log

Acquiring locks in this order rules out deadlocks.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg
from sqlalchemy import select

from app.database import WriteConnection
from app.ledger.storage.queries import is_any_of, sql
from app.ledger.storage.row_mapping import table_of
from app.models.administration import Strategy
from app.rules.enums import TradingState

WAITED_TOO_LONG = (
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
)
"""PostgreSQL's errors if another transaction held a lock beyond the timeout. Nothing was written."""

_ID = table_of(Strategy).c.strategy_id
_STRATEGIES = select(table_of(Strategy)).order_by(_ID)
# FOR NO KEY UPDATE: other transactions may add rows that refer to a strategy.
_LOCK_STRATEGIES = sql(_STRATEGIES.where(is_any_of(_ID, 1)).with_for_update(key_share=True))
# Waits for transactions that lock or add a strategy, and blocks new ones. Readers are not blocked.
_LOCK_ALL_STRATEGIES = "LOCK TABLE strategies IN EXCLUSIVE MODE"
_ALL_STRATEGIES = sql(_STRATEGIES)
_AUDIT_LOG = 0x7075727365720A
_LOCK_AUDIT_LOG = f"SELECT pg_advisory_xact_lock({_AUDIT_LOG})"


@dataclass(slots=True)
class LockedStrategy:
    """A strategy whose row is locked. `event_seq` is the number of its last event, `stored_seq` the stored one."""

    name: str
    trader_id: str
    state: TradingState
    event_seq: int
    stored_seq: int
    deducts_base_fees: bool = False
    """The strategy's engine deducts base-currency commissions from the position."""
    stored_deducts: bool = False

    @property
    def is_changed(self) -> bool:
        """Whether the row must be written."""
        return self.event_seq != self.stored_seq or self.deducts_base_fees is not self.stored_deducts


async def lock_strategies(work: WriteConnection, strategy_ids: Iterable[str]) -> dict[str, LockedStrategy]:
    """Lock those strategies that exist, until the transaction ends. Returns them by id, sorted."""
    return {str(row["strategy_id"]): _locked(row) for row in await work.fetch(_LOCK_STRATEGIES, sorted(strategy_ids))}


async def lock_all_strategies(work: WriteConnection) -> dict[str, LockedStrategy]:
    """Become the only writer of the ledger: no strategy can be added. Returns all strategies, sorted by id."""
    await work.execute(_LOCK_ALL_STRATEGIES)
    return {str(row["strategy_id"]): _locked(row) for row in await work.fetch(_ALL_STRATEGIES)}


async def lock_audit_log(work: WriteConnection) -> None:
    """Become the only writer of the audit log. The transaction must acquire no further lock."""
    await work.execute(_LOCK_AUDIT_LOG)


def _locked(row: asyncpg.Record) -> LockedStrategy:
    seq = row["event_seq"]
    state = TradingState(row["state"])
    return LockedStrategy(
        row["name"], row["trader_id"], state, seq, seq, row["deducts_base_fees"], row["deducts_base_fees"]
    )
