"""Finds the PostgreSQL server of a data directory, and its processes; locks between processes."""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

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


@dataclass(frozen=True)
class PostmasterFile:
    """`postmaster.pid`, written by a server; a dead server's file remains."""

    pid: int
    socket_dir: Path | None
    status: str

    @classmethod
    def read(cls, data: Path) -> "PostmasterFile | None":
        """Read the file; None if it does not exist or is being written."""
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (OSError, ValueError, IndexError):
            return None
        socket_dir = Path(lines[4]) if len(lines) > 4 and lines[4] else None
        return cls(pid, socket_dir, lines[7].strip() if len(lines) > 7 else "starting")


def find_postmaster(data: Path) -> PostmasterFile | None:
    """The live server of a data directory.

    Its pid alone is no proof: the process may be a zombie or another program by now. A server's working directory is
    its data directory.
    """
    found = PostmasterFile.read(data)
    return found if found is not None and _serves(found.pid, data) else None


def end_orphans(data: Path, *, by_force: bool) -> None:
    """End server processes that outlived their postmaster. A busy one would notice only when its query ends."""
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres" and _serves(process.pid, data):
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL if by_force else signal.SIGTERM)


def _serves(pid: int, data: Path) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
        return Path(process.cwd()) == data
    except psutil.Error:
        return False
