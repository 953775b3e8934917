"""The root of all acts. Each field is a transaction of its own; several in one document run one after the other.

A refusal that the field's union has a member for is an answer. Every other one stands among the errors; the field is
then null, and so is all data, though fields before it took effect.
"""
# mypy: disable-error-code="no-any-return"
# Strawberry reads the declared type; payloads have keys in place of stored objects, which the executor looks up.

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from app.engines import nautilus
from app.errors import InputInvalid, PurserError
from app.ledger.commands import AuthorizeOrder
from app.reads.catalogue.administration import STRATEGY
from app.reads.catalogue.budget import BUDGET_ENTRY
from app.reads.catalogue.order import ORDER, ORDER_EVENT, SIGNAL
from app.resolvers import authorizations, budgets, events, instruments, signals, strategies
from app.rules.enums import TradingState
from graphql_schema.caller import Caller, Info
from graphql_schema.schema.mutation_inputs import (
    AuthorizeOrderInput,
    InstrumentInput,
    ResolveQuarantineInput,
    SignalInput,
    StrategyRef,
)
from graphql_schema.schema.mutation_results import authorized, refused, stored
from graphql_schema.schema.payloads import (
    AuthorizeOrderResult,
    BudgetDeleted,
    BudgetSet,
    Conflict,
    DeleteBudgetResult,
    InstrumentsRecorded,
    InvalidInput,
    NotFound,
    OrderReleased,
    QuarantineResolved,
    RecordedEvents,
    RecordSignalResult,
    RejectedEvent,
    ReleaseOrderResult,
    ResolveQuarantineResult,
    SetBudgetResult,
    SetTradingStateResult,
    SignalRecorded,
    StrategyRegistered,
    TradingStateSet,
)
from graphql_schema.types.administration import GlobalTradingState
from graphql_schema.types.enums import TradingScope
from graphql_schema.types.fields import argument, object_type
from graphql_schema.types.scalars import Amount, Document, written_instant


async def _authorize_order(
    info: Info, input: Annotated[AuthorizeOrderInput, argument("The order.")]
) -> AuthorizeOrderResult:
    return await authorize_one(info.context, input.command())


async def _authorize_orders(
    info: Info, inputs: Annotated[list[AuthorizeOrderInput], argument("The orders, at most 1000.")]
) -> list[AuthorizeOrderResult]:
    return await authorize_all(info.context, [input.command() for input in inputs])


async def authorize_one(caller: Caller, command: AuthorizeOrder | PurserError) -> Any:
    """The member of `AuthorizeOrderResult` that tells what became of an order."""
    (verdict,) = await authorizations.authorize_orders(*caller, [command])
    return authorized(verdict, "input")


async def authorize_all(caller: Caller, commands: Sequence[AuthorizeOrder | PurserError]) -> list[Any]:
    """One member for each order, in their order."""
    verdicts = await authorizations.authorize_orders(*caller, commands)
    return [authorized(verdict, "inputs", str(place)) for place, verdict in enumerate(verdicts)]


async def _release_order(
    info: Info,
    client_order_id: Annotated[str, argument("The engine's order id.")],
    strategy: Annotated[StrategyRef, argument("The strategy.")],
) -> ReleaseOrderResult:
    try:
        strategy_id, released = await authorizations.release_order(*info.context, strategy.reference(), client_order_id)
    except PurserError as error:
        return refused(error, NotFound, Conflict)
    return OrderReleased(
        order=stored(ORDER, strategy_id, client_order_id),
        budget=stored(BUDGET_ENTRY, strategy_id, released.currency),
        is_repeated=released.is_repeated,
        decided_at=written_instant(released.decided_at),
    )


async def _record_events(
    info: Info,
    events_: Annotated[
        list[Document],
        argument(
            "At most 5000 events as NautilusTrader's message bus publishes them, as JSON objects: `type`, "
            "`trader_id`, `strategy_id`, `instrument_id`, `client_order_id`, `event_id`, `ts_event`, "
            "`ts_init` and the fields of the type; `Order.events` shows recorded examples. Instants are "
            "nanoseconds (numbers or strings of digits) or RFC 3339. Instruments (`Instrument.to_dict`) may "
            "be included and are recorded first. Pass the list as one variable: literals in the document "
            "lose digits beyond double precision.",
            "events",
        ),
    ],
) -> RecordedEvents:
    return await record_events(info.context, events_)


