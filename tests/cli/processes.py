"""`purser` as a process: the installed script, or a process forked by tests/cli/forking.py, which starts faster."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

DEADLINE_SECONDS = 60.0
SCRIPT = Path(sys.executable).with_name("purser")
ROOT = Path(__file__).parents[2]
_control: socket.socket
"""The forking program reads requests from this socket, and exits when it is closed."""


class Done(NamedTuple):
    """The exit status and the output of a command."""

    returncode: int
    stdout: str
    stderr: str


class Forked:
    """A running command, with the part of `subprocess.Popen` that tests of commands use."""

    def __init__(self, arguments: tuple[str | Path, ...], environment: Mapping[str, str]) -> None:
        self.returncode: int | None = None
        self._stdout, self._stderr = (os.memfd_create(name) for name in ("stdout", "stderr"))
        self._status, status = os.pipe()
        request = json.dumps([[str(argument) for argument in arguments], dict(environment)]).encode()
        socket.send_fds(_control, [request], [self._stdout, self._stderr, status])
        os.close(status)
        self.pid = int(_control.recv(32))

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while the process runs."""
        return self._wait(0)

    def communicate(self, timeout: float = DEADLINE_SECONDS) -> tuple[str, str]:
        """Waits for the process to end. Returns its output, only inside `with`. Raises TimeoutError."""
        if self._wait(timeout) is None:
            raise TimeoutError(f"the command still runs after {timeout:g} seconds")
        return _text_of(self._stdout), _text_of(self._stderr)

    def send_signal(self, how: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, how)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._wait(DEADLINE_SECONDS if error is None else 0) is None:
            self.kill()
            self._wait(DEADLINE_SECONDS)
        os.close(self._stdout)
        os.close(self._stderr)

    def _wait(self, timeout_seconds: float) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout_seconds)[0]:
            self.returncode = int(os.read(self._status, 32))
            os.close(self._status)
        return self.returncode


def purser(settings: Mapping[str, str], *arguments: str | Path) -> Done:
    """Runs a command with these settings and no others."""
    with Forked(arguments, environment(settings)) as process:
        return _done(process)


def installed_purser(settings: Mapping[str, str], *arguments: str | Path) -> Done:
    """Runs a command through the installed script, with these settings and no others."""
    with subprocess.Popen(
        [SCRIPT, *arguments],
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        return _done(process)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process without PURSER_ variables, plus these settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PURSER_")} | dict(settings)


def _done(process: "Forked | subprocess.Popen[str]") -> Done:
    try:
        output = process.communicate(timeout=DEADLINE_SECONDS)
    except BaseException:
        process.kill()
        raise
    assert process.returncode is not None
    return Done(process.returncode, *output)


@contextmanager
def forking() -> Iterator[None]:
    """Runs the forking program, which Forked and `purser` need."""
    global _control
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.forking", str(its.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
            start_new_session=True,
        )
    with server, ours:
        _control = ours
        yield


def _text_of(descriptor: int) -> str:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()
