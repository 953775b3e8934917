"""The audit log: all administrative changes, each entry chained to the previous one by its hash."""

import re
import time
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import select

from app.database import WriteConnection
from app.ledger.storage.locks import lock_audit_log
from app.ledger.storage.queries import sql
from app.ledger.storage.row_mapping import Row, columns_of, table_of
from app.ledger.storage.rows import CHANGE_COLUMNS
from app.ledger.storage.writing import Insert, write
from app.models.administration import AuditEntry
from app.models.feed import Change
from app.principal import Principal
from app.rules.audit_chain import GENESIS, Link, canonical_json, hash_of
from app.rules.identity import NO_STRATEGY

_ENTRIES = table_of(AuditEntry).c
_LAST = sql(select(_ENTRIES.id, _ENTRIES.hash).order_by(_ENTRIES.id.desc()).limit(1))
_COLUMNS = columns_of(AuditEntry)

AuditedState = Mapping[str, str | int | bool | list[str] | None]
"""The state of an audited object by GraphQL's field names; amounts are text."""


def audited_name(name: str) -> str:
    """GraphQL's name of an attribute."""
    return re.sub(r"_(.)", lambda found: found[1].upper(), name)


def described(value: object, *names: str) -> AuditedState:
    """These attributes of a value by GraphQL's names; amounts as text."""
    values = {audited_name(name): getattr(value, name) for name in names}
    return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in values.items()}


class Action(StrEnum):
    """The kinds of administrative changes. Part of the contract: add, never rename."""

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


class AuditRecord(NamedTuple):
    """One change of one object. `before` is None for a new object, `after` for a deleted one."""

    action: Action
    entity_type: str
    entity_id: str
    strategy_id: str | None
    before: AuditedState | None
    after: AuditedState | None


async def record(work: WriteConnection, principal: Principal, *records: AuditRecord) -> None:
    """Record the changes of one transaction, in their order.

    Other writers of the audit log wait until the transaction ends. It must acquire no further lock.
    """
    await lock_audit_log(work)
    # A separate statement after the lock: it must see what the previous holder of the lock committed.
    last = await work.fetchrow(_LAST)
    first, previous = (last["id"] + 1, last["hash"]) if last is not None else (1, GENESIS)
    now = time.time_ns()
    rows: list[Row] = []
    for number, entry in enumerate(records, start=first):
        link = Link(number, now, principal.actor, *entry, principal.request_id)
        previous = hash_of(link, previous)
        before, after = (None if side is None else canonical_json(side) for side in (entry.before, entry.after))
        rows.append((*link._replace(before=before, after=after), previous))
    changes = [(row[6] or str(NO_STRATEGY), "audit", str(row[0])) for row in rows]
    await write(work, [Insert(AuditEntry, _COLUMNS, rows), Insert(Change, CHANGE_COLUMNS, changes)])
