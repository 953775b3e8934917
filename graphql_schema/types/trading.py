"""The nodes and their lists. A field's Python name is its name in the catalogue.

A list is declared by a function with its arguments. At the root it reads; below, it only declares the arguments: the
statement of the root field has the whole selection.
"""
# mypy: disable-error-code="no-any-return"
# Strawberry reads the declared type; the executor completes the JSON that `read` returns.

from typing import Annotated, Optional, TypeAlias
from uuid import UUID

import strawberry
from strawberry import UNSET

from app.rules.enums import (
    AuthorizationStatus,
    BudgetOverReason,
    LiquiditySide,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    PositionStatus,
    QuantitySource,
    QuarantineAction,
    QuarantineCode,
    Reconciliation,
    TimeInForce,
    TradingState,
    Valuation,
)
from graphql_schema.caller import Info
from graphql_schema.execution.executor import read
from graphql_schema.schema.inputs import (
    FillFilter,
    FillSort,
    OrderFilter,
    OrderSort,
    PositionFilter,
    StrategyFilter,
)
from graphql_schema.schema.performance_arguments import of_strategy
from graphql_schema.types.fields import After, Before, First, Last, argument, described
from graphql_schema.types.instruments import Instrument
from graphql_schema.types.relay import Connection, Node
from graphql_schema.types.scalars import Amount, Document, Instant
from graphql_schema.types.statistics import Performance

OrdersWanted: TypeAlias = Annotated[OrderFilter | None, argument("Only these.")]
OrdersSorted: TypeAlias = Annotated[list[OrderSort] | None, argument("What to sort by: at most 8 keys, ties by id.")]
FillsWanted: TypeAlias = Annotated[FillFilter | None, argument("Only these.")]
FillsSorted: TypeAlias = Annotated[list[FillSort] | None, argument("What to sort by: at most 8 keys, ties by id.")]
PositionsWanted: TypeAlias = Annotated[PositionFilter | None, argument("Only these.")]
StrategiesWanted: TypeAlias = Annotated[StrategyFilter | None, argument("Only these.")]

_ITS_TERMS = (
    "The instrument's terms, at least assumed since the first fill. Null only where the ledger has lost the instrument."
)


