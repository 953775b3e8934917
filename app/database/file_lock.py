"""Locks between processes, which the kernel releases when their holder dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.02


class FileLock:
    """An flock(2) on a file that is never deleted; its content is irrelevant."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def take_shared(self) -> None:
        """Take a shared lock; waits while another process has an exclusive one."""
        fcntl.flock(self._opened(), fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Take an exclusive lock if no other process has one; a shared lock of this process is released either way."""
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            return False
        return True

    @contextmanager
    def exclusive(self, timeout_seconds: float) -> Iterator[None]:
        """An exclusive lock during the block. Raises TimeoutError."""
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
        """The file descriptor. A child process that inherits it shares the lock, and keeps it."""
        return self._opened()

    def close(self) -> None:
        """Release the lock. Child processes that inherited the descriptor keep theirs, which LOCK_UN would end too."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _opened(self) -> int:
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._fd
