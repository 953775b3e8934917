"""The fastest hand-written route: FastAPI, asyncpg, one statement per request.

It sends the bytes and headers of Purser's GET /api/trading/orders, without filters, validation and errors.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import FastAPI, Query, Response

# The limit is part of the text: with a parameter, PostgreSQL would plan the statement for each request.
ROWS = """
SELECT o.client_order_id, o.venue_order_id, o.strategy_id, s.name AS strategy_name, o.trader_id,
    o.account_id, o.instrument_id, o.position_id, o.side, o.order_type, o.time_in_force, o.status,
    o.quantity, o.filled_qty, greatest(o.quantity - o.filled_qty, 0) AS leaves_qty, o.price,
    o.trigger_price, o.avg_px, o.reduce_only, o.post_only, o.deny_reason, o.tags,
    replace((timestamp '1970-01-01' + o.ts_init / 1000000000 * interval '1 second')::text, ' ', 'T')
        || '.' || lpad((o.ts_init % 1000000000)::text, 9, '0') || 'Z' AS ts_init,
    replace((timestamp '1970-01-01' + o.ts_last / 1000000000 * interval '1 second')::text, ' ', 'T')
        || '.' || lpad((o.ts_last % 1000000000)::text, 9, '0') || 'Z' AS ts_last
FROM orders AS o LEFT JOIN strategies AS s ON s.strategy_id = o.strategy_id
ORDER BY o.ts_init DESC, o.client_order_id DESC, o.strategy_id DESC
LIMIT {limit} OFFSET {offset}
"""
BODY = f"SELECT coalesce(json_agg(row_to_json(r)), '[]'::json) FROM ({ROWS}) AS r"
SQL = f"SELECT ({BODY}) AS body, (SELECT coalesce(sum(orders), 0)::bigint FROM order_totals) AS total"


def create_app() -> FastAPI:
    """The application."""
    app = with_pool(json_as_bytes)

    @app.get("/api/trading/orders")
    async def list_orders(
        limit: Annotated[int, Query(ge=1, le=1000)] = 100, offset: Annotated[int, Query(ge=0, le=10**9)] = 0
    ) -> Response:
        async with app.state.pool.acquire() as connection:
            body, total = await connection.fetchrow(SQL.format(limit=limit, offset=offset))
        headers = {"X-Total-Count": str(total)}
        if offset + limit < total:
            following = f"/api/trading/orders?limit={limit}&offset={offset + limit}"
            headers["Link"] = f'<{following}>; rel="next"'
        return Response(body, media_type="application/json", headers=headers)

    return app


def with_pool(init: Callable[[asyncpg.Connection], Awaitable[None]]) -> FastAPI:
    """An application with `state.pool`, whose connections `init` prepares."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(
            os.environ["PURSER_DATABASE_URL"], min_size=8, max_size=8, init=init, reset=no_reset
        )
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


async def no_reset(_: asyncpg.Connection) -> None:
    """The routes leave connections unchanged: resetting each one would cost a round trip."""


async def json_as_bytes(connection: asyncpg.Connection) -> None:
    """Returns `json` as the bytes that PostgreSQL sent."""
    await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
