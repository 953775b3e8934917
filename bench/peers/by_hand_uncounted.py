"""Hand-written FastAPI + asyncpg routes without the row count that Purser's documented response includes.

`create_app` sends the JSON text that PostgreSQL builds, which is Purser's body. `create_app_of_rows` builds the
objects in Python for orjson, with amounts as floats.
"""

from typing import Annotated

import asyncpg
import orjson
from fastapi import FastAPI, Query, Response

from bench.peers.by_hand import BODY, ROWS, json_as_bytes, with_pool

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=10**9)]


def create_app() -> FastAPI:
    """The application that sends the text of one statement."""
    app = with_pool(json_as_bytes)

    @app.get("/api/trading/orders")
    async def list_orders(limit: Limit = 100, offset: Offset = 0) -> Response:
        async with app.state.pool.acquire() as connection:
            body = await connection.fetchval(BODY.format(limit=limit, offset=offset))
        return Response(body, media_type="application/json")

    return app


def create_app_of_rows() -> FastAPI:
    """The application that builds dictionaries from the rows of one statement."""
    app = with_pool(amounts_as_floats)

    @app.get("/api/trading/orders")
    async def list_orders(limit: Limit = 100, offset: Offset = 0) -> Response:
        async with app.state.pool.acquire() as connection:
            rows = await connection.fetch(ROWS.format(limit=limit, offset=offset))
        return Response(orjson.dumps([dict(row) for row in rows], default=str), media_type="application/json")

    return app


async def amounts_as_floats(connection: asyncpg.Connection) -> None:
    """Decodes `numeric` to float, which orjson supports; exact digits would need a conversion for each value."""
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=float)
