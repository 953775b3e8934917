"""The state of all trading: one row, read by whoever has locked strategies, in a statement after the lock.

Whoever sets it locks all strategies (`locks.lock_all_strategies`): so each transaction that decided by the state before
has ended by then, and each that comes later reads the new one, if it reads it once its strategies are locked. In the
statement that locks them it would read what was there before it waited.
"""

from msgspec import Struct
from msgspec.json import Decoder

from app.database import WriteConnection
from app.ledger.asking import Query, ask
from app.models.trading_control import ALL
from app.rules.enums import TradingState

_LOAD = "SELECT state, since, actor FROM trading_control"
_SET = """
INSERT INTO trading_control (scope, state, since, actor) VALUES ($1, $2, $3, $4)
ON CONFLICT (scope) DO UPDATE SET state = excluded.state, since = excluded.since, actor = excluded.actor
"""


class GlobalState(Struct, frozen=True):
    """What all trading may do, and when (nanoseconds since the epoch) and by whom that was set; None: never."""

    state: TradingState
    since: int | None = None
    actor: str | None = None


_ROWS = Decoder(list[GlobalState])
_MISSING = GlobalState(TradingState.HALTED)
"""Somebody took the row away by hand: nothing is let through until the state is set."""


def global_state() -> Query[GlobalState]:
    """The state of all trading. Strategies must be locked for it to stay true."""
    return Query(_LOAD, (), _ROWS, lambda rows: rows[0] if rows else _MISSING)


async def load_global_state(work: WriteConnection) -> GlobalState:
    """The same, asked at once."""
    (found,) = await ask(work, global_state())
    return found  # type: ignore[no-any-return]


async def store_global_state(work: WriteConnection, state: GlobalState) -> None:
    """Set it. All strategies must be locked."""
    await work.execute(_SET, ALL, state.state.value, state.since, state.actor)
