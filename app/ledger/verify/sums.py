"""The invariants of sums, counts, numbers and the change feed."""

from app.ledger.verify.invariants import differing, stated
from app.models import metadata
from app.rules.identity import NO_STRATEGY

_FILLED = """
SELECT o.strategy_id, o.client_order_id, o.filled_qty, o.filled_notional FROM orders o
WHERE o.filled_qty <> 0 OR o.filled_notional <> 0
"""
_FILLS_BY_ORDER = """
SELECT strategy_id, client_order_id, sum(last_qty) AS filled_qty, sum(last_qty * last_px) AS filled_notional
FROM fills GROUP BY 1, 2
"""


def _day_of(instant: str) -> str:
    return f"(timestamp 'epoch' + ({instant} / 1000000000) * interval '1 second')::date"


_DAY = _day_of("ts_event")
_SUMMED = """sum(fills)::bigint AS fills, sum(quantity) AS quantity, sum(notional) AS notional,
       sum(realized_pnl) AS realized_pnl, sum(total_fees) AS total_fees"""
_FILL_SUMS = f"""
SELECT strategy_id, day, instrument_id, currency, side, {_SUMMED},
       min(ts_event) AS first_ts, max(ts_event) AS last_ts
FROM (
    SELECT strategy_id, {_DAY} AS day, instrument_id, settlement_currency AS currency, side, 1 AS fills,
           last_qty AS quantity, notional, realized_pnl, 0 AS total_fees, ts_event FROM fills
    UNION ALL
    SELECT strategy_id, {_DAY}, instrument_id, commission_currency, side, 0, 0, 0, 0, commission, ts_event FROM fills
) parts GROUP BY 1, 2, 3, 4, 5
"""

_FILL_SUMS_OF_DAYS = f"""
SELECT strategy_id, instrument_id, currency, side, {_SUMMED},
       min(first_ts) AS first_ts, max(last_ts) AS last_ts
FROM fill_totals GROUP BY 1, 2, 3, 4
"""
# A day whose trades were all taken back keeps a row of zeros.
_TRADES = "SELECT * FROM trade_totals WHERE (trades, wins, losses, profit, loss) <> (0, 0, 0, 0, 0)"
_CLOSED_POSITIONS = f"""
SELECT strategy_id, day, currency, count(*) AS trades, count(*) FILTER (WHERE net > 0) AS wins,
       count(*) FILTER (WHERE net < 0) AS losses, coalesce(sum(net) FILTER (WHERE net > 0), 0) AS profit,
       coalesce(-sum(net) FILTER (WHERE net < 0), 0) AS loss
FROM (
    SELECT strategy_id, {_day_of("ts_closed")} AS day, currency, realized_pnl - total_fees AS net FROM positions
    WHERE status = 'CLOSED'
) closed GROUP BY 1, 2, 3
"""


def _counts_differ(table: str, counted: str) -> str:
    stored = f"SELECT strategy_id, instrument_id, status, {counted} AS n FROM {table} WHERE {counted} <> 0"
    recomputed = f"SELECT strategy_id, instrument_id, status, count(*) AS n FROM {counted} GROUP BY 1, 2, 3"
    return differing("strategy_id, instrument_id, status", stored, recomputed, "n")


_SIGNAL_SUMS = "SELECT strategy_id, name, count(*) AS signals FROM signals GROUP BY 1, 2"

_FILL_EVENTS = """
SELECT e.strategy_id, e.event_id, (e.payload->>'trade_id')::varchar AS trade_id, e.client_order_id
FROM order_events e LEFT JOIN quarantined_events q USING (strategy_id, event_id, variant)
WHERE e.type = 'OrderFilled' AND q.event_id IS NULL
"""

_NUMBERED = "SELECT strategy_id, event_seq AS events, event_seq AS highest FROM strategies WHERE event_seq <> 0"
_EVENT_NUMBERS = "SELECT strategy_id, count(DISTINCT seq) AS events, max(seq) AS highest FROM order_events GROUP BY 1"

