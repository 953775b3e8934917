"""The fourth step of recording: updates the amounts that open orders and positions reserve.

Holds follow from the open orders and positions (`rules.holds`), so they are recomputed for every market that changed.
The journal gets one entry for each changed order, for its hold and the position that it traded.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal

from app.database import WriteConnection
from app.ledger.batch import OrderKey, PositionChanges
from app.ledger.folding.orders import OrderChange
from app.ledger.folding.positions import valuations_of
from app.ledger.holds import exposure
from app.ledger.holds.budgets import BudgetBook
from app.ledger.storage.queries import fetch_all_at_once
from app.ledger.storage.rows import HOLDS
from app.ledger.storage.writing import Insert, TableWrite, Update
from app.models.orders import Hold
from app.rules.enums import JournalReason, QuantitySource
from app.rules.holds import HoldState, OrderWithHold, hold_amount, increasing_quantities, is_amount, opposite
from app.rules.order_state import TERMINAL, OrderState
from app.rules.valuation import Valuation, assumed

_ZERO = Decimal(0)
_ONE = Decimal(1)
_NO_HOLD = HoldState(None, None)


@dataclass(slots=True)
class HoldChanges:
    """Holds to write."""

    new: dict[OrderKey, HoldState] = field(default_factory=dict)
    moved: dict[OrderKey, HoldState] = field(default_factory=dict)

    def writes(self) -> list[TableWrite]:
        """The rows of new and changed holds."""
        return [
            Insert(Hold, HOLDS.columns, [*self.new.items()], HOLDS.row_of),
            Update(Hold, HOLDS.columns, [*self.moved.items()], HOLDS.row_of),
        ]


async def reserve(
    work: WriteConnection,
    orders: Sequence[OrderChange],
    positions: PositionChanges,
    book: BudgetBook,
    reason: JournalReason | None = None,
    *,
    valued_before: Mapping[str, Valuation] | None = None,
    prices: Mapping[exposure.Market, Decimal] | None = None,
) -> HoldChanges:
    """Update holds and budgets to the current orders and positions. Reads the state before; writes nothing.

    `reason` overrides the journal's reasons. `valued_before` has the earlier valuations of revalued instruments, whose
    holds are converted. `prices` value orders that no event of their strategy values. Run under `localcontext(EXACT)`.
    """
    moved = {change.key: change for change in orders}
    trades = exposure.trades_of(positions)
    markets = {market for market, _ in trades.open_qty}
    markets |= {(change.key[0], change.state.instrument_id) for change in orders}
    markets |= {(change.key[0], change.before.instrument_id) for change in orders if change.before is not None}
    changes = HoldChanges()
    if not markets:
        return changes
    valuations, open_before = await fetch_all_at_once(
        work, valuations_of({instrument_id for _, instrument_id in markets}), exposure.open_quantities(markets)
    )
    valuations |= positions.valuations
    sides = open_before | trades.open_qty
    open_qty = {side: open_before.get(side, _ZERO) + trades.open_qty.get(side, _ZERO) for side in sides}
    with_holds = await _moved_orders(work, orders, changes, positions, valuations, prices or {})
    if open_qty:
        for other in await exposure.load_open_orders(work, [(market, opposite(side)) for market, side in open_qty]):
            with_holds.setdefault(other.key, other)
    stored = {key: copy(order.hold) if key not in changes.new else _NO_HOLD for key, order in with_holds.items()}
    for order in with_holds.values():
        _value_by(order, valuations.get(order.instrument_id), valued_before)
    given_up = exposure.given_up_of(orders, with_holds, open_qty, positions)
    for order, quantity in _increasing(with_holds, open_qty):
        before, change = stored[order.key], moved.get(order.key)
        _move(order, change, quantity, trades, given_up.get(order.key, _ZERO), valuations.get(order.instrument_id))
        if order.key not in changes.new and order.hold != before:
            changes.moved[order.key] = order.hold
        why = reason if change is not None else None
        why = why or _reason(change, order.key in changes.new, order.key in trades.increasing)
        _note(book, order.key, why, before, order.hold, trades.reserved.pop(order.key, {}))
    for key, amounts in trades.reserved.items():
        why = reason or (JournalReason.FILLED if key[1] is not None else JournalReason.REVALUED)
        for currency, amount in amounts.items():
            book.reserve((key[0], currency), why, key[1], positions=amount)
    return changes


def value_ended(key: OrderKey, state: OrderState, hold: HoldState, valuation: Valuation) -> None:
    """Void the hold of an order that ended before its instrument was known: no position could be open in it."""
    order = exposure.order_with_hold(key, state, hold)
    _value_by(order, valuation, None)
    hold.unit_price = order.unit_price
    if hold.unit_price is not None and not state.reduce_only:
        hold.voided = hold_amount(state.leaves_qty, hold.unit_price, valuation)


def _value_by(order: OrderWithHold, valuation: Valuation | None, valued_before: Mapping[str, Valuation] | None) -> None:
    """Restate the order's quantity and hold by the current valuation of its instrument."""
    hold, was_for_amount = order.hold, order.is_amount
    order.is_amount = is_amount(was_for_amount, valuation)
    if valuation is None:
        return
    if hold.currency is None:
        hold.currency = valuation.currency
        return
    before = (valued_before or {}).get(order.instrument_id)
    if before is None or before.currency != hold.currency:
        # The request named the currency, because the instrument was unknown.
        before = assumed(hold.currency) if hold.currency != valuation.currency else valuation
    if was_for_amount and not order.is_amount:
        hold.unit_price = None  # what was worth one is no unit of an inverse instrument
    hold.convert(before, valuation)


