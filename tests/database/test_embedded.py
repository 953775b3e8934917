"""The embedded server: processes share it, adopt it and restart it after any failure; the last one stops it."""

import asyncio
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.database.embedded import EmbeddedServer
from app.database.postgres_programs import programs_dir
from app.database.postmaster import FileLock, PostmasterFile, find_postmaster
from app.database.upgrade import connect
from app.errors import DatabaseUnavailable, EmbeddedServerError
from tests.conftest import execute

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 30.0


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="purser-embedded-") as directory:
        yield Path(directory) / "data"


class Holder:
    """Another process that uses the server."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        first_line = process.stdout.readline().split()
        assert first_line, "the holder did not start"
        self.postmaster_pid, self.url = int(first_line[0]), first_line[1]

    def leave(self) -> None:
        self.process.communicate(timeout=DEADLINE_SECONDS)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=DEADLINE_SECONDS)


@contextmanager
def holding(data_dir: Path, *arguments: str, **options: object) -> Iterator[Holder]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.database.holder", str(data_dir), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        **options,  # type: ignore[call-overload]
    ) as process:
        try:
            yield Holder(process)
        finally:
            if process.poll() is None:
                process.kill()


def test_the_server_starts_and_stops(data_dir: Path) -> None:
    with EmbeddedServer.start(data_dir, durable=False) as server:
        assert asyncio.run(fetch_value(server.url, "SELECT current_database()")) == "purser"
        assert is_running(data_dir)
    assert not is_running(data_dir)


def test_the_data_survives_a_restart(data_dir: Path) -> None:
    with EmbeddedServer.start(data_dir, durable=False) as server:
        asyncio.run(execute(server.url, "CREATE TABLE kept AS SELECT 42 AS n"))
    with EmbeddedServer.start(data_dir, durable=False) as server:
        assert asyncio.run(fetch_value(server.url, "SELECT n FROM kept")) == 42


def test_the_server_is_durable_by_default(data_dir: Path) -> None:
    with EmbeddedServer.start(data_dir) as server:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert asyncio.run(fetch_value(server.url, f"SHOW {name}")) == "on", name


def test_the_server_stores_text_as_utf8(data_dir: Path) -> None:
    with EmbeddedServer.start(data_dir, durable=False) as server:
        assert asyncio.run(fetch_value(server.url, "SHOW server_encoding")) == "UTF8"
        assert asyncio.run(fetch_value(server.url, "SELECT upper('straße é')")) == "STRASSE É".replace("SS", "ß")


def test_the_server_listens_on_no_network_and_its_files_are_private(data_dir: Path) -> None:
    with EmbeddedServer.start(data_dir, durable=False) as server:
        assert asyncio.run(fetch_value(server.url, "SHOW listen_addresses")) == ""
        pid = server.postmaster_pid
        assert pid is not None
        assert psutil.Process(pid).net_connections("inet") == []
        assert (data_dir / "postgres").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["x" * 120, "odd, name 'quoted' %41 ü"])
def test_an_unsuitable_path_gets_a_private_socket_directory(data_dir: Path, name: str) -> None:
    odd = data_dir / name
    with EmbeddedServer.start(odd, durable=False) as server, EmbeddedServer.start(odd) as again:
        assert again.url == server.url
        socket_dir = Path(server.url.partition("?host=")[2])
        assert socket_dir.parent == Path(tempfile.gettempdir())
        assert socket_dir.stat().st_mode & 0o077 == 0
        assert asyncio.run(fetch_value(server.url, "SELECT 1")) == 1
    socket_dir.rmdir()


def test_the_last_process_that_uses_the_server_stops_it(data_dir: Path) -> None:
    with holding(data_dir) as first, holding(data_dir) as second:
        assert first.postmaster_pid == second.postmaster_pid
        first.leave()
        assert is_running(data_dir)
        assert asyncio.run(fetch_value(second.url, "SELECT 1")) == 1
        second.leave()
        assert not is_running(data_dir)


def test_processes_that_start_together_share_one_server(data_dir: Path) -> None:
    with ExitStack() as stack:
        holders = [stack.enter_context(holding(data_dir)) for _ in range(4)]
        assert len({holder.postmaster_pid for holder in holders}) == 1
        for holder in holders:
            holder.leave()
    assert not is_running(data_dir)


def test_another_process_adopts_the_server_of_a_killed_process(data_dir: Path) -> None:
    with holding(data_dir) as holder:
        holder.kill()
        assert is_running(data_dir)
        with EmbeddedServer.start(data_dir, durable=False) as server:
            assert server.postmaster_pid == holder.postmaster_pid
    assert not is_running(data_dir)


def test_the_server_restarts_after_its_postmaster_and_its_supervisor_failed_together(data_dir: Path) -> None:
    with holding(data_dir) as holder:
        asyncio.run(execute(holder.url, "CREATE TABLE kept AS SELECT 42 AS n", "CHECKPOINT"))
        # The holder is stopped first, so that it can neither restart nor reap: the postmaster stays a zombie.
        holder.process.send_signal(signal.SIGSTOP)
        os.kill(holder.postmaster_pid, signal.SIGKILL)
        wait_until_sync(lambda: psutil.Process(holder.postmaster_pid).status() == psutil.STATUS_ZOMBIE)
        with EmbeddedServer.start(data_dir, durable=False) as server:
            assert server.postmaster_pid != holder.postmaster_pid
            assert asyncio.run(fetch_value(server.url, "SELECT n FROM kept")) == 42
        holder.kill()


async def test_the_server_is_restarted_while_a_backend_of_the_old_one_is_busy(data_dir: Path) -> None:
    """A backend that runs a query does not notice the death of its postmaster, and keeps shared memory in use."""
    with EmbeddedServer.start(data_dir, durable=False) as server:
        victim = server.postmaster_pid
        assert victim is not None
        connection = await connect(server.url)
        busy = asyncio.create_task(
            connection.fetchval("SELECT count(*) FROM generate_series(1, 1000000000) AS n WHERE n % 7 = 3")
        )
        backend = connection.get_server_pid()
        await wait_until(lambda: psutil.Process(backend).cpu_times().user > 0.1)
        os.kill(victim, signal.SIGKILL)
        assert await wait_until_answered(server.url) == 1
        assert server.postmaster_pid not in (None, victim)
        with pytest.raises((asyncpg.PostgresError, OSError, asyncpg.InterfaceError)):
            await busy
        connection.terminate()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGQUIT, signal.SIGINT, signal.SIGTERM])
async def test_the_server_is_restarted_after_any_signal(data_dir: Path, how: signal.Signals) -> None:
    with EmbeddedServer.start(data_dir, durable=False) as server:
        victim = server.postmaster_pid
        assert victim is not None
        # SIGTERM waits until all clients disconnect; this client stays connected.
        idle = await connect(server.url)
        os.kill(victim, how)
        await wait_until(lambda: server.postmaster_pid not in (None, victim))
        assert await wait_until_answered(server.url) == 1
        idle.terminate()
    assert not is_running(data_dir)


def test_a_pid_file_that_names_an_unrelated_process_is_ignored(data_dir: Path) -> None:
    with EmbeddedServer.start(data_dir, durable=False) as server:
        pass
    lines = ["1" if os.geteuid() == 0 else str(os.getpid()), str(data_dir / "postgres"), "1700000000", "5432"]
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text("\n".join([*lines, str(data_dir / "postgres"), "", "0 0", "ready   "]))
    found = PostmasterFile.read(data_dir / "postgres")
    assert found is not None
    owner = (data_dir / "postgres").stat()
    os.chown(pid_file, owner.st_uid, owner.st_gid)
    with EmbeddedServer.start(data_dir, durable=False) as server:
        assert server.postmaster_pid not in (None, found.pid)


def test_an_unfinished_data_directory_is_recreated(data_dir: Path) -> None:
    (data_dir / "postgres.new" / "base").mkdir(parents=True)
    with EmbeddedServer.start(data_dir, durable=False) as server:
        assert asyncio.run(fetch_value(server.url, "SELECT 1")) == 1


def test_data_of_another_major_version_is_refused(data_dir: Path) -> None:
    with EmbeddedServer.start(data_dir, durable=False):
        pass
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedServerError, match="written by PostgreSQL 16"):
        EmbeddedServer.start(data_dir, durable=False)


def test_a_start_error_contains_the_log_of_the_server(data_dir: Path) -> None:
    with EmbeddedServer.start(data_dir, durable=False):
        pass
    with (data_dir / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = on\n")
    with pytest.raises(EmbeddedServerError, match='unrecognized configuration parameter "no_such_setting"'):
        EmbeddedServer.start(data_dir, durable=False)
    assert FileLock(data_dir / "postgres.holders").try_exclusive()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(data_dir: Path) -> None:
    with holding(data_dir, start_new_session=True) as holder:
        assert os.getsid(holder.postmaster_pid) != os.getsid(holder.process.pid)
        os.killpg(holder.process.pid, signal.SIGINT)
        holder.process.communicate(timeout=DEADLINE_SECONDS)
        # KeyboardInterrupt left the holder's `with` block: an orderly shutdown.
        assert not is_running(data_dir)
        assert "database system is shut down" in (data_dir / "postgres.log").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_unprivileged_user_without_a_home_runs_the_server(data_dir: Path) -> None:
    user = pwd.getpwnam("nobody")
    data_dir.parent.chmod(0o711)
    data_dir.mkdir(mode=0o700)
    os.chown(data_dir, user.pw_uid, user.pw_gid)
    if not all(parent.stat().st_mode & 0o001 for parent in programs_dir().parents):
        pytest.skip("the programs are below a private directory")
    with holding(data_dir, "nobody", env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}) as holder:
        assert psutil.Process(holder.postmaster_pid).uids().real == user.pw_uid
        assert asyncio.run(fetch_value(holder.url, "SELECT 1")) == 1
        holder.leave()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL")
def test_root_runs_the_server_as_the_owner_of_the_data(data_dir: Path) -> None:
    with EmbeddedServer.start(data_dir, durable=False) as server:
        pid = server.postmaster_pid
        assert pid is not None
        assert psutil.Process(pid).uids().real == (data_dir / "postgres").stat().st_uid != 0


def is_running(data_dir: Path) -> bool:
    """Whether any process of a server is left."""
    lock = FileLock(data_dir / "postgres.running")
    is_free = lock.try_exclusive()
    lock.close()
    assert is_free or find_postmaster(data_dir.resolve() / "postgres") is not None
    return not is_free


async def fetch_value(url: str, sql: str) -> object:
    connection = await connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def wait_until_answered(url: str) -> object:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            return await fetch_value(url, "SELECT 1")
        except (DatabaseUnavailable, asyncpg.PostgresError, OSError):
            assert time.monotonic() < deadline, "the server did not come back"
            await asyncio.sleep(0.02)


async def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def wait_until_sync(is_so: Callable[[], bool]) -> None:
    asyncio.run(wait_until(is_so))
