"""Positions and realized PnL from fills alone, at average cost, in exact decimals.

A position stores its *cost* instead of an average: closing a part releases a proportional part of the cost (rounded at
`money.QUOTIENT_PLACES` if inexact), closing the rest releases all that is left. Therefore no error accumulates: over
the life of a position, realized PnL is exactly the proceeds less the payments.

An inverse position is valued as in the engine: the average open price is the quantity-weighted arithmetic mean, and
the cost is `quantity x multiplier / average` (NautilusTrader, `model/position.pyx`).
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from msgspec import Struct

from app.rules.enums import OrderSide, PositionSide, PositionStatus
from app.rules.money import ROUNDING, quotient, trimmed
from app.rules.valuation import Valuation

_ZERO = Decimal(0)
_ONE = Decimal(1)


class FillPlace(NamedTuple):
    """A fill's place in the order in which fills count; places compare in that order. `seq` is the event's number."""

    ts_event: int
    ts_init: int
    trade_seq: int
    seq: int


_TRADE_SEQ = re.compile(r"(?:.*[^0-9A-Za-z])?([0-9]{1,18})")
_UUID_TAIL = re.compile(r".*[0-9a-fA-F]{4}-[0-9]{12}")


def trade_seq_of(trade_id: str) -> int:
    """The venue's sequence number in a trade id ("BINANCE-1-003" -> 3); 0 if there is none.

    Many fills share one instant, and their order decides the PnL that each realizes. The venue's number gives the
    order.
    """
    match = _TRADE_SEQ.fullmatch(trade_id)
    if match is None or _UUID_TAIL.fullmatch(trade_id):
        return 0
    return int(match[1])


class PositionFill(Struct, frozen=True):
    """The fields of a fill that a position depends on. Quantities are in units of the instrument.

    `currency` is the currency of the price, the engine's quote currency. PnL is in the valuation's currency.
    """

    side: OrderSide
    last_qty: Decimal
    last_px: Decimal
    commission: Decimal
    commission_currency: str
    currency: str
    ts_event: int


class PositionState(Struct):
    """One generation of a position. `signed_qty` is negative for a short; `cost` is not negative unless prices are.

    `currency` is the instrument's settlement currency, in which cost, PnL and fees are stated. `close_value` is the
    sum of quantity x price x multiplier of the closed part. `fills` counts the fills, which bounds the engine's
    rounding.
    """

    n: int
    entry: OrderSide
    currency: str
    ts_opened: int
    signed_qty: Decimal = _ZERO
    peak_qty: Decimal = _ZERO
    cost: Decimal = _ZERO
    close_qty: Decimal = _ZERO
    close_value: Decimal = _ZERO
    avg_px_open: Decimal = _ZERO
    avg_px_close: Decimal | None = None
    realized_pnl: Decimal = _ZERO
    total_fees: Decimal = _ZERO
    ts_closed: int | None = None
    fills: int = 0

    @property
    def status(self) -> PositionStatus:
        """CLOSED while the quantity is 0."""
        return PositionStatus.OPEN if self.signed_qty else PositionStatus.CLOSED

    @property
    def net_pnl(self) -> Decimal:
        """The realized PnL less the fees. Exact under `localcontext(EXACT)`."""
        return self.realized_pnl - self.total_fees

    @property
    def side(self) -> PositionSide:
        """The current side."""
        if not self.signed_qty:
            return PositionSide.FLAT
        return PositionSide.LONG if self.signed_qty > 0 else PositionSide.SHORT


class FillOutcome(NamedTuple):
    """The stored effect of a fill: the generation `position_n` of its position, PnL and notional value."""

    realized_pnl: Decimal = _ZERO
    position_n: int = 0
    flip_qty: Decimal = _ZERO
    settlement_currency: str = ""
    notional: Decimal = _ZERO


@dataclass(slots=True, frozen=True)
class FillEffect:
    """The effect of one fill: the changed position, the position opened by a flip, and the realized PnL.

    `flip_qty` is the part of the fill that opened the new position, before base-currency fees are deducted.
    """

    position: PositionState
    flipped_into: PositionState | None
    realized_pnl: Decimal
    flip_qty: Decimal = _ZERO


def apply_fill(
    position: PositionState | None,
    fill: PositionFill,
    valuation: Valuation,
    n_last: int = 0,
    *,
    deducts_base_fees: bool = False,
) -> FillEffect:
    """Apply a fill to the open position of its (strategy, position_id); changes `position` in place.

    If `position` is None or closed, the fill opens generation `n_last + 1`. `deducts_base_fees`: a commission in the
    base currency reduces the position, as in newer engines. Must run under `localcontext(EXACT)`.
    """
    deducted = fill.commission if deducts_base_fees and is_base_fee(fill, valuation) else _ZERO
    peak = position.peak_qty if position is not None and position.signed_qty else _ZERO
    held, realized = abs(position.signed_qty) if position is not None else _ZERO, _ZERO
    if position is None or not held:
        n = position.n if position is not None else n_last
        position = _open(n + 1, fill, fill.last_qty, fill.commission, valuation)
    elif fill.side is position.entry:
        _increase(position, fill, fill.last_qty, fill.commission, valuation)
    elif fill.last_qty <= held:
        realized = _reduce(position, fill, fill.last_qty, fill.commission, valuation)
    else:
        return _flip(position, fill, held, valuation, is_deducted=bool(deducted))
    _deduct(position, fill, deducted, peak, valuation)
    return FillEffect(position, None, realized)


def _flip(
    position: PositionState, fill: PositionFill, held: Decimal, valuation: Valuation, *, is_deducted: bool
) -> FillEffect:
    fee = closing_fee(fill.commission, held, fill.last_qty)
    realized = _reduce(position, fill, held, fee, valuation)
    flip_qty = fill.last_qty - held
    rest = _open_rest(position.n + 1, fill, flip_qty, fill.commission - fee, valuation, is_deducted=is_deducted)
    return FillEffect(position, rest, realized, flip_qty)


def rest_of(
    n: int, fill: PositionFill, flip_qty: Decimal, valuation: Valuation, *, deducts_base_fees: bool
) -> PositionState:
    """Generation `n` as opened by the fill that flipped the position; equal to `FillEffect.flipped_into`."""
    fee = fill.commission - closing_fee(fill.commission, fill.last_qty - flip_qty, fill.last_qty)
    is_deducted = deducts_base_fees and is_base_fee(fill, valuation)
    return _open_rest(n, fill, flip_qty, fee, valuation, is_deducted=is_deducted)


def is_base_fee(fill: PositionFill, valuation: Valuation) -> bool:
    """Whether the commission was paid in the base currency; if that is unknown, in any currency except the price's.

    Contracts of an inverse instrument are never in the base currency.
    """
    if valuation.is_inverse:
        return False
    if valuation.base_currency is not None:
        return fill.commission_currency == valuation.base_currency
    return fill.commission_currency != fill.currency


def closing_fee(commission: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The part of a flipping fill's commission that closes the old position, in the commission's smallest unit."""
    unit = _ONE.scaleb(min(int(commission.as_tuple().exponent), 0))
    return ROUNDING.divide(commission * part, whole).quantize(unit, ROUND_HALF_EVEN, ROUNDING)


