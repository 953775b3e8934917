"""Equity by fill of a strategy with a million fills: 500 points and all statistics in one request.

It is compared with one statement written by hand for this query, over a connection of its own. Both wait only for
PostgreSQL, so the ratio is the cost of generality.
"""

import tempfile
import time
from pathlib import Path

import asyncpg
import orjson

from app.database.embedded import EmbeddedServer
from app.database.upgrade import upgrade
from bench.equity_statement import DOCUMENT, POINTS, STATEMENT
from bench.http_load import answer_to, post_json
from bench.results import Comparison
from bench.servers import uvicorn

FILLS = 1_000_000
ROUNDS = 5
RATIO_MAX = 1.3

# Every second fill closes the position of the fill before it; some commissions are in another currency. Each instant
# has three fills, ordered by the venue's number.
_ROWS = (
    """
    INSERT INTO strategies (strategy_id, name, trader_id, state, created_at)
    VALUES (md5('equity')::uuid, 'Equity-000', 'TRADER-001', 'ACTIVE', 0)
    """,
    """
    INSERT INTO fills (strategy_id, event_id, trade_id, client_order_id, venue_order_id, account_id, instrument_id,
        position_id, position_n, flip_qty, side, last_qty, last_px, currency, commission, commission_currency,
        liquidity_side, realized_pnl, ts_event, ts_init, trade_seq, seq, settlement_currency, notional)
    SELECT md5('equity')::uuid, md5('fill' || i)::uuid, 'T-' || i, 'O-' || i, 'V-' || i, 'BINANCE-001',
        'COIN' || i / 2 % 4 || 'USDT-PERP.BINANCE', 'P-' || i / 2 % 4, i / 8 + 1, 0,
        CASE WHEN i % 2 = 0 THEN 'BUY' ELSE 'SELL' END, 0.100, 40000.5, 'USDT', 0.80001000,
        CASE WHEN i % 10 = 0 THEN 'BNB' ELSE 'USDT' END, 'MAKER',
        CASE WHEN i % 2 = 1 THEN hashint4(i) % 100000 * 0.001 + 2 ELSE 0.000 END, ts, ts, i, i,
        'USDT', 4000.0500
    FROM generate_series(0, $1::integer - 1) AS i,
        LATERAL (SELECT 1640995200000000000 + (i / 3)::bigint * 90000000007 AS ts) AS at
    """,
    """
    INSERT INTO positions (strategy_id, position_id, n, account_id, instrument_id, status, entry, side, signed_qty,
        peak_qty, cost, close_qty, close_value, avg_px_open, avg_px_close, currency, realized_pnl, total_fees,
        ts_opened, ts_closed, first_ts_init, first_trade_seq, first_seq, last_ts_event, last_ts_init, last_trade_seq,
        last_seq)
    SELECT strategy_id, position_id, position_n, account_id, instrument_id, 'CLOSED', 'BUY', 'FLAT', 0, 0.1, 0, 0.1,
        4000, 40000, 40000, currency, sum(realized_pnl), sum(commission) FILTER (WHERE commission_currency = currency),
        min(ts_event), max(ts_event), min(ts_init), min(trade_seq), min(seq), max(ts_event), max(ts_init),
        max(trade_seq), max(seq)
    FROM fills GROUP BY strategy_id, position_id, position_n, account_id, instrument_id, currency
    """,
    """
    INSERT INTO fill_totals (strategy_id, day, instrument_id, currency, side, fills, quantity, notional, realized_pnl,
        total_fees, first_ts, last_ts)
    SELECT strategy_id, date '1970-01-01' + (ts_event / 86400000000000)::int, instrument_id, paid_in, side,
        sum(is_fill), sum(last_qty * is_fill), sum(last_qty * last_px * is_fill), sum(realized_pnl * is_fill), sum(fee),
        min(ts_event), max(ts_event)
    FROM (
        SELECT *, 1 AS is_fill, currency AS paid_in,
            CASE WHEN commission_currency = currency THEN commission ELSE 0 END AS fee
        FROM fills
        UNION ALL
        SELECT *, 0, commission_currency, commission FROM fills WHERE commission_currency <> currency
    ) AS part GROUP BY 1, 2, 3, 4, 5
    """,
    """
    INSERT INTO fill_sums (strategy_id, instrument_id, currency, side, fills, quantity, notional, realized_pnl,
        total_fees, first_ts, last_ts)
    SELECT strategy_id, instrument_id, currency, side, sum(fills), sum(quantity), sum(notional), sum(realized_pnl),
        sum(total_fees), min(first_ts), max(last_ts)
    FROM fill_totals GROUP BY 1, 2, 3, 4
    """,
    """
    INSERT INTO trade_totals (strategy_id, day, currency, trades, wins, losses, profit, loss)
    SELECT strategy_id, date '1970-01-01' + (ts_closed / 86400000000000)::int, currency, count(*),
        count(*) FILTER (WHERE net > 0), count(*) FILTER (WHERE net < 0), sum(greatest(net, 0)), sum(greatest(-net, 0))
    FROM (SELECT *, realized_pnl - total_fees AS net FROM positions) AS closed GROUP BY 1, 2, 3
    """,
)


async def run() -> list[Comparison]:
    """Runs both in turns over the same rows; their responses must be equal in content."""
    with (
        tempfile.TemporaryDirectory(prefix="purser-bench-") as directory,
        EmbeddedServer.start(Path(directory)) as server,
    ):
        url = server.url_of("postgres")
        await upgrade(url)
        connection = await asyncpg.connect(url)
        await insert_equity_rows(connection, FILLS)
        # On a busy machine both exceed the usual statement timeout.
        with uvicorn("app.cli.worker:create_app", url, PURSER_STATEMENT_TIMEOUT_SECONDS="120") as port:
            ours, theirs = await _in_turns(connection, port)
        await connection.close()
    how = (
        f"{POINTS} points and all statistics of {FILLS:,} fills and {FILLS // 2:,} trades in one request, "
        f"{min(FILLS / rate for rate in ours):.1f} s at best; {ROUNDS} rounds in turns; answers equal in content"
    )
    against = "one statement written by hand"
    return [Comparison("equity by fill", how, "fills/s", against, ours, theirs, ratio_min=1 / RATIO_MAX)]


async def insert_equity_rows(connection: asyncpg.Connection, fills: int) -> str:
    """Fills empty tables with one strategy, its fills, positions and totals. Returns the id of the strategy."""
    for statement in _ROWS:
        await connection.execute(statement, *([fills] if "$1" in statement else []))
    await connection.execute("VACUUM ANALYZE")
    strategy_id: str = await connection.fetchval("SELECT strategy_id::text FROM strategies")
    return strategy_id


async def _in_turns(connection: asyncpg.Connection, port: int) -> tuple[list[float], list[float]]:
    """Fills a second of Purser and of the statement, round by round."""
    strategy_id = await connection.fetchval("SELECT strategy_id::text FROM strategies")
    request = post_json("/graphql", {"query": DOCUMENT, "variables": {"id": strategy_id}})

    async def purser() -> object:
        answer = orjson.loads(await answer_to(port, request))
        assert "errors" not in answer, answer
        return answer["data"]["performance"]

    async def by_hand() -> object:
        return orjson.loads(await connection.fetchval(STATEMENT, strategy_id))

    expected, answered = await by_hand(), await purser()
    assert answered == expected, "the answers differ: the comparison would mean nothing"
    figures: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        for index in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            await (purser, by_hand)[index]()
            figures[index].append(FILLS / (time.perf_counter() - started))
    return figures
