"""The audit log: every act of a person or a key, each entry chained to the one before it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.database import WriteConnection
from app.ledger.storage.locks import lock_audit_log
from app.ledger.storage.row_mapping import Row
from app.ledger.storage.writing import Insert, write
from app.models import AuditEntry, Change
from app.principal import Principal
from app.rules.audit_chain import GENESIS, Link, canonical_json, hash_of
from app.rules.identity import NO_STRATEGY

_LAST = "SELECT id, hash FROM audit_entries ORDER BY id DESC LIMIT 1"
_COLUMNS = (
    *("id", "ts", "actor", "action", "entity_type", "entity_id", "strategy_id", "before", "after"),
    *("request_id", "hash"),
)

AuditedState = Mapping[str, str | int | bool | list[str] | None]
"""How a thing stands, by GraphQL's field names; amounts are text."""


class Action(StrEnum):
    """What can be done to the ledger by a person or a key. Part of the contract: add, never rename."""

    BUDGET_SET = "budget.set"
    BUDGET_DELETE = "budget.delete"
    STRATEGY_REGISTER = "strategy.register"
    STRATEGY_STATE = "strategy.state"
    TRADING_STATE = "trading.state"
    ORDER_RELEASE = "order.release"
    INSTRUMENT_RECORD = "instrument.record"
    QUARANTINE_RESOLVE = "quarantine.resolve"
    KEY_CREATE = "key.create"
    KEY_REVOKE = "key.revoke"


@dataclass(slots=True, frozen=True)
class AuditRecord:
    """What was done to one thing. `before` is None where it was not there, `after` where it is gone."""

    action: Action
    entity_type: str
    entity_id: str
    strategy_id: str | None
    before: AuditedState | None
    after: AuditedState | None


async def record(
    work: WriteConnection,
    principal: Principal,
    action: Action,
    entity_type: str,
    entity_id: str,
    strategy_id: str | None,
    before: AuditedState | None,
    after: AuditedState | None,
) -> None:
    """Record one act. The transaction locks nothing else after this, and had better end soon: others wait for it."""
    await record_all(work, principal, [AuditRecord(action, entity_type, entity_id, strategy_id, before, after)])


async def record_all(work: WriteConnection, principal: Principal, records: Sequence[AuditRecord]) -> None:
    """Record several acts of one transaction, in their order."""
    if not records:
        return
    await lock_audit_log(work)
    # A statement of its own, after the lock: it must see what the holder before committed.
    last = await work.fetchrow(_LAST)
    first, previous = (last["id"] + 1, last["hash"]) if last is not None else (1, GENESIS)
    now = time.time_ns()
    rows: list[Row] = []
    for number, act in enumerate(records, start=first):
        link = Link(
            id=number,
            ts=now,
            actor=principal.actor,
            action=act.action.value,
            entity_type=act.entity_type,
            entity_id=act.entity_id,
            strategy_id=act.strategy_id,
            before=act.before,
            after=act.after,
            request_id=principal.request_id,
        )
        previous = hash_of(link, previous)
        rows.append(_row(link, previous))
    changes = [(row[6] or str(NO_STRATEGY), "audit", str(row[0])) for row in rows]
    await write(work, [Insert(AuditEntry, _COLUMNS, rows), Insert(Change, ("strategy_id", "entity", "key"), changes)])


def _row(link: Link, its_hash: str) -> Row:
    before, after = (None if side is None else canonical_json(side) for side in (link.before, link.after))
    return (
        *(link.id, link.ts, link.actor, link.action, link.entity_type, link.entity_id, link.strategy_id),
        *(before, after, link.request_id, its_hash),
    )
