"""The application in a uvicorn server with its own thread, for tests over real connections."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from app.cli.serving import WEBSOCKET_OPTIONS
from tests.application import create_test_app


@contextmanager
def running(
    url: str,
    extend: Callable[[FastAPI], None] = lambda _: None,
    server_options: Mapping[str, Any] = WEBSOCKET_OPTIONS,
    **options: Any,
) -> Iterator[str]:
    """The URL of a started server over the database at `url`; `extend` adds to the application."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = create_test_app(url, **options)
        extend(app)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, **server_options))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
