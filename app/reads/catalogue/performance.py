"""Performance of fills and trades, by currency and group; the rows behind it are those of `app.reads.performance`."""

from typing import Any

from sqlalchemy import ColumnElement, Double, case, cast, func, literal_column

from app.reads.catalogue.administration import ITS_STRATEGY
from app.reads.columns import Columns, number_literal
from app.reads.entity import Entity
from app.reads.fields import amount, instant, plain, plains
from app.reads.filters import by_columns, strategy_name
from app.reads.performance.statement import performance

_AVERAGE_PLACES = 18
_RATIO_PLACES = 12
_MANY_PLACES: ColumnElement[Any] = literal_column("0e-30")
"""A zero: PostgreSQL divides to as many places as the operands have."""
_ZERO = number_literal(0)
_ONE = number_literal(1)


def _ratio(value: Any, whole: Any) -> Any:
    """Null where there is nothing to divide by."""
    return cast(value, Double()) / cast(func.nullif(whole, _ZERO), Double())


def _average(value: Any, count: Any) -> Any:
    """Null where there is nothing to divide by."""
    return func.trim_scale(
        func.round((value + _MANY_PLACES) / func.nullif(count, _ZERO), number_literal(_AVERAGE_PLACES))
    )


def _count(value: Any) -> Any:
    return func.coalesce(value, _ZERO)


# With S = Σ daily values, Q = Σ their squares, L = Σ squares of those that lost, n days and A days a year:
# Sharpe is (S/n) / sqrt((Q - S²/n) / (n-1)) x sqrt(A), Sortino (S/n) / sqrt(L/n) x sqrt(A). Each is written as one root
# of one quotient, so that everything before these two is exact.


def _sharpe(t: Columns) -> Any:
    spread = t.days * (t.days * t.daily_squares - t.daily_total * t.daily_total)
    return _signed_root(t, t.year * t.daily_total * t.daily_total * (t.days - _ONE), spread)


def _sortino(t: Columns) -> Any:
    return _signed_root(t, t.year * t.daily_total * t.daily_total, t.days * t.daily_losses)


def _signed_root(t: Columns, square: Any, whole: Any) -> Any:
    """Null where there is nothing to divide by, and for less than two days."""
    root: Any = func.sign(t.daily_total) * func.sqrt((square + _MANY_PLACES) / func.nullif(whole, _ZERO))
    rounded: Any = cast(func.round(root, number_literal(_RATIO_PLACES)), Double())
    return case((t.days > _ONE, rounded))


PERFORMANCE = Entity(
    name="Performance",
    model=None,
    fields={
        **plains("currency", "strategy_id", "instrument_id", "valuation"),
        "total_fees": amount("total_fees"),
        "strategy_name": plain("name", ITS_STRATEGY),
        "trades": plain(lambda t: _count(t.trades)),
        "winning_trades": plain(lambda t: _count(t.wins)),
        "losing_trades": plain(lambda t: _count(t.losses)),
        "win_rate": plain(lambda t: _ratio(t.wins, t.trades)),
        "profit_factor": plain(lambda t: _ratio(t.profit, t.loss)),
        "expectancy": amount(lambda t: _average(t.profit - t.loss, t.trades)),
        "average_win": amount(lambda t: _average(t.profit, t.wins)),
        "average_loss": amount(lambda t: _average(-t.loss, t.losses)),
        "largest_win": amount(lambda t: func.trim_scale(t.largest_win)),
        "largest_loss": amount(lambda t: func.trim_scale(t.largest_loss)),
        "longest_winning_run": plain(lambda t: _count(t.longest_winning_run)),
        "longest_losing_run": plain(lambda t: _count(t.longest_losing_run)),
        "sharpe_ratio": plain(_sharpe),
        "sortino_ratio": plain(_sortino),
        "max_drawdown": amount(lambda t: func.trim_scale(t.depth)),
        "max_drawdown_start": instant("start_ts"),
        "max_drawdown_trough": instant("trough_ts"),
        "max_drawdown_end": instant("end_ts"),
        "gross_pnl": amount(lambda t: func.trim_scale(t.gross_pnl)),
        "net_pnl": amount(lambda t: func.trim_scale(t.gross_pnl - t.total_fees)),
        "equity_count": plain("points"),
    },
    filters={
        **by_columns("strategy_id", "instrument_id", "currency"),
        "strategy_name": strategy_name,
    },
    computed=performance,
)

EQUITY_POINT = Entity(
    name="EquityPoint",
    model=None,
    fields={
        "ts": instant("ts"),
        "net_pnl": amount(lambda p: func.trim_scale(p.net)),
        "cumulative_net_pnl": amount(lambda p: func.trim_scale(p.cumulative)),
        "drawdown": amount(lambda p: func.trim_scale(p.drawdown)),
        "max_drawdown": amount(lambda p: func.trim_scale(p.worst)),
    },
)
