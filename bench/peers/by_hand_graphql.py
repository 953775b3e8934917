"""One hand-written route for each query: the bytes of Purser's responses, without GraphQL.

The statements are constants; nothing is validated. The pool is asyncpg's default, which resets a connection with a
statement each time it is released: that is part of the ratios.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Response

from bench.peers.by_hand import json_as_bytes, no_reset


def _instant(column: str) -> str:
    return (
        f"replace((timestamp '1970-01-01' + {column} / 1000000000 * interval '1 second')::text, ' ', 'T')"
        f" || '.' || lpad(({column} % 1000000000)::text, 9, '0') || 'Z'"
    )


FLAT = f"""
SELECT coalesce(json_agg(row_to_json(r)), '[]'::json) FROM (
    SELECT client_order_id AS "clientOrderId", venue_order_id AS "venueOrderId", strategy_id AS "strategyId",
        trader_id AS "traderId", account_id AS "accountId", instrument_id AS "instrumentId",
        position_id AS "positionId", side, order_type AS type, time_in_force AS "timeInForce", status,
        quantity::text, filled_qty::text AS "filledQty", price::text, {_instant("ts_init")} AS "tsInit"
    FROM orders ORDER BY ts_init DESC, client_order_id DESC, strategy_id DESC LIMIT 100
) AS r
"""
NESTED = f"""
SELECT coalesce(json_agg(row_to_json(r)), '[]'::json) FROM (
    SELECT client_order_id AS "clientOrderId", strategy_id AS "strategyId", instrument_id AS "instrumentId", side,
        status, quantity::text, price::text, {_instant("ts_init")} AS "tsInit", json_build_object('nodes', (
            SELECT coalesce(json_agg(row_to_json(f)), '[]'::json) FROM (
                SELECT trade_id AS "tradeId", last_qty::text AS "lastQty", last_px::text AS "lastPx",
                    commission::text, liquidity_side AS "liquiditySide", {_instant("ts_event")} AS "tsEvent"
                FROM fills WHERE (strategy_id, client_order_id) = (orders.strategy_id, orders.client_order_id)
                ORDER BY ts_event DESC, event_id DESC LIMIT 10) AS f)) AS fills
    FROM orders ORDER BY ts_init DESC, client_order_id DESC, strategy_id DESC LIMIT 100
) AS r
"""
TREE = """
SELECT coalesce(json_agg(row_to_json(r)), '[]'::json) FROM (
    SELECT name, state, json_build_object('nodes', (
        SELECT coalesce(json_agg(row_to_json(o)), '[]'::json) FROM (
            SELECT client_order_id AS "clientOrderId", side, status, quantity::text, json_build_object('nodes', (
                SELECT coalesce(json_agg(row_to_json(f)), '[]'::json) FROM (
                    SELECT trade_id AS "tradeId", last_qty::text AS "lastQty", last_px::text AS "lastPx"
                    FROM fills WHERE (strategy_id, client_order_id) = (orders.strategy_id, orders.client_order_id)
                    ORDER BY ts_event DESC, event_id DESC LIMIT 10) AS f)) AS fills
            FROM orders WHERE strategy_id = strategies.strategy_id
            ORDER BY ts_init DESC, client_order_id DESC LIMIT 20) AS o)) AS orders
    FROM strategies ORDER BY created_at DESC LIMIT 20
) AS r
"""
BY_ID = f"""
SELECT row_to_json(r) FROM (
    SELECT client_order_id AS "clientOrderId", venue_order_id AS "venueOrderId", strategy_id AS "strategyId",
        instrument_id AS "instrumentId", side, order_type AS type, status, quantity::text,
        filled_qty::text AS "filledQty", price::text, {_instant("ts_init")} AS "tsInit"
    FROM orders WHERE client_order_id = $1 LIMIT 1
) AS r
"""
DEEP = f"""
SELECT coalesce(json_agg(row_to_json(r)), '[]'::json) FROM (
    SELECT client_order_id AS "clientOrderId", instrument_id AS "instrumentId", side, status, quantity::text,
        price::text, {_instant("ts_init")} AS "tsInit"
    FROM orders WHERE strategy_id = $1 AND ts_init < $2
    ORDER BY ts_init DESC, client_order_id DESC LIMIT 50
) AS r
"""
AGGREGATE = """
SELECT coalesce(json_agg(row_to_json(r)), '[]'::json) FROM (
    SELECT instrument_id AS "instrumentId", sum(fills)::bigint AS fills, sum(quantity)::text AS quantity,
        sum(notional)::text AS notional
    FROM fill_sums GROUP BY instrument_id ORDER BY instrument_id
) AS r
"""


def create_app() -> FastAPI:
    """The application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(
            os.environ["PURSER_DATABASE_URL"], min_size=8, max_size=8, init=json_as_bytes, reset=no_reset
        )
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    async def ask(around: tuple[bytes, bytes], sql: str, *arguments: object) -> Response:
        async with app.state.pool.acquire() as connection:
            body = await connection.fetchval(sql, *arguments)
        return Response(around[0] + body + around[1], media_type="application/json")

    orders, strategies = ((f'{{"data":{{"{name}":{{"nodes":'.encode(), b"}}}") for name in ("orders", "strategies"))

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/flat")
    async def flat() -> Response:
        return await ask(orders, FLAT)

    @app.get("/nested")
    async def nested() -> Response:
        return await ask(orders, NESTED)

    @app.get("/tree")
    async def tree() -> Response:
        return await ask(strategies, TREE)

    @app.get("/by_id")
    async def by_id(id: str) -> Response:
        return await ask((b'{"data":{"order":', b"}}"), BY_ID, id)

    @app.get("/deep")
    async def deep(strategy: str, before: int) -> Response:
        return await ask(orders, DEEP, strategy, before)

    @app.get("/aggregate")
    async def aggregate() -> Response:
        return await ask((b'{"data":{"fillsSummary":{"groups":', b"}}}"), AGGREGATE)

    return app
