"""Many rows for the benchmarks, inserted by set-based statements: 200,000 orders take seconds.

The rows are consistent as the ledger would leave them: filled orders have fills, and totals add up.
"""

import asyncpg

_STATEMENTS = (
    """
    INSERT INTO strategies (strategy_id, name, trader_id, state, created_at)
    SELECT md5('strategy' || s)::uuid, 'Bench-' || lpad(s::text, 3, '0'), 'TRADER-001', 'ACTIVE',
           1640995200000000000 + s
    FROM generate_series(0, 19) AS s
    """,
    """
    INSERT INTO orders (strategy_id, client_order_id, trader_id, account_id, venue_order_id, instrument_id,
        position_id, side, order_type, time_in_force, status, quantity, filled_qty, filled_notional, price,
        avg_px, reduce_only, post_only, deny_reason, tags, ts_init, ts_last, last_ts_init, last_rank)
    SELECT md5('strategy' || i % 20)::uuid, 'O-' || lpad(i::text, 9, '0'), 'TRADER-001',
        CASE WHEN status <> 'DENIED' THEN 'BINANCE-001' END,
        CASE WHEN status <> 'DENIED' THEN 'V-' || i END,
        'COIN' || i % 7 || 'USDT-PERP.BINANCE',
        CASE WHEN status = 'FILLED' THEN 'P-' || i % 20 || '-' || i % 7 END,
        CASE WHEN i % 2 = 0 THEN 'BUY' ELSE 'SELL' END,
        CASE WHEN i % 3 = 0 THEN 'MARKET' ELSE 'LIMIT' END, 'GTC', status, quantity,
        CASE WHEN status = 'FILLED' THEN quantity ELSE 0.000 END,
        CASE WHEN status = 'FILLED' THEN quantity * price ELSE 0 END,
        CASE WHEN i % 3 <> 0 THEN price END, CASE WHEN status = 'FILLED' THEN price END,
        false, i % 5 = 0, CASE WHEN status = 'DENIED' THEN 'BUDGET_EXCEEDED' END,
        CASE WHEN i % 4 = 0 THEN ARRAY['maker', 'n=' || i % 10] ELSE '{}' END,
        1640995200000000000 + i * 60000000007, 1640995200000000000 + i * 60000000007 + 1500000000,
        1640995200000000000 + i * 60000000007 + 1500000000, 0
    FROM generate_series(1, $1::bigint) AS i,
        LATERAL (SELECT (0.100 + (i % 900) * 0.001)::numeric AS quantity,
                 (40000 + (i % 9000) * 0.1)::numeric AS price,
                 CASE WHEN i % 10 < 6 THEN 'FILLED' WHEN i % 10 < 8 THEN 'CANCELED'
                      WHEN i % 10 = 8 THEN 'ACCEPTED' ELSE 'DENIED' END AS status) AS made
    """,
    """
    INSERT INTO fills (strategy_id, event_id, trade_id, client_order_id, venue_order_id, account_id,
        instrument_id, position_id, position_n, flip_qty, side, last_qty, last_px, currency, commission,
        commission_currency, liquidity_side, realized_pnl, ts_event, ts_init, trade_seq, seq,
        settlement_currency, notional)
    SELECT strategy_id, md5('fill' || client_order_id)::uuid, 'T-' || client_order_id, client_order_id,
        venue_order_id, account_id, instrument_id, position_id, 1, 0, side, filled_qty, avg_px, 'USDT',
        round(filled_qty * avg_px * 0.0002, 8), 'USDT', 'MAKER', 0.00000000, ts_last, ts_last,
        row_number() OVER (ORDER BY ts_init), row_number() OVER (ORDER BY ts_init), 'USDT', filled_qty * avg_px
    FROM orders WHERE status = 'FILLED'
    """,
    """
    INSERT INTO order_totals (strategy_id, instrument_id, status, orders)
    SELECT strategy_id, instrument_id, status, count(*) FROM orders GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO fill_totals (strategy_id, day, instrument_id, currency, side, fills, quantity, notional,
        realized_pnl, total_fees, first_ts, last_ts)
    SELECT strategy_id, date '1970-01-01' + (ts_event / 86400000000000)::int, instrument_id, currency, side,
        count(*), sum(last_qty), sum(last_qty * last_px), sum(realized_pnl), sum(commission), min(ts_event),
        max(ts_event)
    FROM fills GROUP BY 1, 2, 3, 4, 5
    """,
    """
    INSERT INTO fill_sums (strategy_id, instrument_id, currency, side, fills, quantity, notional,
        realized_pnl, total_fees, first_ts, last_ts)
    SELECT strategy_id, instrument_id, currency, side, sum(fills), sum(quantity), sum(notional),
        sum(realized_pnl), sum(total_fees), min(first_ts), max(last_ts)
    FROM fill_totals GROUP BY 1, 2, 3, 4
    """,
)


async def insert_trading_rows(connection: asyncpg.Connection, orders: int = 200_000) -> None:
    """Fills empty tables with strategies, orders, fills and their totals, then gathers planner statistics."""
    for statement in _STATEMENTS:
        await connection.execute(statement, *([orders] if "$1" in statement else []))
    await connection.execute("VACUUM ANALYZE")