async def list_orders(
    info: Info,
    filter: OrdersWanted = UNSET,
    order_by: OrdersSorted = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection["Order"]:
    """A list of orders."""
    return await read(info)


async def list_fills(
    info: Info,
    filter: FillsWanted = UNSET,
    order_by: FillsSorted = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection["Fill"]:
    """A list of fills."""
    return await read(info)


async def list_positions(
    info: Info,
    filter: PositionsWanted = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection["Position"]:
    """A list of positions."""
    return await read(info)


async def list_signals(
    info: Info, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Connection["Signal"]:
    """A list of signals."""
    return await read(info)


async def _some_fills(
    info: Info, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Connection["Fill"]:
    return await read(info)


async def _some_orders(info: Info, first: First = UNSET, after: After = UNSET) -> Connection["Order"]:
    return await read(info)


async def _events(
    info: Info, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Connection["OrderEvent"]:
    return await read(info)


async def _journal(
    info: Info, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Connection["BudgetJournalEntry"]:
    return await read(info)


@strawberry.type(description="One strategy of one trader.")
class Strategy(Node):
    """One strategy of one trader."""

    strategy_id: UUID = described("Derived from the trader's id and the name: the same everywhere.")
    name: str = described("The engine's id of the strategy.")
    trader_id: str = described("Whose it is.")
    state: TradingState = described("What it may do now: the stricter of `ownState` and of what all trading may do.")
    own_state: TradingState = described("The state that was set for it alone; `tradingState` may allow less.")
    created_at: Instant = described("When it was first seen.")
    budgets: list["Budget"] = described("What it may tie up, by currency, the oldest first.")

    orders: Connection["Order"] = strawberry.field(
        resolver=list_orders, description="Its orders, newest first unless `orderBy` says otherwise."
    )
    fills: Connection["Fill"] = strawberry.field(
        resolver=list_fills, description="Its fills, newest first unless `orderBy` says otherwise."
    )
    positions: Connection["Position"] = strawberry.field(
        resolver=list_positions, description="Its positions, the one opened last first."
    )
    signals: Connection["Signal"] = strawberry.field(resolver=list_signals, description="Its signals, newest first.")
    performance: list[Performance] = strawberry.field(
        resolver=of_strategy,
        description="What it made, by currency. Sums of whole days in UTC are read from kept totals; drawdowns and "
        "points of single fills are computed over all fills of the span.",
    )


@strawberry.type(description="One order as it stands.")
class Order(Node):
    """One order as it stands."""

    client_order_id: str = described("The engine's id, unique within the strategy.")
    venue_order_id: str | None = described("The venue's id, once it gave one.")
    strategy: Strategy = described("Whose it is.")
    strategy_id: UUID = described("Its strategy's id.")
    trader_id: str = described("Its trader.")
    account_id: str | None = described("The account, once it is known.")
    instrument_id: str = described("What is traded, as in `BTCUSDT.BINANCE`.")
    position_id: str | None = described("The position that it belongs to, once it is known.")
    side: OrderSide = described("Bought or sold.")
    order_type: OrderType = described("How it is priced and triggered.", "type")
    time_in_force: TimeInForce = described("How long it stays open.")
    status: OrderStatus = described("Where it stands.")
    quantity: Amount = described(
        "The ordered quantity, in units of the instrument; while `isQuoteQuantity`, an amount of the quote currency. "
        "At least what was filled where no event tells it (`quantitySource`)."
    )
    is_quote_quantity: bool = described(
        "Whether `quantity` and `leavesQty` are amounts of the quote currency: until an event tells the quantity that "
        "the amount bought or sold, or its fills used the amount up."
    )
    quantity_source: QuantitySource = described("How `quantity` is known.")
    filled_qty: Amount = described("The filled quantity, in units of the instrument.")
    filled_notional: Amount = described("The sum of quantity x price over its fills, without the multiplier.")
    leaves_qty: Amount = described(
        "What is left to fill, in the unit of `quantity`: of an amount of the quote currency, what its fills did not "
        "take up yet. 0 where more was filled than ordered, and where the quantity is not known."
    )
    price: Amount | None = described("The limit price.")
    trigger_price: Amount | None = described("The trigger price.")
    avg_px: Amount | None = described("The average price of its fills.")
    reduce_only: bool = described("Whether it may only reduce a position.")
    post_only: bool = described("Whether it may only add liquidity.")
    overfilled: bool = described("Whether more was filled than ordered.")
    overfill_qty: Amount = described(
        "What was filled beyond the ordered quantity; 0 where that is an amount of the quote currency, or not known."
    )
    mismatched: bool = described(
        "Whether a fill names another side or instrument than the order. The fill counts as it says, in positions and "
        "PnL, and in the order's filled quantity."
    )
    exec_spawn_id: str | None = described(
        "The `clientOrderId` of the primary order that an execution algorithm spawned it from. What spawned orders "
        "take off their primary's quantity is never published: there it is INFERRED."
    )
    authorization_status: AuthorizationStatus | None = described(
        "What became of the question whether it may leave; null where nobody asked."
    )
    deny_reason: str | None = described("Why it was denied or rejected.")
    tags: list[str] = described("The strategy's own words about it.")
    instrument: Instrument | None = described(
        "The instrument's terms; null while it was neither recorded nor traded, as far as the key may see."
    )
    valuation: Valuation = described("What its hold rests on; `UNVALUED` where its need is not known.")
    ts_init: Instant = described("When it was made.")
    ts_last: Instant = described("When it changed last.")
    signal: Optional["Signal"] = described("The signal that it acts on, where it names one.")
    hold: Optional["Hold"] = described(
        "The order's hold, including released ones; null while it cannot be valued, and if none was ever computed."
    )

    fills: Connection["Fill"] = strawberry.field(resolver=_some_fills, description="Its fills, newest first.")
    events: Connection["OrderEvent"] = strawberry.field(
        resolver=_events,
        description="Everything that the engine reported about it and that Purser decided about it, newest first.",
    )


@strawberry.type(description="One fill of one order.")
class Fill(Node):
    """One fill of one order."""

    trade_id: str = described("The venue's id of the trade.")
    order: Order = described("The order.")
    client_order_id: str = described("The order's id of the engine.")
    venue_order_id: str | None = described("The order's id of the venue.")
    strategy: Strategy = described("Whose it is.")
    strategy_id: UUID = described("Its strategy's id.")
    account_id: str | None = described("The account.")
    instrument_id: str = described("What was traded.")
    position_id: str | None = described("The position that it moved.")
    side: OrderSide = described("Bought or sold.")
    last_qty: Amount = described("The filled quantity.")
    last_px: Amount = described("The price.")
    currency: str = described(
        "The currency of the price. `FillFilter.currency` and `FillGroup.CURRENCY` mean `settlementCurrency`."
    )
    commission: Amount = described("What it cost; negative for a rebate.")
    commission_currency: str = described("What the commission is in.")
    liquidity_side: LiquiditySide = described("Whether it added or took liquidity.")
    realized_pnl: Amount = described("What it realized, gross of commission, in `settlementCurrency`.")
    settlement_currency: str = described(
        "The currency of `realizedPnl` and `notional`, which `FillFilter.currency` and `FillGroup.CURRENCY` go by."
    )
    notional: Amount = described("The value of the filled quantity at its price, in `settlementCurrency`.")
    instrument: Instrument | None = described(_ITS_TERMS)
    valuation: Valuation = described("What `realizedPnl` and `notional` rest on.")
    event_id: UUID = described("The engine's event.")
    ts_event: Instant = described("When it happened.")


@strawberry.type(description="One position, computed from its fills.")
class Position(Node):
    """One position, computed from its fills."""

    position_id: str = described(
        "The engine's id; a netting account uses it again each time the position reopens. Where one id was used for "
        "two instruments, the position in the second is `ID@INSTRUMENT`."
    )
    strategy: Strategy = described("Whose it is.")
    strategy_id: UUID = described("Its strategy's id.")
    account_id: str | None = described("The account.")
    instrument_id: str = described("What is held.")
    status: PositionStatus = described("Whether it still holds a quantity.")
    entry: OrderSide = described("Which way it was opened.")
    side: PositionSide = described("Which way it stands.")
    signed_qty: Amount = described(
        "The held quantity, negative where it is short; less the commissions in the base currency, where the engine "
        "takes them off the position."
    )
    quantity: Amount = described("The held quantity: `signedQty` without its sign.")
    peak_qty: Amount = described("The largest quantity it ever held.")
    avg_px_open: Amount = described("The average price it was opened at, weighted by quantity, as in NautilusTrader.")
    avg_px_close: Amount | None = described("The average price of what was closed.")
    currency: str = described("The currency of its amounts: the instrument's settlement currency.")
    realized_pnl: Amount = described("What it realized, gross of commissions, which are `totalFees`.")
    total_fees: Amount = described("The commissions paid in `currency`.")
    instrument: Instrument | None = described(_ITS_TERMS)
    valuation: Valuation = described("What its amounts rest on.")
    reconciliation: Reconciliation = described("Whether the engine's own reports of it agree with the ledger.")
    ts_opened: Instant = described("When it was opened.")
    ts_closed: Instant | None = described("When it was closed.")

    fills: Connection[Fill] = strawberry.field(
        resolver=_some_fills, description="Its fills, newest first; one that flips it is also the next one's."
    )


@strawberry.type(description="What one order ties up: placed before it leaves, captured by fills, voided by its end.")
class Hold:
    """What one order ties up."""

    amount: Amount = described("`remaining + captured + voided`, at the order's latest price.")
    remaining: Amount = described("What it ties up now; 0 once it has ended.")
    captured: Amount = described("What its fills added to exposure, at the order's latest price, not at theirs.")
    voided: Amount = described("What the end of the order let go.")
    currency: str = described("What the amounts are in, and whose budget they count against.")
    unit_price: Amount = described("The price of a unit at last; 1 for an amount, 0 where nothing needed a price.")


@strawberry.type(description="What a strategy may tie up in one currency, and what it ties up.")
class Budget(Node):
    """What a strategy may tie up in one currency, and what it ties up."""

    strategy: Strategy = described("Whose it is.")
    strategy_id: UUID = described("Its strategy's id.")
    currency: str = described("What all its amounts are in.")
    allocated: Amount = described("What may be tied up; 0 once the budget was taken away.")
    reserved: Amount = described("What is tied up: `reservedOrders + reservedPositions`.")
    reserved_orders: Amount = described("Σ what open orders hold.")
    reserved_positions: Amount = described("Σ cost of open positions: their notional at the average open price.")
    available: Amount = described("`allocated - reserved`; negative while the budget is over.")
    realized_pnl: Amount = described("What the strategy realized in the currency, gross of commissions.")
    total_fees: Amount = described("The commissions that it paid in the currency.")
    net_pnl: Amount = described("`realizedPnl - totalFees`.")
    over_reason: BudgetOverReason | None = described("What made it tie up more than it allows; null unless it does.")
    valuation: Valuation = described(
        "What its amounts rest on: `RECORDED` where the terms of every instrument behind its fills, positions and "
        "holds are, else `ASSUMED`."
    )
    unvalued_orders: int = described(
        "Open orders of the strategy that tie up an amount that is not known. Meanwhile no order that would increase "
        "exposure is granted; those that only reduce a position are."
    )
    version: int = described("How many changes it has had; the journal has each.")
    updated_at: Instant = described("When it changed last.")

    journal: Connection["BudgetJournalEntry"] = strawberry.field(
        resolver=_journal, description="Every change of it, newest first."
    )


@strawberry.type(description="One change of a budget; never changed itself.")
class BudgetJournalEntry:
    """One change of a budget."""

    version: int = described("Counts the budget's changes, from 1 without a gap.")
    ts: Instant = described("When.")
    reason: str = described(
        "What changed it: `SET` or `DELETED`; an order that was `AUTHORIZED`, `HELD` without being asked about, "
        "`REPRICED`, `FILLED`, `VOIDED`, `RELEASED`; or `REVALUED`, by what others did or by a recorded instrument."
    )
    client_order_id: str | None = described(
        "The order whose hold or fill it is about; null where a cap was set or taken away, and where positions alone "
        "were `REVALUED`."
    )
    allocated_before: Amount = described("What it allowed before.")
    allocated_after: Amount = described("What it allows since; 0 where it was taken away.")
    reserved_before: Amount = described("What was tied up before.")
    reserved_after: Amount = described("What is tied up since.")


@strawberry.type(description="What made a strategy act.")
class Signal(Node):
    """What made a strategy act."""

    signal_id: UUID = described("The publisher's id, or one derived from the content.")
    strategy: Strategy | None = described("Whose it is; null where the engine named no strategy.")
    instrument_id: str | None = described("The instrument that it is about.")
    name: str = described("Its name.")
    value: Document = described("Its value.")
    ts_event: Instant = described("When it was published.")

    orders: Connection[Order] = strawberry.field(
        resolver=_some_orders, description="The orders that act on it, newest first."
    )


@strawberry.type(
    description="What the engine reported, as it came, or what Purser decided about the order (`AuthorizationGranted`, "
    "`AuthorizationDenied`, `AuthorizationReleased`, `QuarantineResolved`); never changed."
)
class OrderEvent(Node):
    """What the engine reported, as it came, or what Purser decided."""

    event_id: UUID = described("The event's id: the engine's, or one of Purser's own.")
    type: str = described("What happened: the engine's name for it, as in `OrderFilled`, or one of Purser's own.")
    client_order_id: str = described("The order that it is about.")
    ts_event: Instant = described("When it happened.")
    applied: bool = described("Whether it changed the order.")
    quarantine_reason: str | None = described(
        "Why it did not, with a code before the colon. It is tried again when its order moves, unless it was dismissed."
    )
    payload: Document = described("The whole event.")
    strategy_id: UUID = described("Its strategy's id.")
    variant: int = described("0 for the first content under its id; others, which are quarantined, count from 1.")
    quarantine_code: QuarantineCode | None = described("Why it is not applied; null where it is.")
    resolution: QuarantineAction | None = described("What an admin decided about it (`resolveQuarantine`).")
    resolution_reason: str | None = described("Why the admin decided so.")
    resolved_by: str | None = described("Who decided, as in the audit log.")
    resolved_at: Instant | None = described("When that was decided.")
