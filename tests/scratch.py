"""One directory for all files of a test process. It is removed, and its processes are ended, when that process ends.

The directory is in memory if there is room: PostgreSQL creates and drops hundreds of files for each test's database,
and a journaling file system takes ten times as long for that as the test itself.

When the test process ends, also by SIGKILL, the kernel closes its pipe to a watcher: this module, run as a program.
The watcher then ends the remaining processes (servers, services, browsers) and removes the directory.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

GIB = 1024**3
_IN_MEMORY = Path("/dev/shm")
_FREE_BYTES_MIN = 2 * GIB
_CGROUP = Path("/sys/fs/cgroup")
_STOP_TIMEOUT_SECONDS = 20.0


class Scratch:
    """The directory, as TMPDIR of this process and of its children."""

    def __init__(self) -> None:
        self._earlier = (tempfile.tempdir, os.environ.get("TMPDIR"))
        self.directory = Path(tempfile.mkdtemp(prefix="purser-tests-", dir=_place())).resolve()
        # If root runs the tests, PostgreSQL runs as another user and needs to traverse the directory.
        self.directory.chmod(0o711)
        tempfile.tempdir = os.environ["TMPDIR"] = str(self.directory)
        self._watcher = subprocess.Popen(
            [sys.executable, __file__, self.directory], stdin=subprocess.PIPE, start_new_session=True
        )

    def close(self) -> None:
        """Tells the watcher to clean up now, and waits for it."""
        tempfile.tempdir = self._earlier[0]
        if self._earlier[1] is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = self._earlier[1]
        self._watcher.communicate()


def _place() -> Path | None:
    """The parent of the directory; None for the system's default."""
    with suppress(OSError):
        if os.access(_IN_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(_IN_MEMORY).free >= _FREE_BYTES_MIN:
            return _IN_MEMORY if _available_memory() >= 2 * _FREE_BYTES_MIN else None
    return None


def _available_memory() -> int:
    """Bytes that this process may still allocate; files in memory count as allocated."""
    available = psutil.virtual_memory().available
    with suppress(OSError, ValueError):  # No limit ("max"), or no cgroups here.
        limit, used = (int((_CGROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
        available = min(available, limit - used)
    return available


def _end_users_of(directory: str) -> None:
    """Ends the processes that have the directory in their arguments or environment."""
    users = [process for process in psutil.process_iter() if process.pid != os.getpid() and _uses(process, directory)]
    # SIGQUIT lets PostgreSQL clean up its shared memory. Its supervisors, which would restart it, are killed
    # first.
    for is_postgres, how in ((False, signal.SIGKILL), (True, signal.SIGQUIT)):
        for process in users:
            with suppress(psutil.Error):
                if (process.name() == "postgres") is is_postgres:
                    process.send_signal(how)
    _, left = psutil.wait_procs(users, _STOP_TIMEOUT_SECONDS)
    for process in left:
        with suppress(psutil.Error):
            process.kill()


def _uses(process: psutil.Process, directory: str) -> bool:
    with suppress(psutil.Error, OSError):
        return any(directory in text for text in (*process.cmdline(), *process.environ().values()))
    return False


def _watch(directory: str) -> None:
    sys.stdin.read()
    _end_users_of(directory)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    _watch(sys.argv[1])
