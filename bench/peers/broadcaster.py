"""A bare ASGI broadcaster: sends the lines of a file to all WebSockets, as messages, once `/start` is requested."""

import asyncio
import os
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

MESSAGES_ENV = "BROADCAST_MESSAGES"


def create_app() -> ASGIApp:
    """The application; the environment names the file."""
    texts = Path(os.environ[MESSAGES_ENV]).read_text().splitlines()
    started = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"] == "/start":
                started.set()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
            await started.wait()
            for text in texts:
                await send({"type": "websocket.send", "text": text})
            await receive()

    return app
