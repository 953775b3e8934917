"""What mutations answer with: what became of the act, or a refusal that has a type of its own.

An object that the ledger stores is asked for by its key (`Lookup`), after the act was committed.
"""

from typing import Annotated, TypeAlias
from uuid import UUID

import strawberry

from app.rules.enums import DenyCode, TradingState
from graphql_schema.types.administration import GlobalTradingState
from graphql_schema.types.fields import described
from graphql_schema.types.scalars import Instant
from graphql_schema.types.trading import Budget, Hold, Order, OrderEvent, Signal, Strategy

_CODE = "Stable: what a program goes by."
_MESSAGE = "What a person reads."
_IS_REPEATED = "Whether this is the answer of an earlier request: nothing was decided now."
_DECIDED_AT = "When it was decided; the `tsEvent` of the authorization among the order's events."
_STRATEGY_STATE = "What the strategy may do now; it may have been another state when this was decided."


@strawberry.interface(description="Why something was not done.")
class Error:
    """Why something was not done."""

    code: str = described(_CODE)
    message: str = described(_MESSAGE)


@strawberry.type(description="One field of the input is wrong.")
class InvalidInput(Error):
    """One field of the input is wrong."""

    path: list[str] = described("The way to the field, from the mutation's argument on; places in lists count from 0.")


@strawberry.type(description="What the input speaks of does not exist.")
class NotFound(Error):
    """What the input speaks of does not exist."""


@strawberry.type(description="The input contradicts what is stored.")
class Conflict(Error):
    """The input contradicts what is stored."""


@strawberry.type(description="The order may leave; what it takes is held for it.")
class OrderAuthorized:
    """The order may leave."""

    order: Order = described("The order.")
    budget: Budget = described("The budget that it counts against.")
    hold: Hold = described("What is held for it.")
    is_repeated: bool = described(_IS_REPEATED)
    decided_at: Instant = described(_DECIDED_AT)
    strategy_state: TradingState = described(_STRATEGY_STATE)


@strawberry.type(description="The order may not leave. It is kept, with the status `DENIED`.")
class OrderDenied:
    """The order may not leave."""

    order: Order = described("The order.")
    code: DenyCode = described("Why. Select it under an alias beside an `Error`'s `code`, which is a String.")
    reason: str = described("Why, with the numbers.")
    budget: Budget | None = described(
        "The budget that it would count against; null where there is none. Select it under an alias beside "
        "`OrderAuthorized`'s, which is never null."
    )
    is_repeated: bool = described(_IS_REPEATED)
    decided_at: Instant = described(_DECIDED_AT)
    strategy_state: TradingState = described(_STRATEGY_STATE)


@strawberry.type(description="What an order that never left held was let go.")
class OrderReleased:
    """What an order that never left held was let go."""

    order: Order = described("The order.")
    budget: Budget = described("The budget that it counted against.")
    is_repeated: bool = described(_IS_REPEATED)
    decided_at: Instant = described("When it was released.")


@strawberry.type(description="The event in quarantine was resolved, now or so before.")
class QuarantineResolved:
    """The event in quarantine was resolved."""

    event: OrderEvent = described("The event, as it stands.")
    order: Order | None = described("The order that it is about; null while that is not known.")
    is_repeated: bool = described(_IS_REPEATED)
    decided_at: Instant = described("When it was resolved so.")


@strawberry.type(description="The budget as it is set now.")
class BudgetSet:
    """The budget as it is set now."""

    budget: Budget = described("The budget.")


@strawberry.type(description="The budget was taken away. What it is about still counts what is tied up.")
class BudgetDeleted:
    """The budget was taken away."""

    strategy_id: UUID = described("Whose it was.")
    currency: str = described("In which currency.")


@strawberry.type(description="What strategies may do was set.")
class TradingStateSet:
    """What strategies may do was set."""

    strategies: list[Strategy] = described("Those that were named: one, or all.")
    trading_state: GlobalTradingState = described("What all trading may do now.")


@strawberry.type(description="The strategy is known, now or since before.")
class StrategyRegistered:
    """The strategy is known."""

    strategy: Strategy = described("The strategy.")


@strawberry.type(description="The signal is kept, now or since before.")
class SignalRecorded:
    """The signal is kept."""

    signal: Signal = described("The signal.")


@strawberry.type(description="The instruments are known, now or since before.")
class InstrumentsRecorded:
    """The instruments are known."""

    count: int = described("How many were given.")


@strawberry.type(description="An event that could not be taken in at all.")
class RejectedEvent:
    """An event that could not be taken in at all."""

    index: int = described("Its place among the events that were sent, from 0.")
    event_id: str | None = described("Its id, where it has one that can be read.")
    code: str = described(_CODE)
    message: str = described(_MESSAGE)


@strawberry.type(description="What became of the events that were sent.")
class RecordedEvents:
    """What became of the events that were sent."""

    accepted: int = described(
        "How many events were new, and are stored and applied; and how many instruments were taken, those known before "
        "included."
    )
    duplicates: int = described("How many events were recorded before, and changed nothing.")
    quarantined: int = described("How many are stored but not applied: `quarantinedEvents` has them.")
    rejected: list[RejectedEvent] = described("Those that are no events that the ledger keeps.")


AuthorizeOrderResult: TypeAlias = Annotated[
    OrderAuthorized | OrderDenied | InvalidInput | NotFound | Conflict,
    strawberry.union("AuthorizeOrderResult", description="What became of an order that asked to leave."),
]
ReleaseOrderResult: TypeAlias = Annotated[
    OrderReleased | NotFound | Conflict,
    strawberry.union("ReleaseOrderResult", description="What became of an order that is not to leave any more."),
]
ResolveQuarantineResult: TypeAlias = Annotated[
    QuarantineResolved | InvalidInput | NotFound | Conflict,
    strawberry.union("ResolveQuarantineResult", description="What became of resolving an event in quarantine."),
]
SetBudgetResult: TypeAlias = Annotated[
    BudgetSet | InvalidInput | NotFound,
    strawberry.union("SetBudgetResult", description="What became of setting a budget."),
]
DeleteBudgetResult: TypeAlias = Annotated[
    BudgetDeleted | NotFound | Conflict,
    strawberry.union("DeleteBudgetResult", description="What became of taking a budget away."),
]
SetTradingStateResult: TypeAlias = Annotated[
    TradingStateSet | InvalidInput | NotFound,
    strawberry.union("SetTradingStateResult", description="What became of setting what strategies may do."),
]
RecordSignalResult: TypeAlias = Annotated[
    SignalRecorded | InvalidInput | NotFound,
    strawberry.union("RecordSignalResult", description="What became of a signal that was published."),
]
