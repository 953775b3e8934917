"""Sums over the fills, the slots of time and the trades of a group, and the daily values for Sharpe and Sortino."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, literal_column, select

from app.models.orders import Position
from app.models.totals import TradeTotal
from app.reads.catalogue.instrument import sum_valuation
from app.reads.columns import Columns, Derived, text_literal
from app.reads.performance.scope import Ctes, Scope, given
from app.reads.query import INSTANT_MAX, Granularity

SLICES_MAX = 8192
"""More slices than a curve is ever cut into; a slice's number has its group in it."""

_SECOND = 1_000_000_000
DAY = 86_400 * _SECOND
"""In nanoseconds."""

_HOUR = 3_600 * _SECOND
_QUARTER = 900 * _SECOND
"""Since 1972 the clocks of all time zones differ by whole quarters of an hour: none of their days begins within one."""

_SLOT_BITS = 32


def group_sums(scope: Scope, points: ColumnElement[Any] | None, *, has_valuation: bool) -> Select[Any]:
    """Columns: g, the keys, gross_pnl, total_fees; with `points` also first_ts, last_ts, width; valuation if wanted.

    `width` is how long a slice lasts, where two points of each slice, and three more, are at most `points`.
    """
    span = scope.span
    is_whole = span.start is None and span.end is None
    columns = scope.kept_fills(by_day=not is_whole) if span.is_whole_days else scope.fills()
    times: list[ColumnElement[Any]] = []
    if points is not None:
        first, last = func.min(columns.first_ts), func.max(columns.last_ts)
        slices = func.greatest(func.div(points - literal_column("3"), literal_column("2")), literal_column("1"))
        # Of the whole range of instants in one slice, the width would be one more than the largest bigint.
        width = cast(
            func.least(func.div(last - first, slices) + literal_column("1"), literal_column(str(INSTANT_MAX))),
            BigInteger,
        )
        times = [first.label("first_ts"), last.label("last_ts"), width.label("width")]
    sums = select(
        func.row_number().over().label("g"),
        *scope.key_columns(columns),
        *([sum_valuation(columns.instrument_id).label("valuation")] if has_valuation else []),
        func.sum(columns.realized_pnl).label("gross_pnl"),
        func.sum(columns.total_fees).label("total_fees"),
        *times,
    )
    sums = sums.select_from(columns.rows).where(*scope.conditions(columns, "ts_event"))
    return sums.group_by(*(columns[name] for name in scope.keys))


def slice_of(ts: str, group: str) -> str:
    """The number of the slice that an instant is in, given the group's row of `summed`."""
    place = f"least(greatest(({ts} - {group}.first_ts) / {group}.width, 0), {SLICES_MAX - 1})"
    return f"{group}.g * {SLICES_MAX} + {place}"


def slots(scope: Scope, ctes: Ctes, summed: str, curve: str | None, *, has_bars: bool) -> str:
    """A subselect of what was made in each slot of a group. Columns: g, ts, net, high, worst; several rows a slot.

    `ts` is when the slot begins; `high` and `worst` are the highest of the curve in it and the deepest drawdown, null
    where the slots are not made of the curve.
    """
    span = scope.span
    is_hourly = has_bars and span.granularity is Granularity.HOUR
    length = _QUARTER if span.zone is not None else _HOUR if is_hourly else DAY
    is_kept = span.is_whole_days and length == DAY
    if is_kept and (curve is None or not has_bars):
        columns = scope.kept_fills(by_day=True)
        ts = f"({columns.name}.day - date '1970-01-01') * {length}"
        return f"(SELECT * FROM {ctes.add('slots', _made(scope, summed, columns, ts))})"
    # Group and slot are one number: of one column PostgreSQL expects few values, and hashes them instead of sorting.
    if curve is None:
        columns = scope.fills()
        ts = f"{columns.name}.ts_event / {length}"
        of = ctes.add("made", _made(scope, summed, columns, ts))
        key, sums = f"(g << {_SLOT_BITS}) + ts", "sum(net) AS net, max(high) AS high, max(worst) AS worst"
    else:
        of, key = curve, f"(g << {_SLOT_BITS}) + ts / {length}"
        sums = "sum(net) AS net, max(cumulative) AS high, max(drawdown) AS worst"
    name = ctes.add("slots", f"SELECT {key} AS slot, {sums} FROM {of} GROUP BY 1", is_kept=True)
    begins = f"(slot & {2**_SLOT_BITS - 1}) * {length}"
    return f"(SELECT slot >> {_SLOT_BITS} AS g, {begins} AS ts, net, high, worst FROM {name})"


def _made(scope: Scope, summed: str, columns: Columns, ts: str) -> Select[Any]:
    groups = Derived(summed)
    nothing: Any = literal_column("CAST(NULL AS numeric)")
    made = select(
        groups.g.label("g"),
        literal_column(ts).label("ts"),
        (columns.realized_pnl - columns.total_fees).label("net"),
        nothing.label("high"),
        nothing.label("worst"),
    )
    made = made.select_from(columns.rows.join(groups.rows, scope.same_group(columns, groups)))
    return made.where(*scope.conditions(columns, "ts_event"))


KEPT = frozenset(
    {"trades", "winning_trades", "losing_trades", "win_rate", "profit_factor", "expectancy"}
    | {"average_win", "average_loss"}
)
"""Fields that can be read from the totals by day."""
EXTREMES = frozenset({"largest_win", "largest_loss"})
RUNS = frozenset({"longest_winning_run", "longest_losing_run"})
FIELDS = KEPT | EXTREMES | RUNS

PLACE = ("ts_closed", "last_ts_init", "last_trade_seq", "last_seq")
"""The order of a strategy's trades: the places of the fills that closed them."""

_SUMS = ("trades", "wins", "losses", "profit", "loss")


def add_traded(scope: Scope, ctes: Ctes, fields: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """A part with the keys and the columns named: trades, wins, losses, profit, loss, and those that other fields
    need.
    """
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
    return rows.select_from(kept.rows).where(*scope.conditions(kept, "ts_closed")).group_by(*keys)


def _closed(scope: Scope) -> Select[Any]:
    """The closed positions, each with its result and the place of the fill that closed it."""
    closed = Columns(scope.compiler.names.new("t"), Position)
    names = dict.fromkeys((*scope.keys, *PLACE, *scope.tie))
    net = (closed.realized_pnl - closed.total_fees).label("net")
    rows = select(*(closed[name] for name in names), net)
    is_closed = closed.status == text_literal("CLOSED")
    return rows.select_from(closed.rows).where(is_closed, *scope.conditions(closed, "ts_closed"))


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
