"""One test that never ends, for test_scratch, which runs it by name."""

import asyncio
import json
import os
import signal

import pytest

from app.database import Database
from app.database.embedded import EmbeddedServer

pytestmark = pytest.mark.anyio

# A shell starts background jobs with SIGINT ignored, and their children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


async def test_never_ends(server: EmbeddedServer, database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    with capfd.disabled():
        print("\n" + json.dumps({"scratch": os.environ["TMPDIR"], "postgres": server.postmaster_pid}), flush=True)
    await asyncio.Event().wait()
