"""The fourth step of recording: what open orders and open positions tie up after this batch.

Holds follow from what is open (`rules.holds`), so they are computed anew for every market that moved. The journal tells
it as the story of the orders that moved: one entry for each, its hold and the position it traded together.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from app.database import WriteConnection
from app.ledger.arrival import OrderKey
from app.ledger.asking import ask
from app.ledger.budgets import BudgetBook
from app.ledger.exposure import (
    Market,
    TiedOrder,
    Valuation,
    held_in,
    load_holds,
    load_last_prices,
    load_open_orders,
    valuations_of,
)
from app.ledger.orders import OrderChange
from app.ledger.positions import Life, PositionChanges
from app.ledger.rows import HOLD_COLUMNS, hold_row
from app.ledger.writing import Insert, Part, Update
from app.models import Hold
from app.rules.enums import JournalReason, OrderSide
from app.rules.holds import HoldState, OpenOrder, hold_amount, increasing_quantities, opposite, unit_price_of

_ZERO = Decimal(0)
_ONE = Decimal(1)


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
    tied_up: dict[OrderKey, dict[tuple[str, str], Decimal]] = field(default_factory=dict)
    """What positions tie up more than before: by the order that traded last in them, by instrument and currency."""

    def settled(self, valuations: Mapping[str, Valuation]) -> dict[OrderKey, dict[str, Decimal]]:
        """The same in the currencies that the instruments settle in, whose budgets the positions count against.

        Fills are in the quote currency, which may be another one.
        """
        settled: dict[OrderKey, dict[str, Decimal]] = {}
        for key, amounts in self.tied_up.items():
            sums = settled.setdefault(key, {})
            for (instrument_id, quoted), amount in amounts.items():
                known = valuations.get(instrument_id)
                currency = known.currency if known is not None else quoted
                sums[currency] = sums.get(currency, _ZERO) + amount
        return settled


async def tie_up(
    work: WriteConnection,
    orders: Sequence[OrderChange],
    positions: PositionChanges,
    book: BudgetBook,
    reason: JournalReason | None = None,
) -> HoldChanges:
    """Move holds and budgets to where the orders and positions are now. Reads what was before; writes nothing.

    `reason` is for the journal, where the orders' own moves do not tell. Run under `localcontext(EXACT)`.
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
    for instrument_id, currency in positions.new_instruments.items():
        valuations.setdefault(instrument_id, Valuation(currency, _ONE))
    tied_up = trades.settled(valuations)
    held = {side: held_before.get(side, _ZERO) + trades.held.get(side, _ZERO) for side in held_before | trades.held}
    tied = await _moved_orders(work, orders, changes)
    if held:
        for other in await load_open_orders(work, [(market, opposite(side)) for market, side in held]):
            tied.setdefault(other.key, other)
    for order, quantity in _increasing(tied, held):
        valuation, traded = valuations.get(order.instrument_id), trades.increasing.get(order.key, _ZERO)
        if order.key in changes.new:
            market = (order.key[0], order.instrument_id)
            reducible = held_before.get((market, opposite(order.order.side)), _ZERO)
            _place(order, moved[order.key], quantity, traded, valuation, reducible)
            change = order.hold.remaining
        else:
            before = order.hold.unit_price, order.hold.currency
            change = _move(order, quantity, traded, valuation)
            if change or before != (order.hold.unit_price, order.hold.currency):
                changes.moved[order.key] = order.hold
        if change and order.hold.currency is not None:
            why = reason or _reason(moved.get(order.key), order.key in changes.new, order.key in trades.increasing)
            _note(book, order.key, why, order.hold.currency, change, tied_up.pop(order.key, {}))
    for key, amounts in tied_up.items():
        for currency, amount in amounts.items():
            book.tie_up((key[0], currency), JournalReason.FILLED, key[1], positions=amount)
    return changes


def _place(
    order: TiedOrder,
    moved: OrderChange,
    quantity: Decimal,
    traded: Decimal,
    valuation: Valuation | None,
    reducible: Decimal,
) -> None:
    """The first hold of an order; what of it came and went within this batch is told as it was."""
    hold, state = order.hold, moved.state
    hold.unit_price = _unit_price(order)
    if valuation is None:
        return
    hold.currency = valuation.currency
    given_up = max(state.leaves_qty - reducible, _ZERO) if state.is_terminal and not state.reduce_only else _ZERO
    hold.place(*(hold_amount(part, hold.unit_price, valuation.multiplier) for part in (quantity, traded, given_up)))


