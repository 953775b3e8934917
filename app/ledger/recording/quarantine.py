"""Resolves quarantined events: an admin accepts or dismisses an event.

The decision is an event in the order's history, so the order stays the fold of its events. An accepted fill is
processed like any other; a dismissed event is stored and never applied.
"""

from dataclasses import dataclass
from time import time_ns

import asyncpg

from app.database import WriteConnection
from app.errors import EventNotFound, EventNotResolvable, InputInvalid, StrategyNotFound
from app.ledger.batch import Admitted, Quarantine
from app.ledger.commands import check_text
from app.ledger.folding.order_loading import dismissal_reason
from app.ledger.recording import own_events
from app.ledger.recording.record import apply_admitted
from app.ledger.storage.audit_log import Action, AuditedState, AuditRecord, record
from app.ledger.storage.locks import lock_strategies
from app.ledger.storage.row_mapping import columns_of
from app.ledger.storage.rows import QUARANTINED
from app.ledger.storage.writing import Merge, write
from app.models.orders import QuarantinedEvent, QuarantineResolution
from app.principal import Principal
from app.rules.enums import QuarantineAction, QuarantineCode
from app.rules.events import QuarantineResolved

REASON_LENGTH_MAX = 2_000
_FIND = """
SELECT e.type, e.payload->>'instrument_id' AS instrument_id, e.ts_event, q.code,
       coalesce(q.client_order_id, e.client_order_id, e.payload->>'opening_order_id') AS client_order_id,
       q.reason, r.action, r.ts AS resolved_at
FROM order_events e
LEFT JOIN quarantined_events q USING (strategy_id, event_id, variant)
LEFT JOIN quarantine_resolutions r USING (strategy_id, event_id, variant)
WHERE e.strategy_id = $1 AND e.event_id = $2 AND e.variant = $3
"""


@dataclass(slots=True, frozen=True)
class ResolveQuarantine:
    """The decision on a quarantined event. `variant` above 0 is other content under a known event id."""

    event_id: str
    action: QuarantineAction
    reason: str
    variant: int = 0


@dataclass(slots=True, frozen=True)
class Resolved:
    """The event's order, the time of the decision in nanoseconds, and the instruments that the event made known."""

    client_order_id: str
    decided_at: int
    is_repeated: bool = False
    revaluable: frozenset[str] = frozenset()


async def resolve_quarantine(
    work: WriteConnection, principal: Principal, strategy_id: str, command: ResolveQuarantine
) -> Resolved:
    """Resolve a quarantined event. A repeated decision changes nothing.

    Raises InputInvalid, StrategyNotFound, EventNotFound, EventNotResolvable. Commits nothing.
    """
    check_text(command.reason, REASON_LENGTH_MAX, "reason")
    if not 0 <= command.variant < 2**15:
        raise InputInvalid("A variant is a number from 0 to 32767.", "variant")
    strategies = await lock_strategies(work, [strategy_id])
    if not strategies:
        raise StrategyNotFound(strategy_id)
    row = await work.fetchrow(_FIND, strategy_id, command.event_id, command.variant)
    if row is None:
        raise EventNotFound(command.event_id, command.variant)
    if row["action"] == command.action:
        return Resolved(row["client_order_id"], row["resolved_at"], is_repeated=True)
    _require_resolvable(row, command)
    strategy, now, resolved = strategies[strategy_id], time_ns(), (command.event_id, str(command.variant))
    event = QuarantineResolved(
        trader_id=strategy.trader_id,
        strategy_id=strategy.name,
        instrument_id=row["instrument_id"],
        client_order_id=row["client_order_id"],
        event_id=own_events.own_event_id(own_events.QUARANTINE, command.action, strategy_id, *resolved),
        ts_event=now,
        ts_init=now,
        resolves=command.event_id,
        variant=command.variant,
        action=command.action,
        reason=command.reason,
        actor=principal.actor,
    )
    arrival = own_events.numbered(strategy_id, strategy, event)
    recorded = await apply_admitted(work, Admitted(strategies, [arrival]))
    resolution = (strategy_id, event.resolves, event.variant, event.action, event.reason, event.actor, now)
    stored = Merge(QuarantineResolution, columns_of(QuarantineResolution), [resolution])
    await write(work, [stored, *_conflict_writes(row, event, strategy_id)])
    await _audit(work, principal, strategy_id, row, event)
    return Resolved(event.client_order_id, now, revaluable=frozenset(recorded.revaluable))


def _require_resolvable(row: asyncpg.Record, command: ResolveQuarantine) -> None:
    name = f"Event {command.event_id}"
    if row["action"] == QuarantineAction.ACCEPT:
        raise EventNotResolvable(f"{name} was accepted before; its effects are final.")
    if row["code"] is None:
        raise EventNotResolvable(f"{name} is not in quarantine: it is applied.")
    if command.variant and command.action is QuarantineAction.ACCEPT:
        raise EventNotResolvable(
            f"{name} was recorded before with other content, which is final. Dismiss this variant, or report the right "
            "content in an event with a new id."
        )


def _conflict_writes(row: asyncpg.Record, event: QuarantineResolved, strategy_id: str) -> list[Merge]:
    """Other content under a known id is in no order's fold, so its dismissal is written here."""
    if not event.variant:
        return []
    dismissed = Quarantine(
        strategy_id=strategy_id,
        event_id=event.resolves,
        variant=event.variant,
        client_order_id=row["client_order_id"],
        ts_event=row["ts_event"],
        code=QuarantineCode.DISMISSED,
        reason=dismissal_reason(event),
    )
    return [Merge(QuarantinedEvent, QUARANTINED.columns, [QUARANTINED.row((), dismissed)])]


async def _audit(
    work: WriteConnection, principal: Principal, strategy_id: str, row: asyncpg.Record, event: QuarantineResolved
) -> None:
    described: AuditedState = {
        "strategyId": strategy_id,
        "eventId": event.resolves,
        "variant": event.variant,
        "type": row["type"],
        "clientOrderId": row["client_order_id"],
    }
    before = {**described, "code": row["code"], "reason": row["reason"], "action": row["action"]}
    after = {**described, "code": None, "reason": event.reason, "action": event.action.value}
    if event.action is QuarantineAction.DISMISS:
        after["code"] = QuarantineCode.DISMISSED.value
    entity_id = f"{strategy_id}/{event.resolves}/{event.variant}"
    entry = AuditRecord(Action.QUARANTINE_RESOLVE, "event", entity_id, strategy_id, before, after)
    await record(work, principal, entry)
