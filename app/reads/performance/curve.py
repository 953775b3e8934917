"""The curve: the running net PnL after each fill, in the ledger's order of fills, the deepest drawdown, and its points.

Thinning cuts a group's time into equal slices and keeps of each slice its lowest and its highest point, besides the
first and the last point of all and the deepest trough. Points are chosen, never changed.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, literal_column, select

from app.reads.columns import Derived
from app.reads.performance.scope import Ctes, Scope, given
from app.reads.performance.sums import DAY, SLICES_MAX, slice_of
from app.reads.query import Granularity, Span

PLACE = ("ts_event", "ts_init", "trade_seq", "seq")
"""The order of a strategy's fills (`rules.positions.FillPlace`)."""


def add_curve(scope: Scope, ctes: Ctes, summed: str) -> str:
    """Columns: g, slice, n, ts, net, cumulative, drawdown; `n` counts the fills of a group from 1.

    A commission in another currency than its fill's is a row of its own, of its own currency.
    """
    changes = ctes.add("changes", _changes(scope, summed))
    places = ", ".join((*PLACE, *scope.tie))
    order = f"(PARTITION BY g ORDER BY {places} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    # Both levels have one order, so the fills are sorted once.
    running = f"SELECT *, row_number() OVER {order} AS n, sum(net) OVER {order} AS cumulative FROM {changes}"
    highest = f"greatest(max(cumulative) OVER {order}, 0)"
    statement = (
        f"SELECT g, slice, n, ts_event AS ts, net, cumulative, {highest} - cumulative AS drawdown "
        f"FROM ({running}) AS running"
    )
    return ctes.add("curve", statement, is_kept=True)


def _changes(scope: Scope, summed: str) -> Select[Any]:
    """Every realized change, with its group and its slice."""
    groups = Derived(summed)
    columns = scope.fills()
    statement = select(
        groups.g,
        literal_column(slice_of(f"{columns.name}.ts_event", groups.name)).label("slice"),
        *(columns[name] for name in (*PLACE, *scope.tie)),
        (columns.realized_pnl - columns.total_fees).label("net"),
    )
    statement = statement.select_from(columns.rows.join(groups.rows, scope.same_group(columns, groups)))
    return statement.where(*scope.conditions(columns, "ts_event"))


def add_fallen(ctes: Ctes, summed: str, curve: str, deepest: str, *, has_instants: bool) -> str:
    """Columns: g, depth; with instants also start_ts, trough_ts and end_ts, null where nothing was lost.

    `deepest` is a subselect with the drawdowns (g, worst) among which is each group's deepest.
    """
    depths = ctes.add("depths", f"SELECT g, max(worst) AS depth FROM {deepest} AS drawdowns GROUP BY g", is_kept=True)
    if not has_instants:
        return depths
    # Where a condition is one of several, PostgreSQL looks rows up in a hash table, however few it expects.
    marks = ctes.add(
        "marks",
        f"SELECT g, n, ts, drawdown FROM {curve} "
        f"WHERE drawdown = 0 OR (g, drawdown) IN (SELECT g, depth FROM {depths})",
        is_kept=True,
    )
    troughs = ctes.add(
        "troughs",
        f"SELECT g, depth, min(n) AS n FROM {marks} JOIN {depths} USING (g) "
        "WHERE drawdown = depth AND depth > 0 GROUP BY g, depth",
    )
    return ctes.add(
        "fallen",
        f"""
        SELECT depths.g, depths.depth,
            max(mark.ts) FILTER (WHERE mark.n = trough.n) AS trough_ts,
            -- The curve is at its highest wherever its drawdown is zero. The first peak is the zero it begins with.
            CASE WHEN depths.depth > 0 THEN
                coalesce(max(mark.ts) FILTER (WHERE mark.n < trough.n AND mark.drawdown = 0), summed.first_ts)
            END AS start_ts,
            min(mark.ts) FILTER (WHERE mark.n > trough.n AND mark.drawdown = 0) AS end_ts
        FROM {depths} AS depths JOIN {summed} AS summed USING (g)
            LEFT JOIN {troughs} AS trough USING (g) LEFT JOIN {marks} AS mark USING (g)
        GROUP BY depths.g, depths.depth, summed.first_ts
        """,
    )


@dataclass(frozen=True)
class Points:
    """Rows (g, slice, n, ts, net, cumulative, drawdown) and the column with the deepest drawdown of each.

    `counts` is a subselect (g, points): how many there are, also of those that are not shown.
    """

    name: str
    worst: str
    counts: str


def add_bars(scope: Scope, ctes: Ctes, summed: str, slots: str) -> Points:
    """One row for each bar with a fill: its PnL, and the curve at its end."""
    bar, begins = _bar(scope.span)
    bars = f"""
        SELECT g, {begins} AS ts, net, high, worst FROM (
            SELECT g, {bar} AS bar, sum(net) AS net, max(high) AS high, max(worst) AS worst
            FROM {slots} AS slots GROUP BY 1, 2) AS grouped
    """
    order = "(PARTITION BY bars.g ORDER BY bars.ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    cumulative = f"sum(net) OVER {order}"
    slice_ = "0" if scope.span.points is None else slice_of("ts", "summed")
    name = ctes.add(
        "bars",
        f"""
        SELECT bars.g, {slice_} AS slice, row_number() OVER {order} AS n, ts, net,
            {cumulative} AS cumulative, greatest(max(high) OVER {order}, 0) - {cumulative} AS drawdown, worst
        FROM ({bars}) AS bars JOIN {summed} AS summed USING (g)
        """,
        is_kept=True,
    )
    return Points(name, "worst", f"(SELECT g, max(n) AS points FROM {name} GROUP BY g)")


