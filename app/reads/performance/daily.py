"""Daily values: the net PnL of each calendar day, of which Sharpe and Sortino are made."""

from app.reads.performance.scope import Ctes, Scope, given


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
