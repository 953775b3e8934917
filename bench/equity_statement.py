"""The equity query as one statement, written by hand for it: one strategy, its whole history, 500 points.

The result has the keys of Purser's response. The statement supports no other spans, filters, groups, time zones or
granularities.
"""

POINTS = 500
_SLICES = (POINTS - 3) // 2
_ORDER = "PARTITION BY currency ORDER BY ts_event, ts_init, trade_seq, seq ROWS UNBOUNDED PRECEDING"
_CLOSING = "PARTITION BY currency ORDER BY ts_closed, last_ts_init, last_trade_seq, last_seq ROWS UNBOUNDED PRECEDING"


def _instant(column: str) -> str:
    return (
        f"replace((timestamp '1970-01-01' + {column} / 1000000000 * interval '1 second')::text, ' ', 'T')"
        f" || '.' || lpad(({column} % 1000000000)::text, 9, '0') || 'Z'"
    )


def _average(total: str, count: str) -> str:
    return f"trim_scale(round(({total} + 0e-30) / nullif({count}, 0), 18))::text"


STATEMENT = f"""
WITH totals AS MATERIALIZED (
    SELECT currency, sum(realized_pnl) AS gross, sum(total_fees) AS fees, min(first_ts) AS first_ts,
        (max(last_ts) - min(first_ts)) / {_SLICES} + 1 AS width
    FROM fill_sums WHERE strategy_id = $1 GROUP BY currency
), changes AS (
    SELECT currency, ts_event, ts_init, trade_seq, seq,
        CASE WHEN commission_currency = currency THEN realized_pnl - commission ELSE realized_pnl END AS net
    FROM fills WHERE strategy_id = $1
    UNION ALL
    SELECT commission_currency, ts_event, ts_init, trade_seq, seq, -commission
    FROM fills WHERE strategy_id = $1 AND commission_currency <> currency
), curve AS MATERIALIZED (
    SELECT currency, slice, n, ts_event AS ts, net, cumulative,
        greatest(max(cumulative) OVER ({_ORDER}), 0) - cumulative AS drawdown
    FROM (
        SELECT *, row_number() OVER ({_ORDER}) AS n, sum(net) OVER ({_ORDER}) AS cumulative
        FROM (SELECT changes.*, (ts_event - first_ts) / width AS slice FROM changes JOIN totals USING (currency)) AS c
    ) AS running
), slices AS MATERIALIZED (
    SELECT currency, slice, min(cumulative) AS low, max(cumulative) AS high, max(drawdown) AS depth, max(n) AS last
    FROM curve GROUP BY currency, slice
), wholes AS MATERIALIZED (
    SELECT currency, max(depth) AS depth, max(last) AS n FROM slices GROUP BY currency
), found AS (
    SELECT * FROM curve WHERE n = 1 OR (currency, n) IN (SELECT currency, n FROM wholes)
        OR (currency, drawdown) IN (SELECT currency, depth FROM wholes)
        OR (currency, slice, cumulative) IN (
            SELECT currency, slice, low FROM slices UNION ALL SELECT currency, slice, high FROM slices)
), points AS MATERIALIZED (
    SELECT * FROM (
        SELECT found.*, depth, wholes.n AS last_n, cumulative IN (low, high) AND row_number() OVER (
                PARTITION BY currency, slice, cumulative ORDER BY found.n) = 1 AS is_extreme,
            drawdown = wholes.depth AND row_number() OVER (
                PARTITION BY currency, drawdown ORDER BY found.n) = 1 AS is_trough
        FROM found JOIN wholes USING (currency) JOIN (SELECT currency, slice, low, high FROM slices) s
            USING (currency, slice)
    ) AS marked WHERE n = 1 OR n = last_n OR is_extreme OR is_trough
), equity AS (
    SELECT currency, json_agg(json_build_object('ts', {_instant("ts")}, 'netPnl', trim_scale(net)::text,
        'cumulativeNetPnl', trim_scale(cumulative)::text, 'drawdown', trim_scale(drawdown)::text) ORDER BY n) AS points
    FROM points GROUP BY currency
), troughs AS MATERIALIZED (
    SELECT currency, n, ts, depth FROM points WHERE is_trough
), fallen AS (
    SELECT currency, depth, t.ts AS trough, max(z.ts) FILTER (WHERE z.n < t.n) AS start,
        min(z.ts) FILTER (WHERE z.n > t.n) AS recovery
    FROM troughs t LEFT JOIN (SELECT currency, n, ts FROM curve WHERE drawdown = 0) z USING (currency)
    GROUP BY 1, 2, 3
), days AS (
    SELECT currency, day, sum(realized_pnl - total_fees) AS net FROM fill_totals WHERE strategy_id = $1
    GROUP BY currency, day
), daily AS (
    SELECT currency, max(day) - min(day) + 1 AS n, sum(net) AS s, sum(net * net) AS q,
        sum(least(net, 0) * least(net, 0)) AS l
    FROM days GROUP BY currency
), closed AS (
    SELECT *, row_number() OVER ({_CLOSING}) AS place FROM (
        SELECT currency, ts_closed, last_ts_init, last_trade_seq, last_seq, realized_pnl - total_fees AS net
        FROM positions WHERE strategy_id = $1 AND status = 'CLOSED') AS p
), trades AS (
    SELECT currency, count(*) AS trades, count(*) FILTER (WHERE net > 0) AS wins,
        count(*) FILTER (WHERE net < 0) AS losses, sum(greatest(net, 0)) AS profit, sum(greatest(-net, 0)) AS loss,
        max(net) FILTER (WHERE net > 0) AS best, min(net) FILTER (WHERE net < 0) AS worst, max(won) AS won,
        max(lost) AS lost
    FROM (
        SELECT *, place - coalesce(max(CASE WHEN net <= 0 THEN place END) OVER ({_CLOSING}), 0) AS won,
            place - coalesce(max(CASE WHEN net >= 0 THEN place END) OVER ({_CLOSING}), 0) AS lost
        FROM closed
    ) AS runs GROUP BY currency
)
SELECT json_agg(json_build_object(
    'currency', currency, 'netPnl', trim_scale(gross - fees)::text, 'grossPnl', trim_scale(gross)::text,
    'totalFees', fees::text, 'trades', coalesce(trades, 0), 'winRate', wins::float / nullif(trades, 0)::float,
    'profitFactor', profit::float / nullif(loss, 0)::float,
    'expectancy', {_average("profit - loss", "trades")}, 'averageWin', {_average("profit", "wins")},
    'averageLoss', {_average("-loss", "losses")}, 'largestWin', trim_scale(best)::text,
    'largestLoss', trim_scale(worst)::text, 'longestWinningRun', coalesce(won, 0),
    'longestLosingRun', coalesce(lost, 0),
    'sharpeRatio', round(sign(s) * sqrt((365 * s * s * (n - 1) + 0e-30) / nullif(n * (n * q - s * s), 0)), 12)::float,
    'sortinoRatio', round(sign(s) * sqrt((365 * s * s + 0e-30) / nullif(n * l, 0)), 12)::float,
    'maxDrawdown', trim_scale(depth)::text, 'maxDrawdownStart', {_instant("coalesce(start, first_ts)")},
    'maxDrawdownTrough', {_instant("trough")}, 'maxDrawdownEnd', {_instant("recovery")},
    'equity', points) ORDER BY currency)
FROM totals LEFT JOIN trades USING (currency) LEFT JOIN daily USING (currency) LEFT JOIN fallen USING (currency)
    LEFT JOIN equity USING (currency)
"""

DOCUMENT = f"""query ($id: UUID!) {{
  performance(filter: {{strategyId: {{eq: $id}}}}, granularity: FILL, points: {POINTS}) {{
  currency netPnl grossPnl totalFees trades winRate profitFactor expectancy averageWin averageLoss largestWin
  largestLoss longestWinningRun longestLosingRun sharpeRatio sortinoRatio
  maxDrawdown maxDrawdownStart maxDrawdownTrough maxDrawdownEnd
  equity {{ ts netPnl cumulativeNetPnl drawdown }} }} }}"""
