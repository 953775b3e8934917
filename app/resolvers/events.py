"""What engines publish: events, signals and instruments."""

from collections.abc import Sequence
from uuid import UUID

from app.database import WriteConnection
from app.errors import Busy, EventNotResolvable, Forbidden, InputInvalid
from app.event_codec import BadEvent, ReadMessage, encode_message
from app.ledger.administration.budgets import check_known, load_currencies
from app.ledger.administration.instruments import record_each
from app.ledger.administration.instruments import record_instruments as _record_instruments
from app.ledger.batch import BatchResult, Incoming, Rejected
from app.ledger.commands import RecordSignal, StrategyRef
from app.ledger.recording import quarantine, record, signals
from app.ledger.recording.quarantine import Resolved, ResolveQuarantine
from app.ledger.storage.locks import WAITED_TOO_LONG
from app.ledger.storage.writing import CANNOT_BE_STORED
from app.principal import Principal, Role
from app.resolvers.context import Context, transaction
from app.resolvers.strategies import resolve
from app.rules.events import EngineEvent
from app.rules.identity import strategy_id_of
from app.rules.valuation import InstrumentDefinition

EVENTS_MAX = 5000
INSTRUMENTS_MAX = 1000


async def record_events(
    context: Context, principal: Principal, events: Sequence[object], read_message: ReadMessage
) -> BatchResult:
    """Record an engine's messages, parsed from JSON. Refused ones are listed by index; the others are recorded.

    Instruments may be among the messages: they are recorded first.

    Raises Forbidden, InputInvalid, Busy, DatabaseUnavailable: then to send all of it again is safe.
    """
    principal.require(Role.TRADER)
    if len(events) > EVENTS_MAX:
        raise InputInvalid(f"{len(events)} events at once; at most {EVENTS_MAX} are taken.", "events")
    incoming: list[Incoming] = []
    rejected: list[Rejected] = []
    instruments: list[tuple[int, InstrumentDefinition]] = []
    for index, value in enumerate(events):
        try:
            message = read_message(encode_message(value))
        except BadEvent as bad:
            rejected.append(Rejected(index, bad.event_id, bad.code, bad.message))
            continue
        if isinstance(message, InstrumentDefinition):
            instruments.append((index, message))
            continue
        event, payload = message
        try:
            _require_rights(principal, event)
        except Forbidden as error:
            rejected.append(Rejected(index, event.event_id or None, error.code.value, str(error)))
        else:
            incoming.append(Incoming(index, event, payload))
    try:
        known, refused = await record_each(context.database, principal, instruments)
        recorded = await record.record_events(context.database, incoming)
    except WAITED_TOO_LONG as error:
        raise Busy from error
    recorded.accepted += known
    recorded.rejected = sorted([*rejected, *refused, *recorded.rejected], key=lambda each: each.place)
    return recorded


async def resolve_quarantine(
    context: Context, principal: Principal, strategy: StrategyRef, command: ResolveQuarantine
) -> tuple[UUID, Resolved]:
    """Accept or dismiss an event in quarantine; returns its strategy and the resolution.

    Raises Forbidden, InputInvalid, StrategyNotFound, StrategyAmbiguous, EventNotFound, EventNotResolvable, Busy.
    """
    principal.require(Role.ADMIN)
    strategy_id = await resolve(context, principal, strategy)
    try:
        async with transaction(context) as work:
            resolved = await quarantine.resolve_quarantine(work, principal, str(strategy_id), command)
    except CANNOT_BE_STORED as error:
        raise EventNotResolvable(f"Event {command.event_id} cannot be applied: PostgreSQL cannot store it.") from error
    if resolved.revaluable:
        await record.value_waiting_orders(context.database, resolved.revaluable)
    return strategy_id, resolved


def _require_rights(principal: Principal, event: EngineEvent) -> None:
    if principal.is_bound:
        if event.trader_id is None or event.strategy_id is None:
            principal.require_all_strategies()
        else:
            principal.require_strategy(strategy_id_of(event.trader_id, event.strategy_id))


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


async def record_instruments(
    context: Context, principal: Principal, definitions: Sequence[InstrumentDefinition]
) -> int:
    """Record the terms of instruments, all or none of them; returns their number.

    A trader whose key covers all strategies may record instruments that are not recorded yet. Correcting a recorded
    one takes an admin, and no amount may have been valued by it. Raises Forbidden, InputInvalid, InstrumentInUse,
    Busy.
    """
    principal.require(Role.TRADER)
    if len(definitions) > INSTRUMENTS_MAX:
        raise InputInvalid(f"{len(definitions)} instruments at once; at most {INSTRUMENTS_MAX} are taken.", "inputs")
    async with transaction(context) as work:
        await _check_currencies(work, principal, definitions)
        return await _record_instruments(work, principal, definitions)


async def _check_currencies(
    work: WriteConnection, principal: Principal, definitions: Sequence[InstrumentDefinition]
) -> None:
    """Refuse currencies that are probably typing errors. The ledger checks everything else."""
    known = await load_currencies(work, principal)
    for place, definition in enumerate(definitions):
        path = ("inputs", str(place))
        check_known(definition.quote_currency, known, *path, "quote_currency")
        check_known(definition.settlement_currency, known, *path, "settlement_currency")
        if definition.base_currency is not None:
            check_known(definition.base_currency, known, *path, "base_currency", is_base=True)
