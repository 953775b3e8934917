"""Performance: what a strategy made, by currency. The rows behind it are those of `app.reads.performance`."""

from typing import Any

from sqlalchemy import ColumnElement, Double, cast, func, literal_column

from app.reads.catalogue.registry import register
from app.reads.fields import amount, plain, whole_second
from app.reads.literals import number_literal
from app.reads.performance import performance
from app.reads.shape import Shape

_EXPECTANCY_PLACES = 18
_MANY_PLACES: ColumnElement[Any] = literal_column("0e-30")
"""A zero: PostgreSQL divides to as many places as the operands have."""


def _trimmed(value: Any) -> Any:
    """Quotients leave zeros behind the last digit that means something."""
    return func.trim_scale(value)


def _ratio(value: Any, whole: Any) -> Any:
    """Null where there is nothing to divide by."""
    return cast(value, Double()) / cast(func.nullif(whole, number_literal(0)), Double())


PERFORMANCE = register(
    Shape(
        name="Performance",
        model=None,
        fields={
            "currency": plain("currency"),
            "trades": plain(lambda t: func.coalesce(t.trades, number_literal(0))),
            "win_rate": plain(lambda t: _ratio(t.wins, t.trades)),
            "profit_factor": plain(lambda t: _ratio(t.profit, t.loss)),
            "expectancy": amount(
                lambda t: _trimmed(
                    func.round(
                        (t.profit - t.loss + _MANY_PLACES) / func.nullif(t.trades, number_literal(0)),
                        number_literal(_EXPECTANCY_PLACES),
                    )
                )
            ),
            "max_drawdown": amount(lambda s: _trimmed(s.max_drawdown)),
            "gross_pnl": amount(lambda s: _trimmed(s.gross_pnl)),
            "total_fees": amount("total_fees"),
            "net_pnl": amount(lambda s: _trimmed(s.gross_pnl - s.total_fees)),
        },
        computed=performance,
    )
)

EQUITY_POINT = register(
    Shape(
        name="EquityPoint",
        model=None,
        fields={
            "ts": whole_second("ts"),
            "net_pnl": amount(lambda p: _trimmed(p.net)),
            "cumulative_net_pnl": amount(lambda p: _trimmed(p.cumulative)),
            "drawdown": amount(lambda p: _trimmed(p.drawdown)),
        },
    )
)
