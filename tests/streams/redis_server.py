"""A real Redis on a free port, with every write in its append-only file."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

START_TIMEOUT_SECONDS = 20.0
_POLL_SECONDS = 0.02
_OPTIONS = ["--bind", "127.0.0.1", "--save", "--appendonly", "yes", "--appendfsync", "always"]


class RedisServer:
    """The server of a directory; `start` after `stop` continues with its data."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._directory = directory
        self._options = options
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["redis-server", *_OPTIONS, "--port", str(self.port), "--dir", self._directory, *self._options],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._is_listening():
            assert self._process.poll() is None, "redis-server has ended"
            assert time.monotonic() < deadline, "redis-server does not listen"
            time.sleep(_POLL_SECONDS)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        self._process.wait()

    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, protocol=2)

    def _is_listening(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A started server without data."""
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server: install Debian's package redis-server")
    with tempfile.TemporaryDirectory(prefix="purser-redis-") as directory:
        server = RedisServer(Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGKILL)
