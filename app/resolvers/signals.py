"""Signals."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.ledger.commands import RecordSignal
from app.ledger.recording import signals
from app.principal import Principal, Role
from app.reads import Answer, ReadQuery, answer
from app.reads.catalogue import SIGNAL
from app.resolvers.context import Context
from app.resolvers.strategies import resolve
from app.resolvers.transactions import act


async def list_signals(context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any] = ()) -> Answer:
    """Signals, newest first."""
    return await answer(context.database, principal, SIGNAL, query, values)


async def record_signal(context: Context, principal: Principal, command: RecordSignal) -> tuple[UUID, UUID]:
    """Record a signal; answers (strategy_id, signal_id), the first nil for one of no strategy. Again: the same answer.

    Raises Forbidden, InputInvalid, StrategyNotFound, StrategyAmbiguous, SignalConflict, Busy.
    """
    principal.require(Role.TRADER)
    if command.strategy is None:
        principal.require_all_strategies()
    strategy_id = None if command.strategy is None else await resolve(context, principal, command.strategy)
    async with act(context) as work:
        return await signals.record_signal(work, command, strategy_id)
