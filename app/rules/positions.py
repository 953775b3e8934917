"""Positions and realized PnL from fills alone, at average cost, in exact decimals.

A position keeps the *cost* of what it holds rather than an average: closing a part takes a proportional part of the
cost (rounded at `money.QUOTIENT_PLACES` where it does not come out even), closing the rest takes all that is left. So
nothing drifts: over the life of a position, realized PnL is exactly what came in less what went out.

An inverse position is valued as the engine values it: the average open price is the quantity-weighted arithmetic mean,
and the cost is `quantity x multiplier / average` (NautilusTrader, `model/position.pyx`).
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from msgspec import Struct

from app.rules.enums import OrderSide, PositionSide, PositionStatus
from app.rules.money import EXACT, quotient, trimmed
from app.rules.valuation import Valuation

_ZERO = Decimal(0)
_ONE = Decimal(1)


class FillPlace(NamedTuple):
    """A fill's place in the order in which fills count; compares as that order. `seq` is the event's number."""

    ts_event: int
    ts_init: int
    trade_seq: int
    seq: int


_TRADE_SEQ = re.compile(r"(?:.*[^0-9A-Za-z])?([0-9]{1,18})")
_UUID_TAIL = re.compile(r".*[0-9a-fA-F]{4}-[0-9]{12}")


def trade_seq_of(trade_id: str) -> int:
    """The venue's running number in a trade id ("BINANCE-1-003" -> 3); 0 where it has none.

    Many fills share one instant, and which came first decides what each realized: the venue's count knows.
    """
    match = _TRADE_SEQ.fullmatch(trade_id)
    if match is None or _UUID_TAIL.fullmatch(trade_id):
        return 0
    return int(match[1])


class PositionFill(Struct, frozen=True):
    """What a position needs to know of a fill. Quantities in units of the instrument.

    `currency` is what the price is in: the engine's quote currency. PnL is in the valuation's.
    """

    side: OrderSide
    last_qty: Decimal
    last_px: Decimal
    commission: Decimal
    commission_currency: str
    currency: str
    ts_event: int


class PositionState(Struct):
    """One generation of a position. `signed_qty` is negative for a short; `cost` is not negative if prices are not.

    `currency` is what cost, PnL and fees are in: the instrument's settlement currency. `close_value` is the sum of
    quantity x price x multiplier of what was closed. `fills` counts the fills, which bounds the engine's rounding.
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
        """CLOSED once flat."""
        return PositionStatus.OPEN if self.signed_qty else PositionStatus.CLOSED

    @property
    def net_pnl(self) -> Decimal:
        """What the position made, its fees paid. Exact under `localcontext(EXACT)`."""
        return self.realized_pnl - self.total_fees

    @property
    def side(self) -> PositionSide:
        """Which way it stands now."""
        if not self.signed_qty:
            return PositionSide.FLAT
        return PositionSide.LONG if self.signed_qty > 0 else PositionSide.SHORT


class FillOutcome(NamedTuple):
    """What a fill did, as its row keeps it: the generation `position_n` of its position, PnL and worth."""

    realized_pnl: Decimal = _ZERO
    position_n: int = 0
    flip_qty: Decimal = _ZERO
    settlement_currency: str = ""
    notional: Decimal = _ZERO


@dataclass(slots=True, frozen=True)
class FillEffect:
    """What one fill did: the position it was applied to, the one it opened by flipping, and what it realized.

    `flip_qty` is what the flip left of the fill, before any fee is taken off the position that it opened.
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

    `position` None, or closed, opens generation `n_last + 1`. `deducts_base_fees`: a commission in the base currency
    reduces the position itself, as in newer engines. Must run under `localcontext(EXACT)`.
    """
    deducted = fill.commission if deducts_base_fees and is_base_fee(fill, valuation) else _ZERO
    peak = position.peak_qty if position is not None and position.signed_qty else _ZERO
    if position is None or not position.signed_qty:
        n = position.n if position is not None else n_last
        opened = _open(n + 1, fill, fill.last_qty, fill.commission, valuation)
        _deduct(opened, fill, deducted, peak, valuation)
        return FillEffect(opened, None, _ZERO)
    if fill.side is position.entry:
        _increase(position, fill, fill.last_qty, fill.commission, valuation)
        _deduct(position, fill, deducted, peak, valuation)
        return FillEffect(position, None, _ZERO)
    held = abs(position.signed_qty)
    if fill.last_qty <= held:
        realized = _reduce(position, fill, fill.last_qty, fill.commission, valuation)
        _deduct(position, fill, deducted, peak, valuation)
        return FillEffect(position, None, realized)
    fee = closing_fee(fill.commission, held, fill.last_qty)
    realized = _reduce(position, fill, held, fee, valuation)
    flip_qty = fill.last_qty - held
    rest = _open_rest(position.n + 1, fill, flip_qty, fill.commission - fee, valuation, is_deducted=bool(deducted))
    return FillEffect(position, rest, realized, flip_qty)


def rest_of(
    n: int, fill: PositionFill, flip_qty: Decimal, valuation: Valuation, *, deducts_base_fees: bool
) -> PositionState:
    """Generation `n` as the fill that flipped the position opened it; equal to `FillEffect.flipped_into`."""
    fee = fill.commission - closing_fee(fill.commission, fill.last_qty - flip_qty, fill.last_qty)
    is_deducted = deducts_base_fees and is_base_fee(fill, valuation)
    return _open_rest(n, fill, flip_qty, fee, valuation, is_deducted=is_deducted)


def is_base_fee(fill: PositionFill, valuation: Valuation) -> bool:
    """Whether the commission was paid in what was traded; any currency but the price's, where the base is not known.

    Contracts are traded in units of their own, so never in the base currency of an inverse instrument.
    """
    if valuation.is_inverse:
        return False
    if valuation.base_currency is not None:
        return fill.commission_currency == valuation.base_currency
    return fill.commission_currency != fill.currency


def closing_fee(commission: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The share of a flipping fill's commission that closes the old position, in the commission's smallest unit."""
    unit = _ONE.scaleb(min(int(commission.as_tuple().exponent), 0))
    context = EXACT.copy()
    context.clear_traps()
    return context.divide(context.multiply(commission, part), whole).quantize(unit, ROUND_HALF_EVEN, context)


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
    """A position's fees are in its own currency; a commission in another one shows on the fill and in the totals."""
    if fill.commission_currency == position.currency:
        position.total_fees += fee


def _deduct(position: PositionState, fill: PositionFill, fee: Decimal, peak: Decimal, valuation: Valuation) -> None:
    """Take a commission in the base currency off the position, rounded to the size precision as the engine rounds.

    Its price, and what it realized, stay; `peak` is the peak before the fill (NautilusTrader 1.231, `Position.apply`).
    """
    if not fee:
        return
    unit = _ONE.scaleb(min(int(fill.last_qty.as_tuple().exponent), 0))
    rounded = EXACT.copy()
    rounded.clear_traps()
    position.signed_qty = (position.signed_qty - fee).quantize(unit, ROUND_HALF_EVEN, rounded)
    held = abs(position.signed_qty)
    position.peak_qty = max(peak, held)
    if not position.signed_qty:
        position.signed_qty, position.cost, position.ts_closed = _ZERO, _ZERO, fill.ts_event
        return
    position.entry = OrderSide.BUY if position.signed_qty > 0 else OrderSide.SELL
    position.cost = trimmed(valuation.notional(held, position.avg_px_open))
    position.ts_closed = None