def add_thinned(ctes: Ctes, of: Points, points: str) -> tuple[Points, str]:
    """At most `points` of them in each group; and a subselect (g, worst) of all drawdowns that may be the deepest.

    First and last come first, then the deepest trough, the highest and the lowest, then those of the slices.
    """
    name, worst = of.name, of.worst
    slices = ctes.add(
        "slices",
        f"SELECT slice, min(cumulative) AS low, max(cumulative) AS high, max({worst}) AS worst, max(n) AS last_n "
        f"FROM {name} GROUP BY slice",
        is_kept=True,
    )
    wholes = ctes.add(
        "wholes",
        f"SELECT slice / {SLICES_MAX} AS g, min(low) AS low, max(high) AS high, max(worst) AS worst, "
        f"max(last_n) AS last_n FROM {slices} GROUP BY 1",
        is_kept=True,
    )
    # Where a condition is one of several, PostgreSQL looks rows up in a hash table, however few it expects.
    found = ctes.add(
        "found",
        f"""
        SELECT * FROM {name} WHERE n = 1
            OR (slice, cumulative) IN (SELECT slice, low FROM {slices} UNION ALL SELECT slice, high FROM {slices})
            OR (g, {worst}) IN (SELECT g, worst FROM {wholes})
            OR (g, n) IN (SELECT g, last_n FROM {wholes})
            OR g IN (SELECT g FROM {wholes} WHERE last_n <= {points})
        """,
    )
    marked = f"""
        SELECT found.*, whole.last_n, whole.low, whole.high,
            found.cumulative IN (slice.low, slice.high)
                AND row_number() OVER (PARTITION BY found.slice, found.cumulative ORDER BY found.n) = 1 AS is_extreme,
            whole.worst > 0 AND found.{worst} = whole.worst
                AND row_number() OVER (PARTITION BY found.g, found.{worst} ORDER BY found.n) = 1 AS is_trough
        FROM {found} AS found JOIN {wholes} AS whole USING (g) JOIN {slices} AS slice USING (slice)
    """
    ranked = f"""
        SELECT *, row_number() OVER (PARTITION BY g ORDER BY CASE WHEN n = 1 THEN 1 WHEN n = last_n THEN 2
            WHEN is_trough THEN 3 WHEN cumulative = high THEN 4 WHEN cumulative = low THEN 5 ELSE 6 END, n) AS place
        FROM ({marked}) AS marked
        WHERE last_n <= {points} OR n = 1 OR n = last_n OR is_extreme OR is_trough
    """
    shown = f"SELECT g, n, ts, net, cumulative, drawdown, {worst} AS worst FROM ({ranked}) AS ranked"
    thinned = ctes.add("thinned", f"{shown} WHERE place <= {points}", is_kept=True)
    counts = f"(SELECT g, last_n AS points FROM {wholes})"
    return Points(thinned, "worst", counts), f"(SELECT g, worst FROM {wholes})"


def _bar(span: Span) -> tuple[str, str]:
    """The expression that the slots of one bar have in common, and the start of the bar in nanoseconds."""
    unit, zone = span.granularity, None if span.zone is None else given(span.zone, "text")
    if zone is None and unit is not Granularity.MONTH:
        # Arithmetic costs a tenth of an interval. The epoch was a Thursday.
        return ("ts" if unit is not Granularity.WEEK else f"ts - (ts / {DAY} + 3) % 7 * {DAY}"), "bar"
    if zone is None:
        day = f"CAST(date 'epoch' + CAST(ts / {DAY} AS integer) AS timestamp)"
        return f"date_trunc('month', {day})", _nanoseconds("bar")
    moment = "timestamptz 'epoch' + ts / 1000000000 * interval '1 second'"
    if unit is Granularity.HOUR:
        # An hour that the clocks show twice is two.
        return f"date_trunc('hour', {moment}, {zone})", _nanoseconds("bar")
    # Where clocks are put back to midnight, the day begins with the first of two midnights. PostgreSQL takes the
    # second; the first is found with the clocks of the day before.
    later = f"timezone({zone}, bar)"
    before = f"{later} - interval '1 day'"
    earlier = f"timezone('UTC', bar - (timezone({zone}, {before}) - timezone('UTC', {before})))"
    begins = f"CASE WHEN timezone({zone}, {earlier}) = bar THEN least({earlier}, {later}) ELSE {later} END"
    return f"date_trunc('{unit.value}', timezone({zone}, {moment}))", _nanoseconds(begins)


def _nanoseconds(moment: str) -> str:
    return f"CAST(extract(epoch FROM {moment}) AS bigint) * 1000000000"
