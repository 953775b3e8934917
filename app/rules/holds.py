"""Holds: the amounts that open orders reserve. Pure; run under `localcontext(EXACT)`.

    hold = the notional value of the quantity that would increase exposure, at the order's unit price

An order against an open position reduces it first. Several such orders share the position in the order of `ts_init`:
each claims a part of the quantity that earlier ones leave. Therefore holds depend only on the open orders and
positions, not on their history or on the batches of events. Fills capture the exposure that they added, and the end of
the order voids the rest, all at the order's latest price.

An order for an amount of the quote currency holds the rest of the amount and claims no position: the quantity that it
would reduce is unknown until it is filled.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec import Struct

from app.rules.enums import OrderSide
from app.rules.money import quotient
from app.rules.valuation import Valuation

_ZERO = Decimal(0)
_ONE = Decimal(1)


class HoldState(Struct):
    """The hold of one order. Always: amount = remaining + captured + voided, at the order's latest price.

    `currency` is None while the instrument's settlement currency is unknown, `unit_price` while no price values the
    order. `is_unvalued`: the exposure that the open order would add cannot be valued. The hold is then empty, and its
    strategy gets no new grants.
    """

    currency: str | None
    unit_price: Decimal | None
    reference_price: Decimal | None = None
    remaining: Decimal = _ZERO
    captured: Decimal = _ZERO
    voided: Decimal = _ZERO
    is_unvalued: bool = False

    @property
    def is_placed(self) -> bool:
        """Whether the hold was ever valued."""
        return self.currency is not None and self.unit_price is not None

    @property
    def amount(self) -> Decimal:
        """The remaining amount, the amount captured by fills and the amount voided at the order's end."""
        return self.remaining + self.captured + self.voided

    def reprice(self, before: Decimal, valuation: Valuation) -> None:
        """Restates the captured and voided amounts, stated at the price `before`, at the current price."""
        assert self.unit_price is not None  # it has one now
        self._scale(valuation.notional(_ONE, before), valuation.notional(_ONE, self.unit_price))

    def convert(self, before: Valuation, after: Valuation) -> None:
        """Restates the hold by another valuation, at its last unit price; without a price the amounts become 0."""
        if before.terms == after.terms:
            return
        price = self.unit_price if self.unit_price is not None else _ZERO
        self._scale(before.notional(_ONE, price), after.notional(_ONE, price))
        self.currency = after.currency

    def _scale(self, old: Decimal, new: Decimal) -> None:
        parts = (self.remaining, self.captured, self.voided)
        self.remaining, self.captured, self.voided = (quotient(part * new, old) if old else _ZERO for part in parts)


class OrderWithHold(Struct):
    """An order with its hold. `key` is (strategy_id, client_order_id); `leaves_qty` is 0 after the order's end.

    `is_amount`: the quantity is an amount of the quote currency. `is_unknown`: an open order of unknown quantity.
    """

    key: tuple[str, str]
    instrument_id: str
    side: OrderSide
    leaves_qty: Decimal
    reduce_only: bool
    ts_init: int
    price: Decimal | None
    trigger_price: Decimal | None
    hold: HoldState
    is_amount: bool = False
    is_unknown: bool = False

    @property
    def market(self) -> tuple[str, str]:
        """(strategy_id, instrument_id): the market whose exposure the order shares."""
        return self.key[0], self.instrument_id

    @property
    def place(self) -> tuple[int, str]:
        """Sorts orders in the sequence in which they claim parts of a position."""
        return self.ts_init, self.key[1]

    @property
    def unit_price(self) -> Decimal | None:
        """The price of one unit of the order's quantity; 1 for an amount."""
        return _ONE if self.is_amount else unit_price_of(self.price, self.trigger_price, self.hold.reference_price)


def unit_price_of(price: Decimal | None, trigger_price: Decimal | None, reference: Decimal | None) -> Decimal | None:
    """The price that values one unit: the limit, else the trigger, else a reference price; never negative."""
    for known in (price, trigger_price, reference):
        if known is not None:
            return abs(known)
    return None


def increasing_quantities(
    orders: Iterable[OrderWithHold], held_qty: Decimal
) -> Iterator[tuple[OrderWithHold, Decimal]]:
    """By how much each order on one side would increase exposure; `held_qty` is open on the other."""
    for order in sorted(orders, key=lambda order: order.place):
        claimed = _ZERO if order.is_amount else min(order.leaves_qty, held_qty)
        held_qty -= claimed
        yield order, _ZERO if order.reduce_only else order.leaves_qty - claimed


def hold_amount(quantity: Decimal, unit_price: Decimal, valuation: Valuation) -> Decimal:
    """The amount that the quantity reserves, in the settlement currency."""
    return valuation.notional(quantity, unit_price) if quantity else _ZERO


def is_amount(is_quote_quantity: bool, valuation: Valuation | None) -> bool:
    """Whether the quantity is an amount of the quote currency. Contracts of an inverse instrument are units of it."""
    return is_quote_quantity and not (valuation is not None and valuation.is_inverse)


_OPPOSITES = {OrderSide.BUY: OrderSide.SELL, OrderSide.SELL: OrderSide.BUY}


def opposite(side: OrderSide) -> OrderSide:
    """The side that reduces positions opened by this one. NO_ORDER_SIDE reduces nothing."""
    return _OPPOSITES.get(side, side)
