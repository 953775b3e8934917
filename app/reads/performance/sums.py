"""What the fills of a group add up to, and what was made in each slot of time."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, literal_column, select, table

from app.reads.catalogue.instrument import sum_valuation
from app.reads.columns import Derived
from app.reads.performance.scope import Ctes, Scope
from app.reads.want import Granularity

SLICES_MAX = 8192
"""More slices than a curve is ever cut into; a slice's number has its group in it."""

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_HOUR = 3_600 * _SECOND
_QUARTER = 900 * _SECOND
"""Since 1972 the clocks of all time zones differ by whole quarters of an hour: none of their days begins within one."""

_SLOT_BITS = 32


def group_sums(scope: Scope, points: ColumnElement[Any], *, has_valuation: bool) -> Select[Any]:
    """Columns: g, the keys, gross_pnl, total_fees, first_ts, last_ts, width; valuation where it is wanted.

    `width` is how long a slice lasts, where two points of each slice, and three more, are at most `points`.
    """
    span = scope.span
    is_whole = span.start is None and span.end is None
    rows, columns = scope.kept_fills(by_day=not is_whole) if span.is_whole_days else scope.fills()
    first, last = func.min(columns.first_ts), func.max(columns.last_ts)
    slices = func.greatest(func.div(points - literal_column("3"), literal_column("2")), literal_column("1"))
    sums = select(
        func.row_number().over().label("g"),
        *scope.key_columns(columns),
        *([sum_valuation(columns.instrument_id).label("valuation")] if has_valuation else []),
        func.sum(columns.realized_pnl).label("gross_pnl"),
        func.sum(columns.total_fees).label("total_fees"),
        first.label("first_ts"),
        last.label("last_ts"),
        (cast(func.div(last - first, slices), BigInteger) + literal_column("1")).label("width"),
    )
    sums = sums.select_from(rows).where(*scope.conditions(columns, "ts_event"))
    return sums.group_by(*(columns[name] for name in scope.keys))


def slice_of(ts: str, group: str) -> str:
    """The number of the slice that an instant is in, given the group's row of `summed`."""
    place = f"least(greatest(({ts} - {group}.first_ts) / {group}.width, 0), {SLICES_MAX - 1})"
    return f"{group}.g * {SLICES_MAX} + {place}"


class Slots:
    """What was made in each slot of a group. Columns of the rows: g, ts, net, high, worst.

    `ts` is when the slot begins; `high` and `worst` are the highest of the curve in it and the deepest drawdown, null
    where the slots are not made of the curve.
    """

    def __init__(self, scope: Scope, ctes: Ctes, summed: str, curve: str | None, *, has_bars: bool) -> None:
        span = scope.span
        is_hourly = has_bars and span.granularity is Granularity.HOUR
        self._length = _QUARTER if span.zone is not None else _HOUR if is_hourly else _DAY
        is_kept = span.is_whole_days and self._length == _DAY
        if curve is not None and (has_bars or not is_kept):
            statement: Select[Any] | str = self._of_curve(curve)
        else:
            statement = self._of_fills(scope, summed, is_kept=is_kept)
        self._name = ctes.add("slots", statement, is_kept=True)

    @property
    def rows(self) -> str:
        """A subselect."""
        return (
            f"(SELECT slot >> {_SLOT_BITS} AS g, (slot & {2**_SLOT_BITS - 1}) * {self._length} AS ts, "
            f"net, high, worst FROM {self._name})"
        )

    # Group and slot are one number: of one column PostgreSQL expects few values, and hashes them instead of sorting.

    def _of_curve(self, curve: str) -> str:
        return (
            f"SELECT (g << {_SLOT_BITS}) + ts / {self._length} AS slot, sum(net) AS net, max(cumulative) AS high, "
            f"max(drawdown) AS worst FROM {curve} GROUP BY 1"
        )

    def _of_fills(self, scope: Scope, summed: str, *, is_kept: bool) -> Select[Any]:
        groups = Derived(summed)
        rows, columns = scope.kept_fills(by_day=True) if is_kept else scope.fills()
        place = f"{columns.name}.day - date '1970-01-01'" if is_kept else f"{columns.name}.ts_event / {self._length}"
        values: list[ColumnElement[Any]] = [
            literal_column(f"({groups.name}.g << {_SLOT_BITS}) + ({place})").label("slot"),
            func.sum(columns.realized_pnl - columns.total_fees).label("net"),
            literal_column("CAST(NULL AS numeric)").label("high"),
            literal_column("CAST(NULL AS numeric)").label("worst"),
        ]
        statement = select(*values).select_from(rows.join(table(summed), scope.same_group(columns, groups)))
        return statement.where(*scope.conditions(columns, "ts_event")).group_by(literal_column("1"))