def _open(n: int, fill: PositionFill, qty: Decimal, fee: Decimal, valuation: Valuation) -> PositionState:
    position = PositionState(n=n, entry=fill.side, currency=valuation.currency, ts_opened=fill.ts_event)
    _increase(position, fill, qty, fee, valuation)
    return position


def _open_rest(
    n: int, fill: PositionFill, qty: Decimal, fee: Decimal, valuation: Valuation, *, is_deducted: bool
) -> PositionState:
    rest = _open(n, fill, qty, fee, valuation)
    if is_deducted:
        _deduct(rest, fill, fee, _ZERO, valuation)
    return rest


def _increase(position: PositionState, fill: PositionFill, qty: Decimal, fee: Decimal, valuation: Valuation) -> None:
    before = abs(position.signed_qty)
    position.signed_qty += qty if position.entry is OrderSide.BUY else -qty
    held = abs(position.signed_qty)
    if valuation.is_inverse:
        position.avg_px_open = quotient(position.avg_px_open * before + fill.last_px * qty, held)
        position.cost = valuation.notional(held, position.avg_px_open)
    else:
        position.cost += qty * fill.last_px * valuation.multiplier
        position.avg_px_open = quotient(position.cost, held * valuation.multiplier)
    position.peak_qty = max(position.peak_qty, held)
    position.fills += 1
    _charge(position, fill, fee)


def _reduce(position: PositionState, fill: PositionFill, qty: Decimal, fee: Decimal, valuation: Valuation) -> Decimal:
    held = abs(position.signed_qty)
    value = valuation.notional(qty, fill.last_px)
    gains_by_rise = (position.entry is OrderSide.BUY) is not valuation.is_inverse
    if valuation.is_inverse:
        released = position.cost - valuation.notional(held - qty, position.avg_px_open)
    else:
        released = position.cost if qty == held else quotient(position.cost * qty, held)
    realized = trimmed(value - released if gains_by_rise else released - value)
    position.cost = trimmed(position.cost - released)
    position.signed_qty += -qty if position.entry is OrderSide.BUY else qty
    position.close_qty += qty
    position.close_value += qty * fill.last_px * valuation.multiplier
    position.avg_px_close = quotient(position.close_value, position.close_qty * valuation.multiplier)
    position.realized_pnl = trimmed(position.realized_pnl + realized)
    position.fills += 1
    if qty == held:
        position.signed_qty = _ZERO
        position.cost = _ZERO
        position.ts_closed = fill.ts_event
    _charge(position, fill, fee)
    return realized


def _charge(position: PositionState, fill: PositionFill, fee: Decimal) -> None:
    """Add a fee in the position's currency. Fees in other currencies appear on the fill and in the totals only."""
    if fill.commission_currency == position.currency:
        position.total_fees += fee


def _deduct(position: PositionState, fill: PositionFill, fee: Decimal, peak: Decimal, valuation: Valuation) -> None:
    """Deduct a commission in the base currency from the position, rounded to the size precision like the engine.

    The price and the realized PnL are unchanged. `peak` is the peak quantity before the fill (NautilusTrader 1.231,
    `Position.apply`).
    """
    if not fee:
        return
    unit = _ONE.scaleb(min(int(fill.last_qty.as_tuple().exponent), 0))
    position.signed_qty = (position.signed_qty - fee).quantize(unit, ROUND_HALF_EVEN, ROUNDING)
    held = abs(position.signed_qty)
    position.peak_qty = max(peak, held)
    if not position.signed_qty:
        position.signed_qty, position.cost, position.ts_closed = _ZERO, _ZERO, fill.ts_event
        return
    position.entry = OrderSide.BUY if position.signed_qty > 0 else OrderSide.SELL
    position.cost = trimmed(valuation.notional(held, position.avg_px_open))
    position.ts_closed = None