async def record_events(caller: Caller, sent: Sequence[object]) -> RecordedEvents:
    """The result of recording events: decoded values, or undecoded JSON bytes."""
    recorded = await events.record_events(*caller, sent, nautilus.read_message)
    return RecordedEvents(
        accepted=recorded.accepted,
        duplicates=recorded.duplicates,
        quarantined=recorded.quarantined,
        rejected=[
            RejectedEvent(index=one.place, event_id=one.event_id, code=one.code, message=one.message)
            for one in recorded.rejected
        ],
    )


async def _resolve_quarantine(
    info: Info, input: Annotated[ResolveQuarantineInput, argument("The event and the action.")]
) -> ResolveQuarantineResult:
    try:
        strategy_id, resolved = await events.resolve_quarantine(
            *info.context, input.strategy.reference(), input.command()
        )
    except PurserError as error:
        return refused(error, InvalidInput, NotFound, Conflict, path=("input",))
    return QuarantineResolved(
        event=stored(ORDER_EVENT, strategy_id, input.event_id, input.variant),
        order=stored(ORDER, strategy_id, resolved.client_order_id),
        is_repeated=resolved.is_repeated,
        decided_at=written_instant(resolved.decided_at),
    )


async def _record_signal(info: Info, input: Annotated[SignalInput, argument("The signal.")]) -> RecordSignalResult:
    try:
        strategy_id, signal_id = await signals.record_signal(*info.context, input.command())
    except PurserError as error:
        return refused(error, InvalidInput, NotFound, path=("input",))
    return SignalRecorded(signal=stored(SIGNAL, strategy_id, signal_id))


async def _record_instruments(
    info: Info,
    inputs: Annotated[list[InstrumentInput], argument("At most 1000 instruments; either all are recorded or none.")],
) -> InstrumentsRecorded:
    count = await instruments.record_instruments(*info.context, [input.definition() for input in inputs])
    return InstrumentsRecorded(count=count)


async def _register_strategy(
    info: Info,
    name: Annotated[str, argument("The engine's id of the strategy.")],
    trader_id: Annotated[str, argument("The trader's id.")],
) -> StrategyRegistered:
    return StrategyRegistered(
        strategy=stored(STRATEGY, await strategies.register_strategy(*info.context, name, trader_id))
    )


async def _set_budget(
    info: Info,
    strategy: Annotated[StrategyRef, argument("The strategy.")],
    currency: Annotated[str, argument("The budget's currency.")],
    allocated: Annotated[Amount, argument("The capital that may be reserved; zero or more.")],
    new_currency: Annotated[
        bool, argument("Whether the currency is new, although its code resembles a known one.")
    ] = False,
) -> SetBudgetResult:
    try:
        strategy_id = await budgets.set_budget(
            *info.context, strategy.reference(), currency, allocated, is_new_currency=new_currency
        )
    except PurserError as error:
        return refused(error, InvalidInput, NotFound)
    return BudgetSet(budget=stored(BUDGET_ENTRY, strategy_id, currency))


async def _delete_budget(
    info: Info,
    strategy: Annotated[StrategyRef, argument("The strategy.")],
    currency: Annotated[str, argument("The budget's currency.")],
) -> DeleteBudgetResult:
    try:
        strategy_id = await budgets.delete_budget(*info.context, strategy.reference(), currency)
    except PurserError as error:
        return refused(error, NotFound, Conflict)
    return BudgetDeleted(strategy_id=strategy_id, currency=currency)


