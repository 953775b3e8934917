"""Locks between processes that the kernel drops when their holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.02


class FileLock:
    """An flock(2) on a file that stays; the file's content means nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def take_shared(self) -> None:
        """Hold it together with any number of other sharers; waits while someone holds it alone."""
        fcntl.flock(self._opened(), fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Hold it alone, if nobody else holds it now. A shared hold of our own is given up either way."""
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            return False
        return True

    @contextmanager
    def exclusive(self, timeout_seconds: float) -> Iterator[None]:
        """Hold it alone during the block. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_seconds
        while not self.try_exclusive():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Another process has held {self._path} for {timeout_seconds:g} seconds.")
            time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            self.close()

    @property
    def fd(self) -> int:
        """The descriptor. A child that inherits it holds the lock with us, and after us."""
        return self._opened()

    def close(self) -> None:
        """Let go. Children that inherited the descriptor keep the lock; LOCK_UN would end theirs too."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _opened(self) -> int:
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._fd
