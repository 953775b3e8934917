"""From what the resolvers answer or raise to the members of the unions that mutations answer with.

This is the one place where a domain error becomes a type. One that a union has no member for is raised: it stands among
the answer's errors, with its code in `extensions`.
"""

from typing import Any

from app.errors import ConflictError, InputInvalid, NotFoundError, PurserError
from app.ledger.commands import Verdict
from app.reads.catalogue.budget import BUDGET, BUDGET_ENTRY, HOLD
from app.reads.catalogue.order import ORDER
from app.reads.entity import Entity
from graphql_schema.execution.executor import ObjectByKey
from graphql_schema.execution.names import client_name
from graphql_schema.schema.payloads import (
    Conflict,
    InvalidInput,
    NotFound,
    OrderAuthorized,
    OrderDenied,
)
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
    common: Any = {
        "order": stored(ORDER, verdict.strategy_id, verdict.client_order_id),
        "is_repeated": verdict.is_repeated,
        "decided_at": written_instant(verdict.decided_at),
        "strategy_state": verdict.strategy_state,
    }
    currency = verdict.currency
    if verdict.deny_code is None:
        hold: Any = stored(HOLD, verdict.strategy_id, verdict.client_order_id)
        return OrderAuthorized(budget=stored(BUDGET_ENTRY, verdict.strategy_id, currency), hold=hold, **common)
    budget = None if currency is None else stored(BUDGET, verdict.strategy_id, currency)
    reason = verdict.reason or ""
    return OrderDenied(deny_code=verdict.deny_code, reason=reason, checked_budget=budget, **common)


def stored(entity: Entity, *key: Any) -> Any:
    """The object of that key, as it stands after the mutation; BUDGET_ENTRY: or its remains if it was deleted since."""
    return ObjectByKey(entity, key)
