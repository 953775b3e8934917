"""The root of all mutations. A docstring is a field's description.

A domain error that the field's union has a member for is an answer (`payloads.mutation`). Every other one is
among the errors; the field is then null, and so is `data`, although fields before it took effect.
"""
# mypy: disable-error-code="no-any-return"
# Strawberry reads the declared type; payloads have keys in place of stored objects, which the executor looks up.

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from strawberry import UNSET

from app.engines import nautilus
from app.errors import InputInvalid, PurserError
from app.ledger.commands import AuthorizeOrder
from app.reads.catalogue.administration import STRATEGY
from app.reads.catalogue.budget import BUDGET_ENTRY
from app.reads.catalogue.trading import ORDER, ORDER_EVENT, SIGNAL
from app.resolvers import authorizations, budgets, events, strategies
from app.rules.enums import TradingState
from graphql_schema.caller import Caller, Info
from graphql_schema.schema.mutation_inputs import (
    AuthorizeOrderInput,
    InstrumentInput,
    ResolveQuarantineInput,
    SignalInput,
    StrategyRef,
)
from graphql_schema.schema.payloads import (
    AuthorizeOrderResult,
    BudgetDeleted,
    BudgetSet,
    DeleteBudgetResult,
    InstrumentsRecorded,
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
    authorized,
    mutation,
    stored,
)
from graphql_schema.types.administration import GlobalTradingState
from graphql_schema.types.enums import TradingScope
from graphql_schema.types.fields import argument, object_type
from graphql_schema.types.scalars import Amount, Document, written_instant

_Strategy: TypeAlias = Annotated[StrategyRef, argument("The strategy.")]
_Currency: TypeAlias = Annotated[str, argument("The budget's currency.")]


async def authorize_one(caller: Caller, command: AuthorizeOrder | PurserError) -> Any:
    """The member of `AuthorizeOrderResult` that answers for an order."""
    (verdict,) = await authorizations.authorize_orders(*caller, [command])
    return authorized(verdict, "input")


async def authorize_all(caller: Caller, commands: Sequence[AuthorizeOrder | PurserError]) -> list[Any]:
    """One member for each order, in their order."""
    verdicts = await authorizations.authorize_orders(*caller, commands)
    return [authorized(verdict, "inputs", str(place)) for place, verdict in enumerate(verdicts)]


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


