"""The curve: the running net PnL after each fill, in the ledger's order of fills, and the deepest drawdown of it."""

from typing import Any

from sqlalchemy import Select, literal_column, select, table

from app.reads.columns import Derived
from app.reads.performance.scope import Ctes, Scope
from app.reads.performance.sums import slice_of

PLACE = ("ts_event", "ts_init", "trade_seq", "seq")
"""What orders the fills of a strategy (`rules.positions.FillPlace`)."""


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
    rows, columns = scope.fills()
    statement = select(
        groups.g,
        literal_column(slice_of(f"{columns.name}.ts_event", groups.name)).label("slice"),
        *(columns[name] for name in (*PLACE, *scope.tie)),
        (columns.realized_pnl - columns.total_fees).label("net"),
    )
    statement = statement.select_from(rows.join(table(summed), scope.same_group(columns, groups)))
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
