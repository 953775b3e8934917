"""Signals."""

from uuid import UUID

from app.ledger.commands import RecordSignal
from app.ledger.recording import signals
from app.principal import Principal, Role
from app.resolvers.context import Context, transaction
from app.resolvers.strategies import resolve


async def record_signal(context: Context, principal: Principal, command: RecordSignal) -> tuple[UUID, UUID]:
    """Record a signal; answers (strategy_id, signal_id), the first nil for one of no strategy. Again: the same answer.

    Raises Forbidden, InputInvalid, StrategyNotFound, StrategyAmbiguous, SignalConflict, Busy.
    """
    principal.require(Role.TRADER)
    if command.strategy is None:
        principal.require_all_strategies()
    strategy_id = None if command.strategy is None else await resolve(context, principal, command.strategy)
    async with transaction(context) as work:
        return await signals.record_signal(work, command, strategy_id)