_WITHOUT_CHANGE = f"""
SELECT t.entity || ' ' || t.strategy_id || ' ' || t.key AS row,
       'no row in the change feed' AS stored, 'one at least' AS recomputed
FROM (
    SELECT strategy_id, 'order' AS entity, client_order_id AS key FROM orders
    UNION ALL SELECT strategy_id, 'fill', event_id::text FROM fills
    UNION ALL SELECT strategy_id, 'position', position_id || ':' || n FROM positions
    UNION ALL SELECT strategy_id, 'signal', signal_id::text FROM signals
    UNION ALL SELECT strategy_id, 'strategy', strategy_id::text FROM strategies
    UNION ALL SELECT strategy_id, 'budget', currency FROM budgets
    UNION ALL SELECT coalesce(strategy_id, '{NO_STRATEGY}'), 'audit', id::text FROM audit_entries
) t LEFT JOIN (SELECT DISTINCT strategy_id, entity, key FROM changes) c USING (strategy_id, entity, key)
WHERE c.key IS NULL
"""
# A chain without its newest entries is still consistent, but the change feed names the missing ones.
_MISSING_ENTRIES = """
SELECT 'audit entry ' || c.key AS row, 'nothing' AS stored, 'an entry: the change feed has it' AS recomputed
FROM changes c LEFT JOIN audit_entries a ON a.id::text = c.key WHERE c.entity = 'audit' AND a.id IS NULL
"""


def _not_finite() -> str:
    """Covers every numeric column of every table, including future ones."""
    selects = [
        f"SELECT '{table.name}.{column.name} of ' || "
        f"concat_ws(' ', {', '.join(key.name for key in table.primary_key)}) AS row, "
        f"{column.name}::text AS stored, 'a finite number' AS recomputed FROM {table.name} "
        f"WHERE NOT ({column.name} > '-Infinity' AND {column.name} < 'Infinity')"
        for table in metadata.sorted_tables
        for column in table.columns
        if str(column.type) == "NUMERIC"
    ]
    return " UNION ALL ".join(selects)


_DISPUTED = """
SELECT concat_ws(' ', 'position', position_id, 'of strategy', strategy_id, 'by event', event_id) AS row,
       concat(kind, ' ', coalesce(ledger_value, 'nothing')) AS stored,
       concat(engine_value, ', as the engine reports') AS recomputed
FROM discrepancies ORDER BY ts_event, event_id, kind
"""

_AMOUNTS = "fills, quantity, notional, realized_pnl, total_fees, first_ts, last_ts"
_FILLED_DIFFERS = differing("strategy_id, client_order_id", _FILLED, _FILLS_BY_ORDER, "filled_qty, filled_notional")
_SIDE = "strategy_id, instrument_id, currency, side"
_FILL_TOTALS_DIFFER = differing(f"{_SIDE}, day", "TABLE fill_totals", _FILL_SUMS, _AMOUNTS)
_FILL_SUMS_DIFFER = differing(_SIDE, "TABLE fill_sums", _FILL_SUMS_OF_DAYS, _AMOUNTS)
_RESULTS = "trades, wins, losses, profit, loss"
_TRADES_DIFFER = differing("strategy_id, day, currency", _TRADES, _CLOSED_POSITIONS, _RESULTS)
_SIGNAL_COUNTS_DIFFER = differing("strategy_id, name", "TABLE signal_totals", _SIGNAL_SUMS, "signals")
_FILLS_DIFFER = differing("strategy_id, event_id", _FILL_EVENTS, "TABLE fills", "trade_id, client_order_id")
_NUMBERS_DIFFER = differing("strategy_id", _NUMBERED, _EVENT_NUMBERS, "events, highest")

SUM_INVARIANTS = (
    stated(6, "an order's filled quantity and notional are the sums of its fills", _FILLED_DIFFERS),
    stated(7, "the engine's own reports of positions agree with the ledger", _DISPUTED),
    stated(8, "the stored totals of fills are the sums of the fills", _FILL_TOTALS_DIFFER),
    stated(8, "the sums of fills over all days are the sums of the days", _FILL_SUMS_DIFFER),
    stated(8, "the stored counts of orders are right", _counts_differ("order_totals", "orders")),
    stated(8, "the stored counts of positions are right", _counts_differ("position_totals", "positions")),
    stated(8, "the stored totals of trades are the sums of the closed positions", _TRADES_DIFFER),
    stated(8, "the stored counts of signals are right", _SIGNAL_COUNTS_DIFFER),
    stated(9, "each applied OrderFilled event has exactly one fill, and each fill its event", _FILLS_DIFFER),
    stated(9, "a strategy's events are numbered from 1 without a gap: none is missing", _NUMBERS_DIFFER),
    stated(10, "every object has a row in the change feed", _WITHOUT_CHANGE),
    stated(10, "every audit entry in the change feed exists", _MISSING_ENTRIES),
    stated(11, "no amount is NaN or infinite", _not_finite()),
)
