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

from app.errors import InputInvalid, PurserError
from app.ledger.commands import AuthorizeOrder
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
from graphql_schema.schema.mutation_results import (
    authorized,
    budget_of,
    global_state_of,
    order_released,
    quarantine_resolved,
    recorded,
    refused,
    signal_of,
    strategy_of,
)
from graphql_schema.schema.payloads import (
    AuthorizeOrderResult,
    BudgetDeleted,
    BudgetSet,
    Conflict,
    DeleteBudgetResult,
    InstrumentsRecorded,
    InvalidInput,
    NotFound,
    RecordedEvents,
    RecordSignalResult,
    ReleaseOrderResult,
    ResolveQuarantineResult,
    SetBudgetResult,
    SetTradingStateResult,
    SignalRecorded,
    StrategyRegistered,
    TradingStateSet,
)
from graphql_schema.types.enums import TradingScope
from graphql_schema.types.fields import argument
from graphql_schema.types.scalars import Amount, Document


async def _authorize_order(
    info: Info, input: Annotated[AuthorizeOrderInput, argument("The order.")]
) -> AuthorizeOrderResult:
    return await authorize_one(info.context, _command(input))


async def _authorize_orders(
    info: Info, inputs: Annotated[list[AuthorizeOrderInput], argument("The orders, at most 1000.")]
) -> list[AuthorizeOrderResult]:
    return await authorize_all(info.context, [_command(input) for input in inputs])


async def authorize_one(caller: Caller, command: AuthorizeOrder | PurserError) -> Any:
    """The member of `AuthorizeOrderResult` that tells what became of an order."""
    (verdict,) = await authorizations.authorize_orders(*caller, [command])
    return authorized(verdict, "input")


async def authorize_all(caller: Caller, commands: Sequence[AuthorizeOrder | PurserError]) -> list[Any]:
    """One member for each order, in their order."""
    verdicts = await authorizations.authorize_orders(*caller, commands)
    return [authorized(verdict, "inputs", str(place)) for place, verdict in enumerate(verdicts)]


def _command(input: AuthorizeOrderInput) -> AuthorizeOrder | PurserError:
    """What cannot be understood is its own answer, and no other order's."""
    try:
        return input.command()
    except InputInvalid as error:
        return error


async def _release_order(
    info: Info,
    client_order_id: Annotated[str, argument("The engine's id.")],
    strategy: Annotated[StrategyRef, argument("Whose it is.")],
) -> ReleaseOrderResult:
    try:
        strategy_id, released = await authorizations.release_order(*info.context, strategy.reference(), client_order_id)
    except PurserError as error:
        return refused(error, NotFound, Conflict)
    return order_released(strategy_id, client_order_id, released)


async def _record_events(
    info: Info,
    events_: Annotated[
        list[Document],
        argument(
            "Events as NautilusTrader's message bus publishes them, as JSON objects, at most 5000: `type`, "
            "`trader_id`, `strategy_id`, `instrument_id`, `client_order_id`, `event_id`, `ts_event`, `ts_init`, and "
            "what its type has beside, as `Order.events` shows of those recorded. Instants are nanoseconds, as numbers "
            "or as strings of digits, or RFC 3339. Instruments may be among them, as the engine publishes them "
            "(`Instrument.to_dict`): they are recorded first. Send all in a variable of their own: then every number "
            "keeps its digits.",
            "events",
        ),
    ],
) -> RecordedEvents:
    return await record_events(info.context, events_)


async def record_events(caller: Caller, sent: Sequence[object]) -> RecordedEvents:
    """What became of events: values, or bytes of JSON that nobody has looked into yet."""
    return recorded(await events.record_events(*caller, sent))


async def _resolve_quarantine(
    info: Info, input: Annotated[ResolveQuarantineInput, argument("The event, and what to do with it.")]
) -> ResolveQuarantineResult:
    try:
        strategy_id, resolved = await events.resolve_quarantine(
            *info.context, input.strategy.reference(), input.command()
        )
    except PurserError as error:
        return refused(error, InvalidInput, NotFound, Conflict, path=("input",))
    return quarantine_resolved(strategy_id, input.event_id, input.variant, resolved)


async def _record_signal(info: Info, input: Annotated[SignalInput, argument("The signal.")]) -> RecordSignalResult:
    try:
        strategy_id, signal_id = await signals.record_signal(*info.context, input.command())
    except PurserError as error:
        return refused(error, InvalidInput, NotFound, path=("input",))
    return SignalRecorded(signal=signal_of(strategy_id, signal_id))


async def _record_instruments(
    info: Info, inputs: Annotated[list[InstrumentInput], argument("The instruments, at most 1000; all or none.")]
) -> InstrumentsRecorded:
    count = await instruments.record_instruments(*info.context, [input.definition() for input in inputs])
    return InstrumentsRecorded(count=count)


