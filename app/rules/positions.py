"""Positions and realized PnL from fills alone, at average cost, in exact decimals.

A position keeps the *cost* of what it holds rather than an average: closing a part takes a proportional part of the
cost (rounded at `money.QUOTIENT_PLACES` where it does not come out even), closing the rest takes all that is left. So
nothing drifts: over the life of a position, realized PnL is exactly what came in less what went out.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from msgspec import Struct

from app.rules.enums import OrderSide, PositionSide, PositionStatus
from app.rules.money import EXACT, quotient, trimmed

_ZERO = Decimal(0)
_ONE = Decimal(1)

FillPlace = tuple[int, int, int, int]
"""(ts_event, ts_init, trade_seq, arrival): the order in which fills count."""

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
    """What a position needs to know of a fill. Amounts in units of the instrument and of `currency`."""

    side: OrderSide
    last_qty: Decimal
    last_px: Decimal
    commission: Decimal
    commission_currency: str
    currency: str
    ts_event: int


class PositionState(Struct):
    """One life of a position. `signed_qty` is negative for a short; `cost` is never negative for a positive price."""

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


@dataclass(slots=True, frozen=True)
class FillEffect:
    """What one fill did: the position it was applied to, the one it opened by flipping, and what it realized."""

    position: PositionState
    flipped_into: PositionState | None
    realized_pnl: Decimal


def apply_fill(position: PositionState | None, fill: PositionFill, multiplier: Decimal, n_last: int = 0) -> FillEffect:
    """Apply a fill to the open position of its (strategy, position_id); changes `position` in place.

    `position` None, or closed, opens life `n_last + 1`. Must run under `localcontext(EXACT)`.
    """
    if position is None or not position.signed_qty:
        n = position.n if position is not None else n_last
        opened = _open(n + 1, fill, fill.last_qty, fill.commission, multiplier)
        return FillEffect(opened, None, _ZERO)
    if fill.side is position.entry:
        _increase(position, fill, fill.last_qty, fill.commission, multiplier)
        return FillEffect(position, None, _ZERO)
    held = abs(position.signed_qty)
    if fill.last_qty <= held:
        return FillEffect(position, None, _reduce(position, fill, fill.last_qty, fill.commission, multiplier))
    fee = closing_fee(fill.commission, held, fill.last_qty)
    realized = _reduce(position, fill, held, fee, multiplier)
    rest = _open(position.n + 1, fill, fill.last_qty - held, fill.commission - fee, multiplier)
    return FillEffect(position, rest, realized)


def closing_fee(commission: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The share of a flipping fill's commission that closes the old position, in the commission's smallest unit."""
    unit = _ONE.scaleb(min(int(commission.as_tuple().exponent), 0))
    context = EXACT.copy()
    context.clear_traps()
    return context.divide(context.multiply(commission, part), whole).quantize(unit, ROUND_HALF_EVEN, context)


def _open(n: int, fill: PositionFill, qty: Decimal, fee: Decimal, multiplier: Decimal) -> PositionState:
    position = PositionState(n=n, entry=fill.side, currency=fill.currency, ts_opened=fill.ts_event)
    _increase(position, fill, qty, fee, multiplier)
    return position


def _increase(position: PositionState, fill: PositionFill, qty: Decimal, fee: Decimal, multiplier: Decimal) -> None:
    position.signed_qty += qty if position.entry is OrderSide.BUY else -qty
    held = abs(position.signed_qty)
    position.cost += qty * fill.last_px * multiplier
    position.peak_qty = max(position.peak_qty, held)
    position.avg_px_open = quotient(position.cost, held * multiplier)
    _charge(position, fill, fee)


def _reduce(position: PositionState, fill: PositionFill, qty: Decimal, fee: Decimal, multiplier: Decimal) -> Decimal:
    held = abs(position.signed_qty)
    released = position.cost if qty == held else quotient(position.cost * qty, held)
    value = qty * fill.last_px * multiplier
    is_long = position.entry is OrderSide.BUY
    realized = trimmed(value - released if is_long else released - value)
    position.cost = trimmed(position.cost - released)
    position.signed_qty += -qty if is_long else qty
    position.close_qty += qty
    position.close_value += value
    position.avg_px_close = quotient(position.close_value, position.close_qty * multiplier)
    position.realized_pnl = trimmed(position.realized_pnl + realized)
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