async def _set_trading_state(
    info: Info,
    *,
    strategy: Annotated[StrategyRef | None, argument("The strategy; excludes `scope`.")] = UNSET,
    scope: Annotated[TradingScope | None, argument("`ALL` for all trading; excludes `strategy`.")] = UNSET,
    state: Annotated[TradingState, argument("The new trading state.")],
) -> SetTradingStateResult:
    try:
        if strategy and scope:
            raise InputInvalid("Give either `strategy` or `scope`, not both.", "scope")
        if scope:
            done = await strategies.set_global_trading_state(*info.context, state)
        elif strategy:
            done = await strategies.set_trading_state(*info.context, strategy.reference(), state)
        else:
            # A variable that is null by mistake must not reach every strategy.
            raise InputInvalid("Name a `strategy`, or say `scope: ALL` to mean all trading.", "strategy")
    except PurserError as error:
        return refused(error, InvalidInput, NotFound)
    named = [stored(STRATEGY, strategy_id) for strategy_id in done.strategy_ids]
    everywhere = done.everywhere
    since = None if everywhere.since is None else written_instant(everywhere.since)
    trading_state = GlobalTradingState(state=everywhere.state, since=since, actor=everywhere.actor)
    return TradingStateSet(strategies=named, trading_state=trading_state)


@object_type
class Mutation:
    """The mutations. Each is one transaction; several in one document run in sequence."""

    authorize_order: AuthorizeOrderResult = strawberry.field(
        resolver=_authorize_order,
        description="Authorizes an order before submission. If granted, the capital that it needs is held until the "
        "order fills or closes. A repeated request with the same input gets the first answer "
        "(`isRepeated`) and the current `strategyState`. A request for an order that was released or "
        "already submitted is a `Conflict`. An order whose quantity is an amount of the quote currency "
        "counts in full, even against an open position, because what it would reduce is unknown before "
        "it fills.",
    )
    authorize_orders: list[AuthorizeOrderResult] = strawberry.field(
        resolver=_authorize_orders,
        description="Authorizes orders before submission. Each order is decided on its own, in the order given; one "
        "result for each, in the same order.",
    )
    release_order: ReleaseOrderResult = strawberry.field(
        resolver=_release_order,
        description="Releases the hold of an order that was authorized but never submitted. A repeated request gets "
        "the first answer (`isRepeated`).",
    )
    record_events: RecordedEvents = strawberry.field(
        resolver=_record_events,
        description="Records the events and instruments that an engine publishes. Recording the same event again "
        "changes nothing.",
    )
    resolve_quarantine: ResolveQuarantineResult = strawberry.field(
        resolver=_resolve_quarantine,
        description="Resolves an event in quarantine: accept it, so that it is applied, or dismiss it, so that it "
        "never is. Requires the admin role and is audited. A dismissed event can be accepted later; an "
        "accepted event is final. What its fills do to positions may differ from the engine's reports "
        "and then appears in `discrepancies`.",
    )
    record_signal: RecordSignalResult = strawberry.field(
        resolver=_record_signal, description="Records a signal. Recording the same signal again changes nothing."
    )
    record_instruments: InstrumentsRecorded = strawberry.field(
        resolver=_record_instruments,
        description="Records the contract terms of instruments, at any time. If the terms were assumed until now, "
        "the instrument's fills, positions, holds and budgets are revalued in the same transaction.",
    )
    register_strategy: StrategyRegistered = strawberry.field(
        resolver=_register_strategy,
        description="Registers a strategy before its first event, so that a budget can be set. Idempotent.",
    )
    set_budget: SetBudgetResult = strawberry.field(
        resolver=_set_budget,
        description="Sets the capital that a strategy may reserve in a currency. If less than is already reserved, "
        "no further order is granted until enough is freed. A currency code that differs from a known "
        "one only in case or by one letter is refused with the likely intended code, unless "
        "`newCurrency` is true; a code that differs only in case is always refused.",
    )
    delete_budget: DeleteBudgetResult = strawberry.field(
        resolver=_delete_budget, description="Deletes a budget from which nothing is reserved."
    )
    set_trading_state: SetTradingStateResult = strawberry.field(
        resolver=_set_trading_state,
        description="Sets a strategy's `ownState` or, with `scope: ALL`, the `tradingState` of all strategies, "
        "including future ones. The stricter of the two decides. `scope: ALL` leaves each `ownState` "
        "unchanged.",
    )
