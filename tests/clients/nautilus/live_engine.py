"""Runs the program `live_node` as a process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cli.processes import ROOT, environment

_SECONDS_MAX = 120


class Engine:
    """A running node."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.log: list[str] = []

    def state(self) -> dict[str, Any]:
        """Waits for the state that the program prints. The engine's own log is on the same stream."""
        return json.loads(self._line('{"orders"'))  # type: ignore[no-any-return]

    def quote(self, number: int) -> None:
        """Waits until the node got this quote; every tenth one is announced."""
        self._line(f"quote {number}\n")

    def _line(self, beginning: str) -> str:
        assert self._process.stdout is not None  # it is a pipe
        for line in self._process.stdout:
            if line.startswith(beginning):
                return line
            self.log.append(line)
        raise AssertionError("".join([*self.log, self._process.communicate(timeout=_SECONDS_MAX)[1]]))

    def kill(self) -> None:
        """Kills the program as `kill -9` does."""
        self._process.kill()
        self._process.wait()

    def end(self) -> str:
        """Waits for the program to end. Returns its errors."""
        _, errors = self._process.communicate(timeout=_SECONDS_MAX)
        assert self._process.returncode == 0, errors
        return errors


@contextmanager
def live_engine(url: str, spool_dir: Path, **plan: Any) -> Iterator[Engine]:
    """A node with this plan, killed at the end if it still runs."""
    argument = json.dumps({"url": url, "spool_dir": str(spool_dir)} | plan)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.clients.nautilus.live_node", argument],
        cwd=ROOT,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Engine(process)
        finally:
            process.kill()
