"""A temporary server of the PostgreSQL that the system has installed, if any."""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.database.postgres_programs import make_reachable, system_user_for
from app.database.upgrade import connect
from app.errors import DatabaseUnavailable


def _find_programs() -> Path | None:
    for version in (15, 16, 17):
        found = Path(f"/usr/lib/postgresql/{version}/bin")
        if (found / "initdb").exists():
            return found
    return None


SYSTEM_POSTGRES = _find_programs()


@contextmanager
def system_postgres() -> Iterator[str]:
    """The URL of a database in a fresh cluster, on a socket in a temporary directory."""
    assert SYSTEM_POSTGRES is not None
    with tempfile.TemporaryDirectory(prefix="purser-pg-") as directory:
        data = Path(directory) / "data"
        data.mkdir(mode=0o700)
        user = system_user_for(data)
        user.own(data)
        make_reachable(user, data)
        run = {"cwd": "/", "capture_output": True, "check": True, **user.popen_arguments()}
        subprocess.run([SYSTEM_POSTGRES / "initdb", "-U", "postgres", "-A", "trust", "-N", "-D", data], **run)
        server = subprocess.Popen(
            [SYSTEM_POSTGRES / "postgres", "-F", "-D", data, "-k", data, "-c", "listen_addresses="],
            cwd="/",
            stderr=subprocess.DEVNULL,
            **user.popen_arguments(),
        )
        try:
            url = f"postgresql://postgres@/postgres?host={data}"
            asyncio.run(_until_ready(url))
            yield url
        finally:
            server.terminate()
            server.wait(30)


async def _until_ready(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            await (await connect(url)).close()
        except DatabaseUnavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            return
