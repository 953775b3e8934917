"""Holds: what an open order reserves. Pure; run under `localcontext(EXACT)`.

    hold = the notional value of the quantity that would increase exposure, at the order's unit price

An order against an open position reduces it first. Several such orders share the position in the order of `ts_init`:
each claims what those before it leave. So what is held is a function of what is open, not of how it came to be. So is
what is said of the past: fills captured what they added to exposure, the end of the order voided what was left, all at
the order's latest price, whatever the batches in which events came.

An order for an amount of the quote currency holds what is left of the amount, and claims no position: how much of one
it would reduce is not known until it fills.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec import Struct

from app.rules.enums import OrderSide
from app.rules.money import quotient
from app.rules.valuation import Valuation

_ZERO = Decimal(0)
_ONE = Decimal(1)


class OpenOrder(Struct):
    """What of an order decides its hold. `leaves_qty` is 0 once it has ended.

    `is_amount`: it is an amount of the quote currency. `is_unknown`: the order is open, and its quantity is not known.
    """

    client_order_id: str
    side: OrderSide
    leaves_qty: Decimal
    reduce_only: bool
    ts_init: int
    is_amount: bool = False
    is_unknown: bool = False

    @property
    def place(self) -> tuple[int, str]:
        """Whose turn it is to claim a part of a position."""
        return self.ts_init, self.client_order_id


class HoldState(Struct):
    """One order's hold: amount = remaining + captured + voided, always, at the order's latest price.

    `currency` is None while the instrument's settlement currency is not known, `unit_price` while there is no price to
    value the order at. `is_unvalued`: what the open order would add to exposure cannot be valued, so its need is
    unknown; it holds nothing, and nothing new is granted to its strategy.
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
        """Whether it was valued, now or before."""
        return self.currency is not None and self.unit_price is not None

    @property
    def amount(self) -> Decimal:
        """What it holds, what its order's fills captured, and what the order's end let go."""
        return self.remaining + self.captured + self.voided

    def reprice(self, before: Decimal, valuation: Valuation) -> None:
        """State what was captured and voided at the price that it has now; at `before` it was worth what it says."""
        assert self.unit_price is not None  # it has one now
        self._scale(valuation.notional(_ONE, before), valuation.notional(_ONE, self.unit_price))

    def convert(self, before: Valuation, after: Valuation) -> None:
        """State it by another valuation of the instrument, at its last unit price.

        Without a price nothing remains, and what was held before cannot be stated in the other terms: it is dropped.
        """
        if before.terms == after.terms:
            return
        price = self.unit_price if self.unit_price is not None else _ZERO
        self._scale(before.notional(_ONE, price), after.notional(_ONE, price))
        self.currency = after.currency

    def _scale(self, old: Decimal, new: Decimal) -> None:
        parts = (self.remaining, self.captured, self.voided)
        self.remaining, self.captured, self.voided = (quotient(part * new, old) if old else _ZERO for part in parts)


def unit_price_of(price: Decimal | None, trigger_price: Decimal | None, reference: Decimal | None) -> Decimal | None:
    """What one unit is valued at: the limit, else the trigger, else a reference; never below zero."""
    for known in (price, trigger_price, reference):
        if known is not None:
            return abs(known)
    return None


def increasing_quantities(orders: Iterable[OpenOrder], held_qty: Decimal) -> Iterator[tuple[OpenOrder, Decimal]]:
    """What of each order would increase exposure, where all are on one side and `held_qty` is open on the other."""
    for order in sorted(orders, key=lambda order: order.place):
        claimed = _ZERO if order.is_amount else min(order.leaves_qty, held_qty)
        held_qty -= claimed
        yield order, _ZERO if order.reduce_only else order.leaves_qty - claimed


def hold_amount(quantity: Decimal, unit_price: Decimal, valuation: Valuation) -> Decimal:
    """What that quantity reserves, in the settlement currency."""
    return valuation.notional(quantity, unit_price) if quantity else _ZERO


def is_amount(is_quote_quantity: bool, valuation: Valuation | None) -> bool:
    """Whether the quantity is an amount of the quote currency. Contracts of an inverse instrument are units of it."""
    return is_quote_quantity and not (valuation is not None and valuation.is_inverse)


_OPPOSITES = {OrderSide.BUY: OrderSide.SELL, OrderSide.SELL: OrderSide.BUY}


def opposite(side: OrderSide) -> OrderSide:
    """The side that reduces what this one opens; an order of unknown side is not known to reduce anything."""
    return _OPPOSITES.get(side, side)
