"""Trades, from the totals by day where these suffice; and daily values, of which Sharpe and Sortino are made."""

from typing import Any

from sqlalchemy import Select, func, select

from app.models.orders import Position
from app.models.totals import TradeTotal
from app.reads.columns import Columns, text_literal
from app.reads.performance.scope import Ctes, Scope, given

KEPT = frozenset(
    {"trades", "winning_trades", "losing_trades", "win_rate", "profit_factor", "expectancy"}
    | {"average_win", "average_loss"}
)
"""Fields that can be read from the totals by day."""
EXTREMES = frozenset({"largest_win", "largest_loss"})
RUNS = frozenset({"longest_winning_run", "longest_losing_run"})
FIELDS = KEPT | EXTREMES | RUNS

PLACE = ("ts_closed", "last_ts_init", "last_trade_seq", "last_seq")
"""What orders the trades of a strategy: the places of the fills that closed them."""

_SUMS = ("trades", "wins", "losses", "profit", "loss")


def add_traded(scope: Scope, ctes: Ctes, fields: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """A part with the keys and the columns named: trades, wins, losses, profit, loss, and what else fields need."""
    if scope.span.is_whole_days and not scope.names_instruments and fields <= KEPT:
        return ctes.add("traded", _kept(scope)), _SUMS
    trades = ctes.add("trades", _closed(scope))
    keys = ", ".join(scope.keys)
    longest = ""
    rows = trades
    if fields & RUNS:
        places = ", ".join((*PLACE, *scope.tie))
        order = f"(PARTITION BY {keys} ORDER BY {places} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
        # A run is as long as its last trade is away from the one before it that was none of its kind.
        placed = f"SELECT *, row_number() OVER {order} AS place FROM {trades}"
        won, lost = (
            f"place - coalesce(max(CASE WHEN {other} THEN place END) OVER {order}, 0)"
            for other in ("net <= 0", "net >= 0")
        )
        rows = f"(SELECT *, {won} AS won, {lost} AS lost FROM ({placed}) AS placed)"
        longest = ", max(won) AS longest_winning_run, max(lost) AS longest_losing_run"
    traded = ctes.add(
        "traded",
        f"""
        SELECT {keys}, count(*) AS trades, count(*) FILTER (WHERE net > 0) AS wins,
            count(*) FILTER (WHERE net < 0) AS losses, sum(greatest(net, 0)) AS profit, sum(greatest(-net, 0)) AS loss,
            max(net) FILTER (WHERE net > 0) AS largest_win, min(net) FILTER (WHERE net < 0) AS largest_loss{longest}
        FROM {rows} AS trades GROUP BY {keys}
        """,
    )
    return traded, (*_SUMS, *sorted(EXTREMES), *(sorted(RUNS) if longest else ()))


def _kept(scope: Scope) -> Select[Any]:
    kept = Columns(scope.compiler.names.new("t"), TradeTotal)
    keys = [kept[name] for name in scope.keys]
    rows = select(*keys, *(func.sum(kept[name]).label(name) for name in _SUMS))
    rows = rows.select_from(TradeTotal.__table__.alias(kept.name))  # type: ignore[attr-defined]
    return rows.where(*scope.conditions(kept, "ts_closed")).group_by(*keys)


def _closed(scope: Scope) -> Select[Any]:
    """The closed positions, each with what it was worth and the place of the fill that closed it."""
    closed = Columns(scope.compiler.names.new("t"), Position)
    names = dict.fromkeys((*scope.keys, *PLACE, *scope.tie))
    net = (closed.realized_pnl - closed.total_fees).label("net")
    rows = select(*(closed[name] for name in names), net)
    rows = rows.select_from(Position.__table__.alias(closed.name))  # type: ignore[attr-defined]
    is_closed = closed.status == text_literal("CLOSED")
    return rows.where(is_closed, *scope.conditions(closed, "ts_closed"))


def add_daily(scope: Scope, ctes: Ctes, slots: str) -> str:
    """Columns: g, days, daily_total, daily_squares, daily_losses, year.

    Days without fills, between the first and the last that has some, count as zero: only `days` knows of them. Sums of
    squares are of all days, and of those that lost; `year` is how many days make one.
    """
    span = scope.span
    moment = "timestamptz 'epoch' + ts / 1000000000 * interval '1 second'"
    zone = "'UTC'" if span.zone is None else given(span.zone, "text")
    year = "365" if span.annualization_days is None else given(span.annualization_days, "integer")
    days = f"SELECT g, CAST(timezone({zone}, {moment}) AS date) AS day, sum(net) AS net FROM {slots} AS slots"
    return ctes.add(
        "daily",
        f"""
        SELECT g, max(day) - min(day) + 1 AS days, sum(net) AS daily_total, sum(net * net) AS daily_squares,
            sum(least(net, 0) * least(net, 0)) AS daily_losses, {year} AS year
        FROM ({days} GROUP BY 1, 2) AS days GROUP BY g
        """,
    )
