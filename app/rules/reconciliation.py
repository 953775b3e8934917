"""What the engine reports of a position, compared with the ledger's own figures. Pure; run under `localcontext(EXACT)`.

The engine publishes PositionOpened, PositionChanged or PositionClosed after each fill. Quantities must be equal. The
engine's averages are floats, and its realized PnL is rounded to the currency's precision at every fill: a difference
within that is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from app.rules.enums import DiscrepancyKind, OrderSide
from app.rules.events import AnyPositionEvent
from app.rules.money import parse_money
from app.rules.positions import PositionState

_ZERO = Decimal(0)
_ONE = Decimal(1)
AVERAGE_TOLERANCE = Decimal("1e-9")
"""Relative difference of average prices that float arithmetic explains."""
_AMOUNT_TOLERANCE = Decimal("1e-12")
"""Relative difference of amounts that float arithmetic explains."""


@dataclass(slots=True, frozen=True)
class PositionReport:
    """One report, as far as it can be read: what is None claims nothing. `signed_qty` is negative for a short.

    `realized_pnl` is net of the commissions that were paid in `currency`.
    """

    event_id: str
    ts_event: int
    signed_qty: Decimal | None
    avg_px_open: Decimal | None
    avg_px_close: Decimal | None
    realized_pnl: Decimal | None
    currency: str | None


@dataclass(slots=True, frozen=True)
class Difference:
    """One figure in which a report and the ledger differ; `ledger` is None where the ledger has none."""

    kind: DiscrepancyKind
    ledger: str | None
    engine: str


def read_report(event: AnyPositionEvent) -> PositionReport:
    """The figures of a position event. Those that are missing or cannot be read claim nothing."""
    quantity = _decimal(event.quantity)
    if quantity is not None and event.entry == OrderSide.SELL:
        quantity = -quantity
    realized, currency = _money(event.realized_pnl)
    return PositionReport(
        event_id=event.event_id,
        ts_event=event.ts_event or 0,
        signed_qty=quantity,
        avg_px_open=_decimal(event.avg_px_open),
        avg_px_close=_decimal(event.avg_px_close),
        realized_pnl=realized,
        currency=currency,
    )


def differences(report: PositionReport, state: PositionState) -> list[Difference]:
    """In what the report differs from a position as it stood after a fill."""
    found: list[Difference] = []
    if report.signed_qty is not None and report.signed_qty != state.signed_qty:
        found.append(Difference(DiscrepancyKind.QUANTITY, f"{state.signed_qty:f}", f"{report.signed_qty:f}"))
    if report.avg_px_open is not None and not _is_near(report.avg_px_open, state.avg_px_open, AVERAGE_TOLERANCE):
        found.append(Difference(DiscrepancyKind.AVG_PX_OPEN, f"{state.avg_px_open:f}", f"{report.avg_px_open:f}"))
    closed_at = state.avg_px_close or _ZERO
    if report.avg_px_close is not None and not _is_near(report.avg_px_close, closed_at, AVERAGE_TOLERANCE):
        found.append(Difference(DiscrepancyKind.AVG_PX_CLOSE, f"{closed_at:f}", f"{report.avg_px_close:f}"))
    if report.currency is not None and report.realized_pnl is not None:
        if report.currency != state.currency:
            found.append(Difference(DiscrepancyKind.CURRENCY, state.currency, report.currency))
        elif abs(report.realized_pnl - state.net_pnl) > _rounding(report.realized_pnl, state):
            engine = f"{report.realized_pnl:f}"
            found.append(Difference(DiscrepancyKind.REALIZED_PNL, f"{state.net_pnl:f}", engine))
    return found


def closest(report: PositionReport, states: Sequence[PositionState]) -> tuple[PositionState, list[Difference]]:
    """Of the states that the report may speak of, the one that it differs from least; the last of several.

    Raises ValueError for no states.
    """
    for state in states:
        if state.signed_qty == report.signed_qty and not differences(report, state):
            return state, []
    compared = [(state, differences(report, state)) for state in reversed(states)]
    return min(compared, key=lambda pair: len(pair[1]))


def _rounding(reported: Decimal, state: PositionState) -> Decimal:
    """How far the engine's sum may be off: its money is rounded at each fill, a flip's commission once more."""
    unit = _ONE.scaleb(min(int(reported.as_tuple().exponent), 0))
    return unit * (state.fills + 1) + abs(reported) * _AMOUNT_TOLERANCE


def _is_near(one: Decimal, other: Decimal, tolerance: Decimal) -> bool:
    return one == other or abs(one - other) <= abs(other) * tolerance


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 100 else None


def _money(value: Any) -> tuple[Decimal | None, str | None]:
    if not isinstance(value, str):
        return None, None
    try:
        return parse_money(value)
    except ValueError:
        return None, None
