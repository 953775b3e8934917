"""The least that an authorization could be: an HTTP request that commits one row in PostgreSQL."""

import os

import asyncpg

_TABLE = "CREATE TABLE IF NOT EXISTS written (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea)"
_INSERT = "INSERT INTO written (body) VALUES ($1)"
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"15")]
_BODY = b'{"status":"ok"}'


class _Application:
    """ASGI without a framework. POST writes the body; GET answers the same."""

    def __init__(self) -> None:
        self._pool: asyncpg.Pool | None = None

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if scope["type"] != "http":
            return
        if self._pool is None:
            self._pool = await asyncpg.create_pool(os.environ["PURSER_DATABASE_URL"], min_size=4, max_size=4)
            await self._pool.execute(_TABLE)
        if scope["method"] == "POST":
            message = await receive()
            body = message["body"]
            while message.get("more_body"):
                message = await receive()
                body += message["body"]
            await self._pool.execute(_INSERT, body)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": _BODY})


def create_app() -> _Application:
    """The application."""
    return _Application()
