"""The state of all trading: one row, read after the strategies are locked, in a statement of its own.

The act that sets it locks all strategies first (`locks.lock_all_strategies`). So each transaction that decided by the
old state has ended, and each later one waits for the act, then reads the new state. The read comes in a statement after
the one that locks: a statement may take its snapshot before it waits, and would then read the old state.
"""

from msgspec import Struct
from msgspec.json import Decoder
from sqlalchemy import select

from app.database import WriteConnection
from app.ledger.storage.queries import BatchQuery, fetch_all_at_once, sql
from app.ledger.storage.row_mapping import table_of
from app.ledger.storage.writing import Merge, write
from app.models import TradingControl
from app.models.administration import ALL
from app.rules.enums import TradingState

_LOAD = sql(select(table_of(TradingControl)))


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
    row = (ALL, state.state, state.since, state.actor)
    await write(work, [Merge(TradingControl, ("scope", "state", "since", "actor"), [row])])
