"""Compares the engine's report of a position with the ledger's figures. Pure; run under `localcontext(EXACT)`.

The engine publishes PositionOpened, PositionChanged or PositionClosed after each fill. Quantities must be equal. The
engine's averages are floats, and it rounds realized PnL to the currency's precision at every fill; differences within
these errors do not count.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from msgspec import Struct

from app.rules.enums import DiscrepancyKind, OrderSide
from app.rules.events import AnyPositionEvent
from app.rules.positions import PositionState

_ONE = Decimal(1)
AVERAGE_TOLERANCE = 1e-9
"""The relative difference of average prices that float arithmetic explains."""
_AMOUNT_TOLERANCE = Decimal("1e-12")
"""The relative difference of amounts that float arithmetic explains."""
_DIGITS_MAX = 100


class PositionReport(Struct, frozen=True):
    """The readable figures of one report; None for missing ones. `signed_qty` is negative for a short.

    `realized_pnl` is net of the commissions paid in `currency`. Averages are floats, as in the engine.
    """

    event_id: str
    ts_event: int
    signed_qty: Decimal | None
    avg_px_open: float | None
    avg_px_close: float | None
    realized_pnl: Decimal | None
    currency: str | None


class Difference(Struct, frozen=True):
    """One figure in which a report and the ledger differ; `ledger` is None if the ledger has no such figure."""

    kind: DiscrepancyKind
    ledger: str | None
    engine: str


def read_report(event: AnyPositionEvent) -> PositionReport:
    """The figures of a position event. Missing or unreadable figures are None."""
    quantity = _decimal(event.quantity)
    if quantity is not None and event.entry == OrderSide.SELL:
        quantity = -quantity
    realized, currency = None, None
    if isinstance(event.realized_pnl, str):
        digits, _, currency = event.realized_pnl.partition(" ")
        realized = _decimal(digits.replace("_", "") if "_" in digits else digits)
    return PositionReport(
        event.event_id,
        event.ts_event or 0,
        quantity,
        _float(event.avg_px_open),
        _float(event.avg_px_close),
        realized,
        currency or None,
    )


def differences(report: PositionReport, state: PositionState) -> list[Difference]:
    """The differences between the report and a position as it stood after a fill."""
    found: list[Difference] = []
    if report.signed_qty is not None and report.signed_qty != state.signed_qty:
        found.append(Difference(DiscrepancyKind.QUANTITY, f"{state.signed_qty:f}", f"{report.signed_qty:f}"))
    if report.avg_px_open is not None and not _is_near(report.avg_px_open, state.avg_px_open):
        found.append(Difference(DiscrepancyKind.AVG_PX_OPEN, f"{state.avg_px_open:f}", repr(report.avg_px_open)))
    if report.avg_px_close is not None and not _is_near(report.avg_px_close, state.avg_px_close):
        closed_at = None if state.avg_px_close is None else f"{state.avg_px_close:f}"
        found.append(Difference(DiscrepancyKind.AVG_PX_CLOSE, closed_at, repr(report.avg_px_close)))
    if report.currency is not None and report.realized_pnl is not None:
        if report.currency != state.currency:
            found.append(Difference(DiscrepancyKind.CURRENCY, state.currency, report.currency))
        elif report.realized_pnl != state.net_pnl and not _is_rounding(report.realized_pnl, state):
            engine = f"{report.realized_pnl:f}"
            found.append(Difference(DiscrepancyKind.REALIZED_PNL, f"{state.net_pnl:f}", engine))
    return found


def closest(report: PositionReport, states: Sequence[PositionState]) -> tuple[PositionState, list[Difference]]:
    """The state that differs least from the report, the last of several, and the differences. ValueError for none."""
    for state in states:
        if state.signed_qty == report.signed_qty and not differences(report, state):
            return state, []
    compared = [(state, differences(report, state)) for state in reversed(states)]
    return min(compared, key=lambda pair: len(pair[1]))


def _is_rounding(reported: Decimal, state: PositionState) -> bool:
    """Whether the engine's rounding explains the difference: once for each fill, and for a flip's fee."""
    unit = _ONE.scaleb(min(int(reported.as_tuple().exponent), 0))
    allowed = unit * (state.fills + 1) + abs(reported) * _AMOUNT_TOLERANCE
    return abs(reported - state.net_pnl) <= allowed


def _is_near(reported: float, price: Decimal | None) -> bool:
    """Whether two average prices are equal within float errors; the engine writes 0.0 for a missing price."""
    known = 0.0 if price is None else float(price)
    return abs(reported - known) <= abs(known) * AVERAGE_TOLERANCE


def _decimal(value: Any) -> Decimal | None:
    if not isinstance(value, str) or len(value) > _DIGITS_MAX:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _DIGITS_MAX else None


def _float(value: Any) -> float | None:
    if type(value) is int or type(value) is str:
        try:
            value = float(value)
        except (ValueError, OverflowError):
            return None
    return value if type(value) is float and isfinite(value) else None
