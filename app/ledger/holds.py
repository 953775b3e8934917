"""The fourth step of recording: what open orders and open positions tie up after this batch.

Holds follow from what is open (`rules.holds`), so they are computed anew for every market that moved. The journal tells
it as the story of the orders that moved: one entry for each, its hold and the position it traded together.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter

from app.database import WriteConnection
from app.ledger.arrival import OrderKey
from app.ledger.asking import ask
from app.ledger.budgets import BudgetBook
from app.ledger.exposure import (
    LastFill,
    Market,
    TiedOrder,
    held_in,
    load_holds,
    load_last_fills,
    load_open_orders,
    open_order_of,
)
from app.ledger.orders import OrderChange
from app.ledger.positions import BookedFill, Life, PositionChanges
from app.ledger.rows import HOLD_COLUMNS, hold_row
from app.ledger.valuations import valuations_of
from app.ledger.writing import Insert, Part, Update
from app.models import Hold
from app.rules.enums import JournalReason, OrderSide
from app.rules.holds import HoldState, OpenOrder, hold_amount, increasing_quantities, is_amount, opposite, unit_price_of
from app.rules.money import quotient
from app.rules.valuation import Valuation, assumed

_ZERO = Decimal(0)
_ONE = Decimal(1)
_NO_HOLD = HoldState(None, None)


@dataclass(slots=True)
class HoldChanges:
    """Holds to be written."""

    new: dict[OrderKey, HoldState] = field(default_factory=dict)
    moved: dict[OrderKey, HoldState] = field(default_factory=dict)

    def parts(self) -> list[Part]:
        """What is to be written."""
        return [
            Insert(Hold, HOLD_COLUMNS, [hold_row(key, hold) for key, hold in self.new.items()]),
            Update(Hold, HOLD_COLUMNS, [hold_row(key, hold) for key, hold in self.moved.items()]),
        ]


@dataclass(slots=True)
class _Trades:
    """What the batch's fills did."""

    held: dict[tuple[Market, OrderSide], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Open quantities more than before, by the side that opened them."""
    increasing: dict[OrderKey, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Quantities that opened or increased a position, by order."""
    amounts: dict[OrderKey, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """The same, each at its price: amounts of the quote currency."""
    tied_up: dict[tuple[str, str | None], dict[str, Decimal]] = field(default_factory=dict)
    """What positions tie up more than before, by currency: of the order that traded last in them, where one did."""


async def tie_up(
    work: WriteConnection,
    orders: Sequence[OrderChange],
    positions: PositionChanges,
    book: BudgetBook,
    reason: JournalReason | None = None,
    *,
    valued_before: Mapping[str, Valuation] | None = None,
    prices: Mapping[Market, Decimal] | None = None,
) -> HoldChanges:
    """Move holds and budgets to where the orders and positions are now. Reads what was before; writes nothing.

    `reason` is for the journal, where the orders' own moves do not tell. `valued_before`: how instruments were valued
    that are valued otherwise now; holds are converted. `prices` value orders that no event of their strategy values.
    Run under `localcontext(EXACT)`.
    """
    moved = {change.key: change for change in orders}
    trades = _trades(positions)
    markets = {(change.key[0], change.state.instrument_id) for change in orders} | {market for market, _ in trades.held}
    changes = HoldChanges()
    if not markets:
        return changes
    valuations, held_before = await ask(
        work, valuations_of({instrument_id for _, instrument_id in markets}), held_in(markets)
    )
    valuations |= positions.valuations
    held = {side: held_before.get(side, _ZERO) + trades.held.get(side, _ZERO) for side in held_before | trades.held}
    tied = await _moved_orders(work, orders, changes, positions, prices or {})
    if held:
        for other in await load_open_orders(work, [(market, opposite(side)) for market, side in held]):
            tied.setdefault(other.key, other)
    for order in tied.values():
        order.order.is_amount = is_amount(order.order.is_amount, valuations.get(order.instrument_id))
    for order, quantity in _increasing(tied, held):
        before = copy(order.hold) if order.key not in changes.new else _NO_HOLD
        valuation = valuations.get(order.instrument_id)
        if valued_before is not None and valuation is not None and before.currency is not None:
            order.hold.convert(valued_before.get(order.instrument_id, valuation), valuation)
        change = moved.get(order.key)
        was_amount = change is not None and change.amount is not None and is_amount(True, valuation)
        traded = (trades.amounts if order.order.is_amount or was_amount else trades.increasing).get(order.key, _ZERO)
        reducible = held_before.get((order.market, opposite(order.order.side)), _ZERO)
        _move(order, change, quantity, traded, valuation, reducible)
        if order.key not in changes.new and order.hold != before:
            changes.moved[order.key] = order.hold
        why = reason if change is not None else None
        why = why or _reason(change, order.key in changes.new, order.key in trades.increasing)
        _note(book, order.key, why, before, order.hold, trades.tied_up.pop(order.key, {}))
    for key, amounts in trades.tied_up.items():
        why = reason or (JournalReason.FILLED if key[1] is not None else JournalReason.REVALUED)
        for currency, amount in amounts.items():
            book.tie_up((key[0], currency), why, key[1], positions=amount)
    return changes


def _move(
    order: TiedOrder,
    change: OrderChange | None,
    quantity: Decimal,
    traded: Decimal,
    valuation: Valuation | None,
    reducible: Decimal,
) -> None:
    """Move a hold to what it must be now, or place it as soon as it can be valued.

    Of a hold that is placed now, what came and went within this batch is stated as it was. One that cannot be valued
    any more holds nothing, until it can.
    """
    hold = order.hold
    was_placed, captured_at = hold.is_placed or hold.has_held, hold.unit_price
    amount = change.amount if change is not None and is_amount(True, valuation) else None
    hold.unit_price = _unit_price(order, change, amount)
    if hold.currency is None and valuation is not None:
        hold.currency = valuation.currency
    hold.is_unvalued = order.order.is_unknown or (bool(quantity) and not hold.is_placed)
    if hold.unit_price is None or hold.currency is None:
        hold.move(_ZERO, _ZERO)
        return
    # Authorized in a currency that the request named, before anything was known of the instrument: units, then.
    valuation = valuation or assumed(hold.currency)
    remaining = hold_amount(quantity, hold.unit_price, valuation)
    if was_placed:
        hold.move(remaining, hold_amount(traded, captured_at or _ZERO, valuation))
        return
    given_up = _ZERO
    if amount is not None and not order.order.is_amount:
        whole = hold_amount(amount, _ONE, valuation)
        captured = min(hold_amount(traded, _ONE, valuation), whole)
        is_given_up = change is not None and change.state.is_terminal and not change.state.reduce_only
        hold.place(remaining, captured, whole - captured if is_given_up else _ZERO)
        return
    if change is not None and change.state.is_terminal and not change.state.reduce_only:
        given_up = max(change.state.leaves_qty - reducible, _ZERO)
    hold.place(remaining, *(hold_amount(part, hold.unit_price, valuation) for part in (traded, given_up)))


def _unit_price(order: TiedOrder, change: OrderChange | None, amount: Decimal | None) -> Decimal | None:
    """What one unit of the order's quantity is valued at; one unit of an amount is worth one."""
    if order.order.is_amount:
        return _ONE
    hold = order.hold
    price = unit_price_of(order.price, order.trigger_price, hold.reference_price)
    if price is None and amount is not None and change is not None and change.state.quantity:
        # The engine turned the amount into units: both together tell at which price.
        price = hold.reference_price = quotient(amount, change.state.quantity)
    return price


def _note(
    book: BudgetBook,
    key: OrderKey,
    reason: JournalReason,
    before: HoldState,
    hold: HoldState,
    tied_up: dict[str, Decimal],
) -> None:
    """One entry for an order's hold and the position it traded, where both are in one currency."""
    held: dict[str, Decimal] = {}
    if before.currency is not None:
        held[before.currency] = -before.remaining
    if hold.currency is not None:
        held[hold.currency] = held.get(hold.currency, _ZERO) + hold.remaining
    for currency in dict.fromkeys((*held, *tied_up)):
        orders, positions = held.get(currency, _ZERO), tied_up.get(currency, _ZERO)
        book.tie_up((key[0], currency), reason, key[1], orders=orders, positions=positions)


def _reason(moved: OrderChange | None, is_new: bool, has_traded: bool) -> JournalReason:
    if moved is None:
        return JournalReason.REVALUED
    if has_traded:
        return JournalReason.FILLED
    if is_new:
        return JournalReason.HELD
    return JournalReason.VOIDED if moved.state.is_terminal else JournalReason.REPRICED


def _increasing(
    tied: Mapping[OrderKey, TiedOrder], held: Mapping[tuple[Market, OrderSide], Decimal]
) -> list[tuple[TiedOrder, Decimal]]:
    """Each order with the quantity that it would increase exposure by; in the order given."""
    sides: dict[tuple[Market, OrderSide], list[OpenOrder]] = defaultdict(list)
    for order in tied.values():
        sides[order.market, order.order.side].append(order.order)
    quantities: dict[OrderKey, Decimal] = {}
    for (market, side), orders in sides.items():
        for open_order, quantity in increasing_quantities(orders, held.get((market, opposite(side)), _ZERO)):
            quantities[market[0], open_order.client_order_id] = quantity
    return [(order, quantities[key]) for key, order in tied.items()]


async def _moved_orders(
    work: WriteConnection,
    orders: Sequence[OrderChange],
    changes: HoldChanges,
    positions: PositionChanges,
    last_prices: Mapping[Market, Decimal],
) -> dict[OrderKey, TiedOrder]:
    """The orders of the batch with their holds; those without one get one, but for such as ended without."""
    known = [change.key for change in orders if change.status_before is not None]
    holds = await load_holds(work, known) if known else {}
    tied: dict[OrderKey, TiedOrder] = {}
    for change in orders:
        state, hold = change.state, holds.get(change.key)
        if hold is None:
            if change.status_before is not None and state.is_terminal:
                continue  # denied here, or ended before holds were kept
            hold = changes.new[change.key] = HoldState(None, None)
        leaves = _ZERO if state.is_terminal else state.leaves_qty
        order = open_order_of(state, leaves)
        tied[change.key] = TiedOrder(change.key, state.instrument_id, order, state.price, state.trigger_price, hold)
    await _find_references(work, orders, tied, changes, positions, last_prices)
    return tied


async def _find_references(
    work: WriteConnection,
    orders: Sequence[OrderChange],
    tied: Mapping[OrderKey, TiedOrder],
    changes: HoldChanges,
    positions: PositionChanges,
    last_prices: Mapping[Market, Decimal],
) -> None:
    """Value orders without any price: by the price of their release, what their strategy had traded at when they came,
    or their first fill.

    All follow from the strategy's own events, in whatever batches they come.
    """
    for change in orders:
        reference, order = change.state.reference_price, tied.get(change.key)
        if reference is not None and order is not None and order.hold.reference_price != reference:
            order.hold.reference_price = reference
            if change.key not in changes.new:
                # It is stored even where the order's own price was the same: that one is gone now.
                changes.moved[change.key] = order.hold
    without = [
        (change, order)
        for change in orders
        if (order := tied.get(change.key)) is not None
        and unit_price_of(order.price, order.trigger_price, order.hold.reference_price) is None
    ]
    if not without:
        return
    first_own: dict[OrderKey, Decimal] = {}
    for booked in sorted(positions.fills, key=_seq_of):
        assert booked.event is not None  # new fills have theirs
        first_own.setdefault((booked.strategy_id, booked.event.client_order_id), booked.fill.last_px)
    new = [(change.first_seq, order) for change, order in without if change.first_seq is not None]
    stored = await load_last_fills(work, {order.market for _, order in new}) if new else {}
    traded = _traded(positions, stored)
    for first_seq, order in new:
        fills = traded.get(order.market, [])
        if earlier := bisect_left(fills, first_seq, key=itemgetter(0)):
            order.hold.reference_price = fills[earlier - 1][1].price
    for change, order in without:
        if order.hold.reference_price is None:
            own = first_own.get(order.key, change.state.avg_px)
            order.hold.reference_price = own if own is not None else last_prices.get(order.market)


def _traded(positions: PositionChanges, stored: Mapping[Market, LastFill]) -> dict[Market, list[tuple[int, LastFill]]]:
    """By market, its last fill from each event of its strategy on. Stored fills came before all."""
    traded = {market: [(-1, fill)] for market, fill in stored.items()}
    for booked in sorted(positions.fills, key=_seq_of):
        fills = traded.setdefault((booked.strategy_id, booked.instrument_id), [])
        fill = LastFill(booked.place[0], booked.event_id, booked.fill.last_px)
        fills.append((_seq_of(booked), max(fills[-1][1], fill) if fills else fill))
    return traded


def _seq_of(booked: BookedFill) -> int:
    return booked.place[3]


def _trades(positions: PositionChanges) -> _Trades:
    trades = _Trades()
    last_order: dict[tuple[str, str], str] = {}
    for booked in positions.fills:
        assert booked.event is not None  # new fills have theirs
        key = (booked.strategy_id, booked.event.client_order_id)
        last_order[booked.strategy_id, booked.position_id] = booked.event.client_order_id
        life = positions.lives[booked.strategy_id, booked.position_id, booked.position_n]
        is_increasing = life.state.entry is booked.fill.side
        quantity = booked.fill.last_qty if is_increasing else booked.flip_qty
        trades.increasing[key] += quantity
        trades.amounts[key] += quantity * booked.fill.last_px
    lives: list[tuple[tuple[str, str], Life | None, Life | None]]
    lives = [((place[0], place[1]), life.before, life) for place, life in positions.lives.items()]
    lives += [((place[0], place[1]), life, None) for place, life in positions.removed.items()]
    for place, before, after in lives:
        order = (place[0], last_order.get(place))
        for side, sign in ((before, -1), (after, 1)):
            if side is not None and side.state.signed_qty:
                _add_life(trades, order, side, sign)
    return trades


def _add_life(trades: _Trades, order: tuple[str, str | None], life: Life, sign: int) -> None:
    market = (order[0], life.instrument_id)
    trades.held[market, life.state.entry] += sign * abs(life.state.signed_qty)
    amounts = trades.tied_up.setdefault(order, {})
    currency = life.state.currency
    amounts[currency] = amounts.get(currency, _ZERO) + sign * life.tied_up
