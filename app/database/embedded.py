"""The embedded server: a PostgreSQL in a data directory, which Purser starts, shares, watches and stops.

Any number of processes may use a data directory at once. Three files coordinate them, locked with flock(2), so that a
killed process leaves no lock behind (docs/adr/0001-embedded-server.md):

    postgres.holders   locked shared by every process that uses the server; the last one stops it
    postgres.starting  locked by the process that finds, starts or stops the server
    postgres.running   inherited by the server and its children; unlocked once all of them have ended
"""

import contextlib
import hashlib
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psutil

from app.database.postgres_programs import (
    MAJOR_VERSION,
    configuration,
    environment,
    make_reachable,
    programs_dir,
    run_program,
    system_user_for,
)
from app.database.postmaster import POLL_SECONDS, FileLock, PostmasterFile, end_orphans, find_postmaster
from app.errors import EmbeddedServerError

DATABASE_NAME = "purser"
LOCK_TIMEOUT_SECONDS = 180.0
READY_TIMEOUT_SECONDS = 300.0
"""Replaying max_wal_size of WAL after a crash may take this long on a slow disk."""
ORPHANS_TIMEOUT_SECONDS = 20.0
ORPHANS_FORCE_AFTER_SECONDS = 2.0
STOP_TIMEOUT_SECONDS = 60.0
WATCH_INTERVAL_SECONDS = 0.2
WATCH_BACKOFF_SECONDS_MAX = 10.0
LOG_SIZE_MAX = 1024 * 1024
LOG_TAIL_LINES = 20
_SOCKET_PATH_BYTES_MAX = 103
_PLAIN_PATH = re.compile(r"[\w./+@=-]+", re.ASCII)
_WORTH_RETRYING = ("is still in use", "lock file")

logger = logging.getLogger(__name__)

_launched: list[subprocess.Popen[bytes]] = []
"""Servers started by this process, to be reaped: they may outlive their EmbeddedServer."""


