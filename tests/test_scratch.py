"""A test run leaves no PostgreSQL and no file behind, also when a signal ends it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
DEADLINE_SECONDS = 60.0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_pytest_ends_its_postgresql(how: signal.Signals) -> None:
    pytest_ = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist"]
    with subprocess.Popen(
        [*pytest_, "tests/stalled.py"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        printed = json.loads(next(line for line in process.stdout if line.startswith("{")))
        postgres, scratch = psutil.Process(printed["postgres"]), Path(printed["scratch"])
        assert postgres.name() == "postgres"
        assert list(scratch.glob("*/postgres/postmaster.pid")) != []
        process.send_signal(how)
        process.communicate(timeout=DEADLINE_SECONDS)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while postgres.is_running() or scratch.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
