"""What the fills of a group add up to, and what was made in each slot of time."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, cast, func, literal_column, select, table

from app.reads.catalogue.instrument import sum_valuation
from app.reads.columns import Columns, Derived
from app.reads.performance.scope import Ctes, Scope
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
    rows, columns = scope.kept_fills(by_day=not is_whole) if span.is_whole_days else scope.fills()
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
    sums = sums.select_from(rows).where(*scope.conditions(columns, "ts_event"))
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
        rows, columns = scope.kept_fills(by_day=True)
        ts = f"({columns.name}.day - date '1970-01-01') * {length}"
        return f"(SELECT * FROM {ctes.add('slots', _made(scope, summed, rows, columns, ts))})"
    # Group and slot are one number: of one column PostgreSQL expects few values, and hashes them instead of sorting.
    if curve is None:
        rows, columns = scope.fills()
        ts = f"{columns.name}.ts_event / {length}"
        of = ctes.add("made", _made(scope, summed, rows, columns, ts))
        key, sums = f"(g << {_SLOT_BITS}) + ts", "sum(net) AS net, max(high) AS high, max(worst) AS worst"
    else:
        of, key = curve, f"(g << {_SLOT_BITS}) + ts / {length}"
        sums = "sum(net) AS net, max(cumulative) AS high, max(drawdown) AS worst"
    name = ctes.add("slots", f"SELECT {key} AS slot, {sums} FROM {of} GROUP BY 1", is_kept=True)
    begins = f"(slot & {2**_SLOT_BITS - 1}) * {length}"
    return f"(SELECT slot >> {_SLOT_BITS} AS g, {begins} AS ts, net, high, worst FROM {name})"


def _made(scope: Scope, summed: str, rows: FromClause, columns: Columns, ts: str) -> Select[Any]:
    groups = Derived(summed)
    nothing: Any = literal_column("CAST(NULL AS numeric)")
    made = select(
        groups.g.label("g"),
        literal_column(ts).label("ts"),
        (columns.realized_pnl - columns.total_fees).label("net"),
        nothing.label("high"),
        nothing.label("worst"),
    )
    made = made.select_from(rows.join(table(summed), scope.same_group(columns, groups)))
    return made.where(*scope.conditions(columns, "ts_event"))