class EmbeddedServer:
    """This process's share in the server of a data directory, from `start` to `stop`."""

    def __init__(self, data_dir: Path, *, durable: bool) -> None:
        self._dir = data_dir
        self._data = data_dir / "postgres"
        self._log = data_dir / "postgres.log"
        self._durable = durable
        self._holders = FileLock(data_dir / "postgres.holders")
        self._socket_dir = self._data
        self._log_start = 0
        self._leaving = threading.Event()
        self._watcher: threading.Thread | None = None

    @classmethod
    def start(cls, data_dir: Path, *, durable: bool = True) -> Self:
        """Start the server or find the running one, and wait until it accepts connections.

        Until `stop`, a thread watches the server and restarts it if it dies. `durable=False` is for tests: a crash of
        the machine may lose data. Raises EmbeddedServerError.
        """
        data_dir = data_dir.absolute()
        try:
            # PostgreSQL's user must pass through a directory of root's; the data in it has mode 0700 either way.
            data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            server = cls(data_dir.resolve(), durable=durable)
            with server._starting():
                server._holders.take_shared()
                try:
                    server._ensure_running()
                except BaseException:
                    server._holders.close()
                    raise
        except (OSError, TimeoutError) as error:
            raise EmbeddedServerError(f"The embedded PostgreSQL under {data_dir} cannot be started: {error}") from error
        server._watcher = threading.Thread(target=server._watch, name="embedded-postgres", daemon=True)
        server._watcher.start()
        return server

    @property
    def url(self) -> str:
        """A libpq URL of the database."""
        return self.url_of(DATABASE_NAME)

    def url_of(self, database: str) -> str:
        """A libpq URL of a database of this server."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self._socket_dir))}"

    @property
    def postmaster_pid(self) -> int | None:
        """The server's process id, or None while it is not running."""
        found = find_postmaster(self._data)
        return found.pid if found else None

    def stop(self) -> None:
        """Give up this process's share; the last one stops the server. May be repeated. Raises EmbeddedServerError."""
        if self._watcher is None:
            return
        self._leaving.set()
        self._watcher.join()
        self._watcher = None
        try:
            with self._starting():
                if self._holders.try_exclusive():
                    self._shut_down()
        except TimeoutError as error:
            raise EmbeddedServerError(f"The embedded PostgreSQL cannot be stopped: {error}") from error
        finally:
            self._holders.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _starting(self) -> contextlib.AbstractContextManager[None]:
        return FileLock(self._dir / "postgres.starting").exclusive(LOCK_TIMEOUT_SECONDS)

    # --- starting; all of it under the lock `postgres.starting` ---

    def _ensure_running(self) -> None:
        deadline = time.monotonic() + ORPHANS_TIMEOUT_SECONDS
        while True:
            found = find_postmaster(self._data)
            if found is not None:
                if self._becomes_ready(found.pid):
                    return
                continue
            running = self._wait_for_orphans()
            try:
                self._initialize(running)
                process = self._launch(running)
            finally:
                running.close()
            if self._becomes_ready(process.pid):
                return
            log = self._log_end()
            if not any(phrase in log for phrase in _WORTH_RETRYING) or time.monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL did not start. {log}")
            time.sleep(POLL_SECONDS)

    def _wait_for_orphans(self) -> FileLock:
        """Wait until no process of an earlier server is left; returns the lock that shows it."""
        running = FileLock(self._dir / "postgres.running")
        began = time.monotonic()
        while not running.try_exclusive():
            waited = time.monotonic() - began
            if waited > ORPHANS_TIMEOUT_SECONDS:
                raise EmbeddedServerError(
                    f"Processes that are invisible to this one, perhaps in another container, use the data in "
                    f"{self._data}. Stop them, or set PURSER_DATA_DIR to another directory."
                )
            end_orphans(self._data, by_force=waited > ORPHANS_FORCE_AFTER_SECONDS)
            time.sleep(POLL_SECONDS)
        return running

    def _initialize(self, running: FileLock) -> None:
        """Create the cluster and the database, completely or not at all: in another directory, then renamed."""
        if (version := self._data / "PG_VERSION").exists():
            if (found := version.read_text().strip()) != str(MAJOR_VERSION):
                raise EmbeddedServerError(
                    f"{self._data} was written by PostgreSQL {found}; this release has PostgreSQL {MAJOR_VERSION}. "
                    "Back it up with the release that wrote it (purser db backup), then restore the backup into an "
                    "empty PURSER_DATA_DIR."
                )
            return
        aside = self._dir / "postgres.new"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        user = system_user_for(self._data)
        user.own(aside)
        make_reachable(user, self._dir)
        arguments = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        sync = [] if self._durable else ["--no-sync"]
        run_program("initdb", "-D", str(aside), *arguments, *locale, *sync, user=user, keep_open=running.fd)
        run_program(
            *("postgres", "--single", "-D", str(aside), *(() if self._durable else ("-F",)), "template1"),
            user=user,
            stdin=f"CREATE DATABASE {DATABASE_NAME}\n",
            keep_open=running.fd,
        )
        aside.rename(self._data)
        directory = os.open(self._dir, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    def _launch(self, running: FileLock) -> subprocess.Popen[bytes]:
        user = system_user_for(self._data)
        make_reachable(user, self._dir)
        self._socket_dir = self._usable_socket_dir()
        stale = PostmasterFile.read(self._data)
        if self._log.exists() and self._log.stat().st_size > LOG_SIZE_MAX:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            process = subprocess.Popen(
                [
                    *(str(programs_dir() / "postgres"), "-D", str(self._data)),
                    *configuration(self._socket_dir, durable=self._durable),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # PostgreSQL treats a lock file as stale if it names this pid. Ours is stale, because postgres.running
                # is unlocked, but its pid may be a zombie's or another program's by now.
                env=environment() | ({"PG_GRANDPARENT_PID": str(stale.pid)} if stale else {}),
                # Ctrl-C in a terminal reaches the whole process group, but the server must stop after the service.
                start_new_session=True,
                pass_fds=(running.fd,),
                **user.popen_arguments(),
            )
        _launched.append(process)
        return process

    def _becomes_ready(self, pid: int) -> bool:
        """Wait until the server accepts connections; False if it ends before that."""
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        hurried = False
        while time.monotonic() < deadline:
            _reap()
            found = PostmasterFile.read(self._data)
            if found is not None and found.pid == pid and found.status == "ready":
                self._socket_dir = found.socket_dir or self._socket_dir
                return True
            if not _is_alive(pid):
                return False
            if found is not None and found.pid == pid and found.status == "stopping" and not hurried:
                # A "smart" shutdown waits for clients, and they wait for the next start.
                hurried = True
                _signal(pid, signal.SIGINT)
            time.sleep(POLL_SECONDS)
        raise EmbeddedServerError(
            f"PostgreSQL is still not ready after {READY_TIMEOUT_SECONDS:g} seconds. {self._log_end()}"
        )

    def _usable_socket_dir(self) -> Path:
        """The data directory, or a private directory in the temp directory if its path is too long or unusual."""
        path = self._data / ".s.PGSQL.5432"
        if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES_MAX and _PLAIN_PATH.fullmatch(str(path)):
            return self._data
        user = system_user_for(self._data)
        digest = hashlib.sha256(os.fsencode(self._data)).hexdigest()[:16]
        private = Path(tempfile.gettempdir()).resolve() / f"purser-{user.uid}-{digest}"
        with contextlib.suppress(FileExistsError):
            private.mkdir(mode=0o700)
            user.own(private)
        found = private.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != user.uid or found.st_mode & 0o077:
            raise EmbeddedServerError(
                f"The path of {self._data} is too long or unusual for a socket, and {private}, to be used instead, is "
                "not a private directory of PostgreSQL's user. Remove it, or set PURSER_DATA_DIR to another directory."
            )
        make_reachable(user, private)
        return private

    def _log_end(self) -> str:
        """The end of the server's log, for an error's message."""
        with contextlib.suppress(OSError), self._log.open("rb") as log:
            log.seek(self._log_start)
            tail = log.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            return "\n".join([f"Its log {self._log} ends with:", *tail])
        return f"It has no log in {self._log}."

    # --- watching ---

    def _watch(self) -> None:
        backoff_seconds = WATCH_INTERVAL_SECONDS
        while not self._leaving.wait(backoff_seconds):
            _reap()
            backoff_seconds = WATCH_INTERVAL_SECONDS
            found = find_postmaster(self._data)
            if found is not None and found.status != "stopping":
                continue
            try:
                with self._starting():
                    if self._leaving.is_set():
                        return
                    logger.warning("the embedded PostgreSQL has died or is stopping: restarting it")
                    self._ensure_running()
            except (EmbeddedServerError, OSError) as error:
                logger.error("%s", error)
                backoff_seconds = WATCH_BACKOFF_SECONDS_MAX

    # --- stopping; under the lock `postgres.starting` ---

    def _shut_down(self) -> None:
        fast, at_once = (signal.SIGINT, STOP_TIMEOUT_SECONDS), (signal.SIGQUIT, ORPHANS_TIMEOUT_SECONDS)
        for how, timeout_seconds in (fast, at_once):
            if (found := find_postmaster(self._data)) is not None:
                _signal(found.pid, how)
            with contextlib.suppress(TimeoutError):
                with FileLock(self._dir / "postgres.running").exclusive(timeout_seconds):
                    _reap()
                return
        raise EmbeddedServerError(f"PostgreSQL does not stop. {self._log_end()}")


def _is_alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    for process in _launched:
        if process.pid == pid:
            return process.poll() is None
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def _signal(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


def _reap() -> None:
    """Reap ended servers of this process, so that none remains a zombie."""
    for process in list(_launched):
        if process.poll() is not None:
            with contextlib.suppress(ValueError):
                _launched.remove(process)
