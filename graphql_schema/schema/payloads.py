"""The types that mutations answer with, and how the resolvers' results and domain errors become them.

An object that the ledger stores is given by its key: the executor looks it up after the commit.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from inspect import signature
from typing import Annotated, Any, TypeAlias, get_args
from uuid import UUID

import strawberry

from app.errors import ConflictError, InputInvalid, NotFoundError, PurserError
from app.ledger.commands import Verdict
from app.reads.catalogue.budget import BUDGET, BUDGET_ENTRY, HOLD
from app.reads.catalogue.trading import ORDER
from app.reads.entity import Entity
from app.rules.enums import DenyCode, TradingState
from graphql_schema.execution.arguments import client_name
from graphql_schema.execution.executor import ObjectByKey
from graphql_schema.types.administration import Budget, GlobalTradingState, Hold
from graphql_schema.types.fields import described, description_of, interface_type, object_type
from graphql_schema.types.scalars import Instant, written_instant
from graphql_schema.types.trading import Order, OrderEvent, Signal, Strategy

_CODE = "A stable, machine-readable error code."
_MESSAGE = "A human-readable explanation."
_IS_REPEATED = "Whether this repeats the answer to an earlier request; nothing was decided now."


@interface_type
class Error:
    """Why a request was refused."""

    code: str = described(_CODE)
    message: str = described(_MESSAGE)


@object_type
class InvalidInput(Error):
    """The input is invalid."""

    path: list[str] = described(
        "The path to the invalid field, starting with the mutation's argument; list positions count from 0."
    )


@object_type
class NotFound(Error):
    """The requested object does not exist."""


@object_type
class Conflict(Error):
    """The request conflicts with stored data."""


@object_type
class _Decision:
    """The decision on an order."""

    order: Order = described("The order.")
    is_repeated: bool = described(_IS_REPEATED)
    decided_at: Instant = described("When the decision was made: `tsEvent` of the authorization event.")
    strategy_state: TradingState = described(
        "The strategy's current trading state; it may differ from the state at the decision."
    )


@object_type
class OrderAuthorized(_Decision):
    """The order is authorized; the capital that it needs is held."""

    budget: Budget = described("The budget that the order counts against.")
    hold: Hold = described("The capital held for the order.")


@object_type
class OrderDenied(_Decision):
    """The order is denied. It is stored with the status `DENIED`."""

    deny_code: DenyCode = described("Why the order was denied.")
    reason: str = described("Why the order was denied, with the figures.")
    checked_budget: Budget | None = described(
        "The budget that the order was checked against; null if the strategy has none in the currency."
    )


@object_type
class OrderReleased:
    """The hold of an order that was never submitted is released."""

    order: Order = described("The order.")
    budget: Budget = described("The budget that the order counted against.")
    is_repeated: bool = described(_IS_REPEATED)
    decided_at: Instant = described("When the order was released.")


@object_type
class QuarantineResolved:
    """The event is resolved, by this request or an earlier one."""

    event: OrderEvent = described("The event in its current state.")
    order: Order | None = described("The event's order; null while it is unknown.")
    is_repeated: bool = described(_IS_REPEATED)
    decided_at: Instant = described("When the event was resolved.")


@object_type
class BudgetSet:
    """The budget was set."""

    budget: Budget = described("The budget.")


@object_type
class BudgetDeleted:
    """The budget was deleted. Its journal remains."""

    strategy_id: UUID = described("The strategy's id.")
    currency: str = described("The budget's currency.")


@object_type
class TradingStateSet:
    """The trading state is set."""

    strategies: list[Strategy] = described("The strategies concerned: one, or all.")
    trading_state: GlobalTradingState = described("The trading state that applies to all strategies.")


@object_type
class StrategyRegistered:
    """The strategy is registered, by this request or an earlier one."""

    strategy: Strategy = described("The strategy.")


@object_type
class SignalRecorded:
    """The signal is recorded, by this request or an earlier one."""

    signal: Signal = described("The signal.")


@object_type
class InstrumentsRecorded:
    """The instruments are recorded, by this request or an earlier one."""

    count: int = described("The number of instruments in the request.")


@object_type
class RejectedEvent:
    """An event that was refused and not stored."""

    index: int = described("The event's position in the request, from 0.")
    event_id: str | None = described("The event's id, if it has a readable one.")
    code: str = described(_CODE)
    message: str = described(_MESSAGE)


@object_type
class RecordedEvents:
    """The outcome of recording events."""

    accepted: int = described(
        "The number of new events that are stored and applied, plus the number of instruments, including known ones."
    )
    duplicates: int = described("The number of events that were recorded before; they changed nothing.")
    quarantined: int = described("The number of events that are stored but not applied; see `quarantinedEvents`.")
    rejected: list[RejectedEvent] = described("The events that were refused.")


def _outcome(name: str, of: str) -> Any:
    return strawberry.union(name, description=f"The outcome of {of}.")


AuthorizeOrderResult: TypeAlias = Annotated[
    OrderAuthorized | OrderDenied | InvalidInput | NotFound | Conflict,
    _outcome("AuthorizeOrderResult", "an authorization"),
]
ReleaseOrderResult: TypeAlias = Annotated[
    OrderReleased | NotFound | Conflict, _outcome("ReleaseOrderResult", "releasing an order")
]
ResolveQuarantineResult: TypeAlias = Annotated[
    QuarantineResolved | InvalidInput | NotFound | Conflict,
    _outcome("ResolveQuarantineResult", "resolving an event in quarantine"),
]
SetBudgetResult: TypeAlias = Annotated[
    BudgetSet | InvalidInput | NotFound, _outcome("SetBudgetResult", "setting a budget")
]
DeleteBudgetResult: TypeAlias = Annotated[
    BudgetDeleted | NotFound | Conflict, _outcome("DeleteBudgetResult", "deleting a budget")
]
SetTradingStateResult: TypeAlias = Annotated[
    TradingStateSet | InvalidInput | NotFound, _outcome("SetTradingStateResult", "setting a trading state")
]
RecordSignalResult: TypeAlias = Annotated[
    SignalRecorded | InvalidInput | NotFound, _outcome("RecordSignalResult", "recording a signal")
]


def mutation(resolver: Callable[..., Awaitable[Any]]) -> Any:
    """A field of `Mutation`. A domain error of the resolver is answered if the field's union has a member for it."""
    parts = [one for part in get_args(resolver.__annotations__["return"]) for one in get_args(part)]
    members = [one for one in parts if isinstance(one, type) and issubclass(one, Error)]
    path = ("input",) if "input" in signature(resolver).parameters else ()

    @wraps(resolver)
    async def answer(*arguments: Any, **named: Any) -> Any:
        try:
            return await resolver(*arguments, **named)
        except PurserError as error:
            return refused(error, members, path)

    return strawberry.mutation(resolver=answer, description=description_of(resolver))


def refused(error: PurserError, members: Sequence[type[Error]], path: Sequence[str]) -> Error:
    """The error as one of these members of a union; raises the error if it is none of them.

    `path` leads to the input that `error.path` belongs to.
    """
    code, message = error.code.value, str(error)
    member: Error
    match error:
        case InputInvalid():
            member = InvalidInput(code=code, message=message, path=[*path, *map(client_name, error.path)])
        case NotFoundError():
            member = NotFound(code=code, message=message)
        case ConflictError():
            member = Conflict(code=code, message=message)
        case _:
            raise error
    if type(member) not in members:
        raise error
    return member


def authorized(verdict: Verdict | PurserError, *path: str) -> Any:
    """The member of `AuthorizeOrderResult` that answers for an order."""
    if isinstance(verdict, PurserError):
        return refused(verdict, (InvalidInput, NotFound, Conflict), path)
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