def _move(
    order: OrderWithHold,
    change: OrderChange | None,
    quantity: Decimal,
    trades: exposure.Trades,
    given_up: Decimal,
    valuation: Valuation | None,
) -> None:
    """Update the hold of an order that would add `quantity` to exposure. A hold that cannot be valued is empty.

    `given_up` is the quantity that the order would still have added when it ended.
    """
    hold, price_before = order.hold, order.hold.unit_price
    hold.unit_price = order.unit_price
    hold.is_unvalued = order.is_unknown or (bool(quantity) and not hold.is_placed)
    if hold.unit_price is None or hold.currency is None:
        hold.remaining = _ZERO
        return
    # The request named the currency, because the instrument was unknown: the quantity is in units then.
    valuation = valuation or assumed(hold.currency)
    was_for_amount = change is not None and change.amount is not None and is_amount(True, valuation)
    has_units = not (was_for_amount or order.is_amount)
    if price_before is not None and price_before != hold.unit_price and has_units:
        hold.reprice(price_before, valuation)
    is_spent = was_for_amount and change is not None and change.state.quantity_source is QuantitySource.INFERRED
    if order.is_amount or is_spent:
        captured = hold_amount(trades.amounts.get(order.key, _ZERO), _ONE, valuation)
    else:
        captured = hold_amount(trades.increasing.get(order.key, _ZERO), hold.unit_price, valuation)
    hold.remaining = hold_amount(quantity, hold.unit_price, valuation)
    hold.captured += captured
    if change is None:
        return
    if change.state.reduce_only or not change.state.is_terminal:
        hold.voided = _ZERO
    elif order.is_amount:
        # An amount claims no position; the order may have been complete: its unfilled amount was given up.
        hold.voided = hold_amount(change.state.leaves_qty, _ONE, valuation)
    elif (before := change.before) is not None and before.status in TERMINAL and price_before is not None:
        # An ended order may still be amended: it gave up the rest of its latest quantity.
        amended = valuation.notional(change.state.quantity - before.quantity, hold.unit_price)
        hold.voided = max(hold.voided - captured + amended, _ZERO)
    else:
        hold.voided = hold_amount(given_up, hold.unit_price, valuation)


def _note(
    book: BudgetBook,
    key: OrderKey,
    reason: JournalReason,
    before: HoldState,
    hold: HoldState,
    reserved: dict[str, Decimal],
) -> None:
    """Journal an order's hold together with the position it traded, if both have one currency."""
    if not reserved and before.remaining == hold.remaining and before.currency == hold.currency:
        return
    open_qty: dict[str, Decimal] = {}
    if before.currency is not None:
        open_qty[before.currency] = -before.remaining
    if hold.currency is not None:
        open_qty[hold.currency] = open_qty.get(hold.currency, _ZERO) + hold.remaining
    for currency in dict.fromkeys((*open_qty, *reserved)):
        orders, positions = open_qty.get(currency, _ZERO), reserved.get(currency, _ZERO)
        book.reserve((key[0], currency), reason, key[1], orders=orders, positions=positions)


def _reason(moved: OrderChange | None, is_new: bool, has_traded: bool) -> JournalReason:
    if moved is None:
        return JournalReason.REVALUED
    if has_traded:
        return JournalReason.FILLED
    if is_new:
        return JournalReason.HELD
    return JournalReason.VOIDED if moved.state.is_terminal else JournalReason.REPRICED


def _increasing(
    with_holds: Mapping[OrderKey, OrderWithHold], open_qty: Mapping[exposure.Side, Decimal]
) -> list[tuple[OrderWithHold, Decimal]]:
    """Each order with the quantity by which it would increase exposure, in the given order."""
    sides: dict[exposure.Side, list[OrderWithHold]] = defaultdict(list)
    for order in with_holds.values():
        sides[order.market, order.side].append(order)
    quantities = {
        order.key: quantity
        for side, orders in sides.items()
        for order, quantity in increasing_quantities(orders, exposure.reducible_in(open_qty, side))
    }
    return [(order, quantities[key]) for key, order in with_holds.items()]


async def _moved_orders(
    work: WriteConnection,
    orders: Sequence[OrderChange],
    changes: HoldChanges,
    positions: PositionChanges,
    valuations: Mapping[str, Valuation],
    last_prices: Mapping[exposure.Market, Decimal],
) -> dict[OrderKey, OrderWithHold]:
    """The orders of the batch with their holds. Orders without a hold get one, except those that ended without."""
    known = [change.key for change in orders if change.before is not None]
    holds = await exposure.load_holds(work, known) if known else {}
    with_holds: dict[OrderKey, OrderWithHold] = {}
    for change in orders:
        state, hold = change.state, holds.get(change.key)
        if hold is None:
            if change.before is not None and state.is_terminal:
                continue  # denied here, or ended before holds were kept
            hold = changes.new[change.key] = HoldState(None, None)
        order = exposure.order_with_hold(change.key, state, hold)
        if (
            exposure.refer_to_own_events(order, state, valuations.get(order.instrument_id))
            and change.key not in changes.new
        ):
            changes.moved[change.key] = hold
        with_holds[change.key] = order
    await exposure.find_references(work, orders, with_holds, positions, last_prices)
    return with_holds