async def _register_strategy(
    info: Info,
    name: Annotated[str, argument("The engine's id of the strategy.")],
    trader_id: Annotated[str, argument("Whose it is.")],
) -> StrategyRegistered:
    return StrategyRegistered(strategy=strategy_of(await strategies.register_strategy(*info.context, name, trader_id)))


async def _set_budget(
    info: Info,
    strategy: Annotated[StrategyRef, argument("Whose.")],
    currency: Annotated[str, argument("In which currency.")],
    allocated: Annotated[Amount, argument("What may be tied up; zero or more.")],
    new_currency: Annotated[
        bool, argument("Whether the currency is one of its own, though it is like one that is known.")
    ] = False,
) -> SetBudgetResult:
    try:
        strategy_id = await budgets.set_budget(
            *info.context, strategy.reference(), currency, allocated, is_new_currency=new_currency
        )
    except PurserError as error:
        return refused(error, InvalidInput, NotFound)
    return BudgetSet(budget=budget_of(strategy_id, currency))


async def _delete_budget(
    info: Info,
    strategy: Annotated[StrategyRef, argument("Whose.")],
    currency: Annotated[str, argument("In which currency.")],
) -> DeleteBudgetResult:
    try:
        strategy_id = await budgets.delete_budget(*info.context, strategy.reference(), currency)
    except PurserError as error:
        return refused(error, NotFound, Conflict)
    return BudgetDeleted(strategy_id=strategy_id, currency=currency)


async def _set_trading_state(
    info: Info,
    *,
    strategy: Annotated[StrategyRef | None, argument("Which one; either this or `scope`.")] = UNSET,
    scope: Annotated[TradingScope | None, argument("`ALL` for all trading; either this or `strategy`.")] = UNSET,
    state: Annotated[TradingState, argument("What it may do from now on.")],
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
    named = [strategy_of(strategy_id) for strategy_id in done.strategy_ids]
    return TradingStateSet(strategies=named, trading_state=global_state_of(done.everywhere))


@strawberry.type(description="Everything that can be done.")
class Mutation:
    """Everything that can be done."""

    authorize_order: AuthorizeOrderResult = strawberry.field(
        resolver=_authorize_order,
        description="May this order leave? If so, what it takes is held for it until it is filled or ends. Asked "
        "again with the same input, the answer is the same: `isRepeated` says so, and `strategyState` what the "
        "strategy may do now. An order that was released, or that the engine has sent, is a `Conflict`. An order for "
        "an amount of the quote currency counts in full, also against an open position: what it would reduce is not "
        "known before it fills.",
    )
    authorize_orders: list[AuthorizeOrderResult] = strawberry.field(
        resolver=_authorize_orders,
        description="May these orders leave? Each is decided on its own, in their order; one answer for each, in "
        "their order.",
    )
    release_order: ReleaseOrderResult = strawberry.field(
        resolver=_release_order,
        description="Give up an order that was authorized and never submitted: what is held for it is let go. Asked "
        "again, the answer is the same: `isRepeated` says so.",
    )
    record_events: RecordedEvents = strawberry.field(
        resolver=_record_events,
        description="Record what an engine did, and instruments as it publishes them. Sent again, the same changes "
        "nothing.",
    )
    resolve_quarantine: ResolveQuarantineResult = strawberry.field(
        resolver=_resolve_quarantine,
        description="Accept an event in quarantine, so that it is applied as if it had come so, or dismiss it, so that "
        "it never is. Takes the role admin; audited. A dismissed event may be accepted later, an accepted one stands: "
        "what its fills do to positions can differ from what the engine reports, and shows in `discrepancies`.",
    )
    record_signal: RecordSignalResult = strawberry.field(
        resolver=_record_signal, description="Record what made a strategy act. Sent again, nothing changes."
    )
    record_instruments: InstrumentsRecorded = strawberry.field(
        resolver=_record_instruments,
        description="Record what instruments are valued by, at any time. Fills, positions, "
        "holds and budgets of an instrument that was assumed until then are valued anew, in the same transaction.",
    )
    register_strategy: StrategyRegistered = strawberry.field(
        resolver=_register_strategy,
        description="Make a strategy known before its first event, so that a budget can be set. Idempotent.",
    )
    set_budget: SetBudgetResult = strawberry.field(
        resolver=_set_budget,
        description="Set what a strategy may tie up in a currency. Below what is tied up already, nothing more is "
        "granted until it is back. A currency that differs from a known one in case or by one letter is refused, with "
        "the one that was probably meant, unless `newCurrency` says that it is new; another case is never new.",
    )
    delete_budget: DeleteBudgetResult = strawberry.field(
        resolver=_delete_budget, description="Take a budget away, while nothing is tied up."
    )
    set_trading_state: SetTradingStateResult = strawberry.field(
        resolver=_set_trading_state,
        description="Set the `ownState` of one strategy or, with `scope: ALL`, the `tradingState` of all of them, "
        "those made later included. The stricter of both decides. `scope: ALL` leaves each `ownState` as it is: once "
        "all trading is `ACTIVE` again, each strategy's own state decides as before.",
    )
