"""Hand-written FastAPI + asyncpg routes that answer without the count of all rows, which Purser's contract asks for.

`create_app` sends the JSON text that PostgreSQL built: the bytes of Purser's body, and no header of its own.
`create_app_of_rows` builds the same objects in Python and has orjson write them; amounts are floats there.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import FastAPI, Query, Response

from bench.peers.by_hand import BODY, ROWS, json_as_bytes, no_reset

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=10**9)]


def create_app() -> FastAPI:
    """One statement, one text."""
    app = _app(json_as_bytes)

    @app.get("/api/trading/orders")
    async def list_orders(limit: Limit = 100, offset: Offset = 0) -> Response:
        async with app.state.pool.acquire() as connection:
            body = await connection.fetchval(BODY.format(limit=limit, offset=offset))
        return Response(body, media_type="application/json")

    return app


def create_app_of_rows() -> FastAPI:
    """One statement, rows, dictionaries."""
    app = _app(amounts_as_floats)

    @app.get("/api/trading/orders")
    async def list_orders(limit: Limit = 100, offset: Offset = 0) -> Response:
        async with app.state.pool.acquire() as connection:
            rows = await connection.fetch(ROWS.format(limit=limit, offset=offset))
        return Response(orjson.dumps([dict(row) for row in rows], default=str), media_type="application/json")

    return app


def _app(init: Any) -> FastAPI:
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


async def amounts_as_floats(connection: asyncpg.Connection) -> None:
    """`numeric` as float, which orjson writes; exact digits would take a step of their own for each."""
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=float)
