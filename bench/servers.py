"""Servers for benchmarks: a database with many rows, and uvicorn processes with one worker each."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from app.database.embedded import EmbeddedServer
from app.database.upgrade import upgrade
from bench.trading_rows import insert_trading_rows

_START_SECONDS_MAX = 30


@asynccontextmanager
async def database_with_rows(orders: int) -> AsyncIterator[str]:
    """The URL of a temporary database with that many orders."""
    with (
        tempfile.TemporaryDirectory(prefix="purser-bench-") as directory,
        EmbeddedServer.start(Path(directory)) as server,
    ):
        url = server.url_of("postgres")
        await upgrade(url)
        connection = await asyncpg.connect(url)
        await insert_trading_rows(connection, orders)
        await connection.close()
        yield url


def free_port() -> int:
    """A port that no process listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def uvicorn(application: str, database_url: str, **settings: str) -> Iterator[int]:
    """A uvicorn process with one worker and these environment variables. Yields the port it listens on."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", application, "--port", str(port), "--no-access-log"]
    environment = {**os.environ, "PURSER_DATABASE_URL": database_url, **settings}
    with serving([*command, "--log-level", "warning"], environment, port):
        yield port


@contextmanager
def serving(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    """A server process that answers on the port, ended with the block."""
    process = subprocess.Popen(command, env=environment)
    try:
        wait_until_answering(port, process)
        yield
    finally:
        process.terminate()
        process.wait()


def wait_until_answering(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Waits until a server answers. Raises RuntimeError if it does not."""
    deadline = time.monotonic() + _START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"The server on port {port} does not answer.")
