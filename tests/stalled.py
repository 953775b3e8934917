"""One test that never ends, for test_scratch: run by its name only."""

import asyncio
import json
import os
import signal

import pytest

from app.database import Database
from app.database.embedded import EmbeddedServer

pytestmark = pytest.mark.anyio

# A shell has background jobs ignore it, and what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


async def test_never_ends(server: EmbeddedServer, database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    with capfd.disabled():
        print("\n" + json.dumps({"scratch": os.environ["TMPDIR"], "postgres": server.postmaster_pid}), flush=True)
    await asyncio.Event().wait()