def _move(order: TiedOrder, quantity: Decimal, traded: Decimal, valuation: Valuation | None) -> Decimal:
    """Move a hold to what it must be now; answers by how much."""
    hold = order.hold
    captured_at, hold.unit_price = hold.unit_price, _unit_price(order)
    if hold.currency is None:
        if valuation is None:
            return _ZERO
        hold.currency = valuation.currency
    # Authorized in a currency that the asker named, before anybody described the instrument: units, then.
    multiplier = valuation.multiplier if valuation is not None else _ONE
    remaining = hold_amount(quantity, hold.unit_price, multiplier)
    return hold.move(remaining, hold_amount(traded, captured_at, multiplier))


def _unit_price(order: TiedOrder) -> Decimal:
    return unit_price_of(order.price, order.trigger_price, order.hold.reference_price) or _ZERO


def _note(
    book: BudgetBook, key: OrderKey, reason: JournalReason, currency: str, held: Decimal, tied_up: dict[str, Decimal]
) -> None:
    """One entry for an order's hold and the position it traded, where both are in one currency."""
    positions = tied_up.pop(currency, _ZERO)
    book.tie_up((key[0], currency), reason, key[1], orders=held, positions=positions)
    for other, amount in tied_up.items():
        book.tie_up((key[0], other), reason, key[1], positions=amount)


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
    for key, order in tied.items():
        sides[(key[0], order.instrument_id), order.order.side].append(order.order)
    quantities: dict[OrderKey, Decimal] = {}
    for (market, side), orders in sides.items():
        for open_order, quantity in increasing_quantities(orders, held.get((market, opposite(side)), _ZERO)):
            quantities[market[0], open_order.client_order_id] = quantity
    return [(order, quantities[key]) for key, order in tied.items()]


async def _moved_orders(
    work: WriteConnection, orders: Sequence[OrderChange], changes: HoldChanges
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
            hold = changes.new[change.key] = HoldState(None, _ZERO)
        leaves = _ZERO if state.is_terminal else state.leaves_qty
        order = OpenOrder(state.client_order_id, state.side, leaves, state.reduce_only, state.ts_init)
        tied[change.key] = TiedOrder(change.key, state.instrument_id, order, state.price, state.trigger_price, hold)
    await _find_references(work, orders, tied)
    return tied


async def _find_references(
    work: WriteConnection, orders: Sequence[OrderChange], tied: Mapping[OrderKey, TiedOrder]
) -> None:
    """Value orders without any price: by what they traded at, else by what the instrument last traded at."""
    without: list[TiedOrder] = []
    for change in orders:
        order = tied.get(change.key)
        if order is None or unit_price_of(order.price, order.trigger_price, order.hold.reference_price) is not None:
            continue
        if (traded_at := change.state.avg_px) is not None:
            order.hold.reference_price = traded_at
        else:
            without.append(order)
    if without:
        prices = await load_last_prices(work, {(order.key[0], order.instrument_id) for order in without})
        for order in without:
            order.hold.reference_price = prices.get((order.key[0], order.instrument_id))


def _trades(positions: PositionChanges) -> _Trades:
    trades = _Trades()
    last_order: dict[tuple[str, str], str] = {}
    for booked in positions.fills:
        assert booked.event is not None  # new fills have theirs
        key = (booked.strategy_id, booked.event.client_order_id)
        last_order[booked.strategy_id, booked.position_id] = booked.event.client_order_id
        life = positions.lives[booked.strategy_id, booked.position_id, booked.position_n]
        is_increasing = life.state.entry is booked.fill.side
        trades.increasing[key] += booked.fill.last_qty if is_increasing else booked.flip_qty
    lives: list[tuple[tuple[str, str], Life | None, Life | None]]
    lives = [((place[0], place[1]), life.before, life) for place, life in positions.lives.items()]
    lives += [((strategy_id, position_id), life, None) for strategy_id, position_id, life in positions.removed]
    for place, before, after in lives:
        order = (place[0], last_order[place])
        for state, sign in ((before, -1), (after, 1)):
            if state is not None and state.state.signed_qty:
                _add_life(trades, order, state, sign)
    return trades


def _add_life(trades: _Trades, order: OrderKey, life: Life, sign: int) -> None:
    market = (order[0], life.instrument_id)
    trades.held[market, life.state.entry] += sign * abs(life.state.signed_qty)
    amounts = trades.tied_up.setdefault(order, {})
    quoted = (life.instrument_id, life.state.currency)
    amounts[quoted] = amounts.get(quoted, _ZERO) + sign * life.tied_up