@object_type
class Mutation:
    """The mutations. Each is one transaction; several in one document run in sequence."""

    @mutation
    async def authorize_order(
        self, info: Info, input: Annotated[AuthorizeOrderInput, argument("The order.")]
    ) -> AuthorizeOrderResult:
        """Authorizes an order before submission. If granted, the capital that it needs is held until the order fills
        or closes. A repeated request with the same input gets the first answer (`isRepeated`) and the current
        `strategyState`. A request for an order that was released or already submitted is a `Conflict`. An order whose
        quantity is an amount of the quote currency counts in full, even against an open position, because what it
        would reduce is unknown before it fills.
        """
        return await authorize_one(info.context, input.command())

    @mutation
    async def authorize_orders(
        self, info: Info, inputs: Annotated[list[AuthorizeOrderInput], argument("The orders, at most 1000.")]
    ) -> list[AuthorizeOrderResult]:
        """Authorizes orders before submission. Each order is decided on its own, in the order given; one result for
        each, in the same order.
        """
        return await authorize_all(info.context, [input.command() for input in inputs])

    @mutation
    async def release_order(
        self, info: Info, client_order_id: Annotated[str, argument("The engine's order id.")], strategy: _Strategy
    ) -> ReleaseOrderResult:
        """Releases the hold of an order that was authorized but never submitted. A repeated request gets the first
        answer (`isRepeated`).
        """
        strategy_id, released = await authorizations.release_order(*info.context, strategy.reference(), client_order_id)
        return OrderReleased(
            order=stored(ORDER, strategy_id, client_order_id),
            budget=stored(BUDGET_ENTRY, strategy_id, released.currency),
            is_repeated=released.is_repeated,
            decided_at=written_instant(released.decided_at),
        )

    @mutation
    async def record_events(
        self,
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
        """Records the events and instruments that an engine publishes. Recording the same event again changes
        nothing.
        """
        return await record_events(info.context, events_)

    @mutation
    async def resolve_quarantine(
        self, info: Info, input: Annotated[ResolveQuarantineInput, argument("The event and the action.")]
    ) -> ResolveQuarantineResult:
        """Resolves an event in quarantine: accept it, so that it is applied, or dismiss it, so that it never is.
        Requires the admin role and is audited. A dismissed event can be accepted later; an accepted event is final.
        What its fills do to positions may differ from the engine's reports and then appears in `discrepancies`.
        """
        reference = input.strategy.reference()
        strategy_id, resolved = await events.resolve_quarantine(*info.context, reference, input.command())
        return QuarantineResolved(
            event=stored(ORDER_EVENT, strategy_id, input.event_id, input.variant),
            order=stored(ORDER, strategy_id, resolved.client_order_id),
            is_repeated=resolved.is_repeated,
            decided_at=written_instant(resolved.decided_at),
        )

    @mutation
    async def record_signal(
        self, info: Info, input: Annotated[SignalInput, argument("The signal.")]
    ) -> RecordSignalResult:
        """Records a signal. Recording the same signal again changes nothing."""
        strategy_id, signal_id = await events.record_signal(*info.context, input.command())
        return SignalRecorded(signal=stored(SIGNAL, strategy_id, signal_id))

    @mutation
    async def record_instruments(
        self,
        info: Info,
        inputs: Annotated[
            list[InstrumentInput], argument("At most 1000 instruments; either all are recorded or none.")
        ],
    ) -> InstrumentsRecorded:
        """Records the contract terms of instruments, at any time. If the terms were assumed until now, the
        instrument's fills, positions, holds and budgets are revalued in the same transaction.
        """
        count = await events.record_instruments(*info.context, [input.definition() for input in inputs])
        return InstrumentsRecorded(count=count)

    @mutation
    async def register_strategy(
        self,
        info: Info,
        name: Annotated[str, argument("The engine's id of the strategy.")],
        trader_id: Annotated[str, argument("The trader's id.")],
    ) -> StrategyRegistered:
        """Registers a strategy before its first event, so that a budget can be set. Idempotent."""
        strategy_id = await strategies.register_strategy(*info.context, name, trader_id)
        return StrategyRegistered(strategy=stored(STRATEGY, strategy_id))

    @mutation
    async def set_budget(
        self,
        info: Info,
        strategy: _Strategy,
        currency: _Currency,
        allocated: Annotated[Amount, argument("The capital that may be reserved; zero or more.")],
        new_currency: Annotated[
            bool, argument("Whether the currency is new, although its code resembles a known one.")
        ] = False,
    ) -> SetBudgetResult:
        """Sets the capital that a strategy may reserve in a currency. If less than is already reserved, no further
        order is granted until enough is freed. A currency code that differs from a known one only in case or by one
        letter is refused with the likely intended code, unless `newCurrency` is true; a code that differs only in
        case is always refused.
        """
        strategy_id = await budgets.set_budget(
            *info.context, strategy.reference(), currency, allocated, is_new_currency=new_currency
        )
        return BudgetSet(budget=stored(BUDGET_ENTRY, strategy_id, currency))

    @mutation
    async def delete_budget(self, info: Info, strategy: _Strategy, currency: _Currency) -> DeleteBudgetResult:
        """Deletes a budget from which nothing is reserved."""
        strategy_id = await budgets.delete_budget(*info.context, strategy.reference(), currency)
        return BudgetDeleted(strategy_id=strategy_id, currency=currency)

    @mutation
    async def set_trading_state(
        self,
        info: Info,
        *,
        strategy: Annotated[StrategyRef | None, argument("The strategy; excludes `scope`.")] = UNSET,
        scope: Annotated[TradingScope | None, argument("`ALL` for all trading; excludes `strategy`.")] = UNSET,
        state: Annotated[TradingState, argument("The new trading state.")],
    ) -> SetTradingStateResult:
        """Sets a strategy's `ownState` or, with `scope: ALL`, the `tradingState` of all strategies, including future
        ones. The stricter of the two decides. `scope: ALL` leaves each `ownState` unchanged.
        """
        if strategy and scope:
            raise InputInvalid("Give either `strategy` or `scope`, not both.", "scope")
        if scope:
            done = await strategies.set_global_trading_state(*info.context, state)
        elif strategy:
            done = await strategies.set_trading_state(*info.context, strategy.reference(), state)
        else:
            # A variable that is null by mistake must not reach every strategy.
            raise InputInvalid("Name a `strategy`, or say `scope: ALL` to mean all trading.", "strategy")
        named = [stored(STRATEGY, strategy_id) for strategy_id in done.strategy_ids]
        everywhere = done.everywhere
        since = None if everywhere.since is None else written_instant(everywhere.since)
        trading_state = GlobalTradingState(state=everywhere.state, since=since, actor=everywhere.actor)
        return TradingStateSet(strategies=named, trading_state=trading_state)
