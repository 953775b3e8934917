"""Finds the PostgreSQL server of a data directory, and its processes."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


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
    if found is None or not _serves(found.pid, data):
        return None
    return found


def end_orphans(data: Path, *, by_force: bool) -> None:
    """End server processes that outlived their postmaster. A busy one would notice only when its query ends."""
    for process in _processes_in(data):
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL if by_force else signal.SIGTERM)


def _processes_in(data: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres" and _serves(process.pid, data):
            yield process


def _serves(pid: int, data: Path) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
        return Path(process.cwd()) == data
    except psutil.Error:
        return False
