"""From what the resolvers answer or raise to the members of the unions that mutations answer with.

This is the one place where a domain error becomes a type. One that a union has no member for is raised: it stands among
the answer's errors, with its code in `extensions`.
"""

from typing import Any
from uuid import UUID

from app.errors import ConflictError, InputInvalid, NotFoundError, PurserError
from app.ledger.administration.strategies import GlobalState
from app.ledger.authorization.release import Released
from app.ledger.batch import BatchResult as Recorded
from app.ledger.commands import Verdict
from app.ledger.recording.quarantine import Resolved
from app.reads.catalogue.budget import BUDGET, BUDGET_ENTRY, HOLD
from app.reads.catalogue.order import ORDER, ORDER_EVENT
from app.reads.entity import Entity
from graphql_schema.execution.executor import ObjectByKey
from graphql_schema.execution.names import client_name
from graphql_schema.schema.payloads import (
    Conflict,
    InvalidInput,
    NotFound,
    OrderAuthorized,
    OrderDenied,
    OrderReleased,
    QuarantineResolved,
    RecordedEvents,
    RejectedEvent,
)
from graphql_schema.types.administration import GlobalTradingState
from graphql_schema.types.scalars import written_instant


def refusal_of(error: PurserError, *path: str) -> InvalidInput | NotFound | Conflict | None:
    """The type that tells of an error, where there is one; `path` leads to the input that the error speaks of."""
    code, message = error.code.value, str(error)
    match error:
        case InputInvalid():
            return InvalidInput(code=code, message=message, path=[*path, *map(client_name, error.path)])
        case NotFoundError():
            return NotFound(code=code, message=message)
        case ConflictError():
            return Conflict(code=code, message=message)
    return None


def refused(error: PurserError, *members: type[Any], path: tuple[str, ...] = ()) -> Any:
    """The error as one of these members of a union. Raises the error where it is none of them."""
    member = refusal_of(error, *path)
    if member is None or type(member) not in members:
        raise error
    return member


def authorized(verdict: Verdict | PurserError, *path: str) -> Any:
    """The member of `AuthorizeOrderResult` that tells what became of an order."""
    if isinstance(verdict, PurserError):
        return refused(verdict, InvalidInput, NotFound, Conflict, path=path)
    order = stored(ORDER, verdict.strategy_id, verdict.client_order_id)
    currency, state = verdict.currency, verdict.strategy_state
    is_repeated, decided_at = verdict.is_repeated, written_instant(verdict.decided_at)
    if verdict.deny_code is None:
        return OrderAuthorized(
            order=order,
            budget=stored(BUDGET_ENTRY, verdict.strategy_id, currency),
            hold=stored(HOLD, verdict.strategy_id, verdict.client_order_id),
            is_repeated=is_repeated,
            decided_at=decided_at,
            strategy_state=state,
        )
    budget = None if currency is None else stored(BUDGET, verdict.strategy_id, currency)
    return OrderDenied(
        order=order,
        deny_code=verdict.deny_code,
        reason=verdict.reason or "",
        checked_budget=budget,
        is_repeated=is_repeated,
        decided_at=decided_at,
        strategy_state=state,
    )


def recorded(events: Recorded) -> RecordedEvents:
    """The payload for recorded events."""
    return RecordedEvents(
        accepted=events.accepted,
        duplicates=events.duplicates,
        quarantined=events.quarantined,
        rejected=[
            RejectedEvent(index=one.place, event_id=one.event_id, code=one.code, message=one.message)
            for one in events.rejected
        ],
    )


def order_released(strategy_id: UUID, client_order_id: str, released: Released) -> OrderReleased:
    """An order as it stands after it was released, and its budget."""
    return OrderReleased(
        order=stored(ORDER, strategy_id, client_order_id),
        budget=stored(BUDGET_ENTRY, strategy_id, released.currency),
        is_repeated=released.is_repeated,
        decided_at=written_instant(released.decided_at),
    )


def quarantine_resolved(strategy_id: UUID, event_id: UUID, variant: int, resolved: Resolved) -> QuarantineResolved:
    """An event as it stands after it was resolved, and its order."""
    return QuarantineResolved(
        event=stored(ORDER_EVENT, strategy_id, event_id, variant),
        order=stored(ORDER, strategy_id, resolved.client_order_id),
        is_repeated=resolved.is_repeated,
        decided_at=written_instant(resolved.decided_at),
    )


def global_state_of(state: GlobalState) -> GlobalTradingState:
    """What all trading may do, as the mutation left it."""
    since = None if state.since is None else written_instant(state.since)
    return GlobalTradingState(state=state.state, since=since, actor=state.actor)


def stored(entity: Entity, *key: Any) -> Any:
    """The object of that key, as it stands after the mutation; BUDGET_ENTRY: or its remains if it was deleted since."""
    return ObjectByKey(entity, key)
