"""The state of all trading: one row, read after the strategies are locked, in a statement of its own.

The act that sets it locks all strategies first (`locks.lock_all_strategies`). So each transaction that decided by the
old state has ended, and each later one waits for the act, then reads the new state. The read comes in a statement after
the one that locks: a statement may take its snapshot before it waits, and would then read the old state.
"""

from msgspec import Struct
from msgspec.json import Decoder

from app.database import WriteConnection
from app.ledger.storage.query_batch import BatchQuery, fetch_all_at_once
from app.models.trading_control import ALL
from app.rules.enums import TradingState

_LOAD = "SELECT state, since, actor FROM trading_control"
_SET = """
INSERT INTO trading_control (scope, state, since, actor) VALUES ($1, $2, $3, $4)
ON CONFLICT (scope) DO UPDATE SET state = excluded.state, since = excluded.since, actor = excluded.actor
"""


class GlobalState(Struct, frozen=True):
    """The state of all trading, when it was set (nanoseconds since the epoch) and by which actor; None: never set."""

    state: TradingState
    since: int | None = None
    actor: str | None = None


_ROWS = Decoder(list[GlobalState])
_MISSING = GlobalState(TradingState.HALTED)
"""The row was deleted by hand: no order is let through until the state is set."""


def global_state() -> BatchQuery[GlobalState]:
    """The state of all trading. Strategies must be locked for it to stay true."""
    return BatchQuery(_LOAD, (), _ROWS, lambda rows: rows[0] if rows else _MISSING)


async def load_global_state(work: WriteConnection) -> GlobalState:
    """The state of all trading, read at once."""
    (found,) = await fetch_all_at_once(work, global_state())
    return found  # type: ignore[no-any-return]


async def store_global_state(work: WriteConnection, state: GlobalState) -> None:
    """Set it. All strategies must be locked."""
    await work.execute(_SET, ALL, state.state.value, state.since, state.actor)
