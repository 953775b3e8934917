"""`purser serve`: starting, stopping, and recovery after kills."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from app.database.postmaster import find_postmaster
from app.database.upgrade import connect
from tests.cli.processes import DEADLINE_SECONDS, SCRIPT, Forked, environment
from tests.conftest import execute

STRATEGY = (
    "INSERT INTO strategies (strategy_id, name, trader_id, created_at)"
    " VALUES (gen_random_uuid(), 'Kept-000', 'TRADER-001', 1)"
)


class Service:
    """A running `purser serve`, and requests to it."""

    def __init__(self, process: "Forked | subprocess.Popen[str]", data_dir: Path, port: int) -> None:
        self.process = process
        self.data = data_dir.resolve() / "postgres"
        self.address = f"http://127.0.0.1:{port}"

    @property
    def database_url(self) -> str:
        return f"postgresql://postgres@/purser?host={self.data}"

    @property
    def postmaster_pid(self) -> int | None:
        found = find_postmaster(self.data)
        return found.pid if found else None

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=10) as response:
            return json.load(response)

    def ask(self, query: str) -> Any:
        asked = urllib.request.Request(
            f"{self.address}/graphql", json.dumps({"query": query}).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=10) as response:
            return json.load(response)["data"]

    def answers(self, path: str) -> bool:
        try:
            self.get(path)
        except (OSError, ValueError):
            return False
        return True

    def until_ready(self) -> None:
        until(lambda: self.process.poll() is not None or self.answers("/health"))
        assert self.process.poll() is None, self.process.communicate()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> str:
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=DEADLINE_SECONDS)
        return errors


@contextmanager
def serving(data_dir: Path, port: int, *options: str, **settings: str) -> Iterator[Service]:
    """Runs the service through the installed script."""
    with subprocess.Popen(
        [SCRIPT, "serve", "--port", str(port), *options],
        env=environment({"PURSER_DATA_DIR": str(data_dir)} | settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield from _service(process, data_dir, port)


@contextmanager
def serving_forked(data_dir: Path, port: int, *options: str, **settings: str) -> Iterator[Service]:
    """Runs the service in a forked process."""
    arguments = ("serve", "--port", str(port), *options)
    with Forked(arguments, environment({"PURSER_DATA_DIR": str(data_dir)} | settings)) as process:
        yield from _service(process, data_dir, port)


def _service(process: "Forked | subprocess.Popen[str]", data_dir: Path, port: int) -> Iterator[Service]:
    try:
        yield Service(process, data_dir, port)
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=DEADLINE_SECONDS)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_service_runs_until_a_signal_stops_it(
    data_dir: Path, free_tcp_port: int, how: signal.Signals, workers: str
) -> None:
    with serving(data_dir, free_tcp_port, "--workers", workers) as service:
        service.until_ready()
        assert service.get("/health") == {"status": "ok"}
        assert service.get("/api/trading/strategies") == []
        output = service.stop(how)
        assert service.process.returncode == 0
        assert f"{service.address}/graphql" in output
        assert "Traceback" not in output
        assert service.postmaster_pid is None


def test_the_service_keeps_its_data_after_a_kill(missing_data_dir: Path, free_tcp_port: int) -> None:
    with serving(missing_data_dir, free_tcp_port) as service:
        service.until_ready()
        asyncio.run(execute(service.database_url, STRATEGY))
        service.process.kill()
    with serving(missing_data_dir, free_tcp_port) as service:
        service.until_ready()
        assert [strategy["name"] for strategy in service.get("/api/trading/strategies")] == ["Kept-000"]


def test_workers_do_not_outlive_their_supervisor(data_dir: Path, free_tcp_port: int) -> None:
    with serving(data_dir, free_tcp_port, "--workers", "2") as service:
        service.until_ready()
        workers = psutil.Process(service.process.pid).children()
        workers = [worker for worker in workers if worker.pid != service.postmaster_pid]
        assert len(workers) >= 2
        service.process.kill()
        service.process.communicate(timeout=DEADLINE_SECONDS)
        until(lambda: not any(is_running(worker) for worker in workers))
    with serving(data_dir, free_tcp_port) as service:
        service.until_ready()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_service_recovers_after_postgresql_was_killed(data_dir: Path, free_tcp_port: int, workers: str) -> None:
    with serving(data_dir, free_tcp_port, "--workers", workers) as service:
        service.until_ready()
        asyncio.run(execute(service.database_url, STRATEGY))
        for _ in range(2):
            victim = service.postmaster_pid
            assert victim is not None
            os.kill(victim, signal.SIGKILL)
            until(lambda victim=victim: service.postmaster_pid not in (None, victim))
            until(lambda: service.answers("/api/trading/strategies"))
            assert len(service.get("/api/trading/strategies")) == 1


def test_two_services_share_one_server(missing_data_dir: Path, free_tcp_port_factory: Callable[[], int]) -> None:
    with (
        serving_forked(missing_data_dir, free_tcp_port_factory()) as first,
        serving_forked(missing_data_dir, free_tcp_port_factory()) as second,
    ):
        first.until_ready()
        second.until_ready()
        first.stop()
        assert second.get("/api/trading/strategies") == []


def test_a_port_in_use_is_reported_before_the_start(missing_data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving_forked(missing_data_dir, port) as service:
            _, errors = service.process.communicate(timeout=DEADLINE_SECONDS)
    assert service.process.returncode == 1
    assert errors.startswith(f"purser: Port {port} on 127.0.0.1 is in use.")
    assert len(errors.splitlines()) == 1
    assert not missing_data_dir.exists()


def test_an_unreachable_database_is_reported(missing_data_dir: Path, free_tcp_port_factory: Callable[[], int]) -> None:
    nowhere = f"postgresql://nobody:hunter2@127.0.0.1:{free_tcp_port_factory()}/none"
    with serving_forked(missing_data_dir, free_tcp_port_factory(), PURSER_DATABASE_URL=nowhere) as service:
        _, errors = service.process.communicate(timeout=DEADLINE_SECONDS)
    assert service.process.returncode == 1
    assert errors.startswith("purser: Cannot connect to the database:")
    assert "hunter2" not in errors


def test_the_service_runs_on_any_postgresql(
    missing_data_dir: Path, free_tcp_port: int, empty_database_url: str
) -> None:
    with serving_forked(missing_data_dir, free_tcp_port, PURSER_DATABASE_URL=empty_database_url) as service:
        service.until_ready()
        assert service.get("/api/trading/strategies") == []
    assert not missing_data_dir.exists()


def test_the_demonstration_fills_an_empty_database_once(
    missing_data_dir: Path, free_tcp_port: int, empty_database_url: str
) -> None:
    output, row_counts = [], []
    for _ in range(2):
        with serving_forked(
            missing_data_dir, free_tcp_port, "--demo", PURSER_DATABASE_URL=empty_database_url
        ) as service:
            service.until_ready()
            assert len(service.get("/api/trading/strategies")) == 5
            row_counts.append(
                [count(empty_database_url, table) for table in ("changes", "audit_entries", "order_events")]
            )
            output.append(service.stop())
    assert ["crypto" in each for each in output] == [True, False]
    assert row_counts[0] == row_counts[1]


def test_the_demonstration_shows_the_effects_of_budgets(
    missing_data_dir: Path, free_tcp_port: int, empty_database_url: str
) -> None:
    with serving_forked(missing_data_dir, free_tcp_port, "--demo", PURSER_DATABASE_URL=empty_database_url) as service:
        service.until_ready()
        data = service.ask(
            """{ budgets { strategy { name state } available overReason }
                 orders(filter: {clientOrderId: {startsWith: "DEMO-"}}) {
                   nodes { clientOrderId status denyReason hold { remaining } } } }"""
        )
    budgets = {budget["strategy"]["name"]: budget for budget in data["budgets"]}
    assert {name: budget["overReason"] for name, budget in budgets.items() if budget["overReason"]} == {
        "Maker-100": "FILL"
    }
    assert [budget["available"].startswith("-") for budget in budgets.values()].count(True) == 1
    assert budgets["EMACrossBracket-200"]["strategy"]["state"] == "REDUCING"
    orders = {order["clientOrderId"]: order for order in data["orders"]["nodes"]}
    granted = {name: order["hold"]["remaining"] for name, order in orders.items() if order["status"] == "INITIALIZED"}
    assert granted == {"DEMO-1": "474.0000", "DEMO-3": "0", "DEMO-4": "23676.5000", "DEMO-7": "0"}
    denied = {name: order["denyReason"].split(":")[0] for name, order in orders.items() if order["status"] == "DENIED"}
    assert denied == {
        "DEMO-2": "BUDGET_EXCEEDED",
        "DEMO-5": "NO_REFERENCE_PRICE",
        "DEMO-6": "BUDGET_OVER",
        "DEMO-8": "TRADING_REDUCING",
    }


def test_an_interrupted_demonstration_is_completed(
    missing_data_dir: Path, free_tcp_port: int, empty_database_url: str
) -> None:
    with serving_forked(missing_data_dir, free_tcp_port, "--demo", PURSER_DATABASE_URL=empty_database_url) as service:
        until(lambda: count(empty_database_url, "orders") > 0)
        service.process.kill()
        service.process.communicate(timeout=DEADLINE_SECONDS)
    after_the_kill = count(empty_database_url, "orders")
    with serving_forked(missing_data_dir, free_tcp_port, "--demo", PURSER_DATABASE_URL=empty_database_url) as service:
        service.until_ready()
        assert service.get("/api/trading/summary")["orders"] == count(empty_database_url, "orders") > after_the_kill


def test_the_demonstration_does_not_change_other_data(
    missing_data_dir: Path, free_tcp_port: int, database_url: str
) -> None:
    asyncio.run(execute(database_url, STRATEGY))
    with serving_forked(missing_data_dir, free_tcp_port, "--demo", PURSER_DATABASE_URL=database_url) as service:
        service.until_ready()
        assert len(service.get("/api/trading/strategies")) == 1


def count(url: str, table: str) -> int:
    """The number of rows; 0 while the table does not exist."""
    try:
        return int(asyncio.run(ask(url, f"SELECT count(*) FROM {table}")))
    except asyncpg.UndefinedTableError:
        return 0


async def ask(url: str, sql: str) -> Any:
    connection = await connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def is_running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_request_of_endless_headers_is_refused(data_dir: Path, free_tcp_port: int) -> None:
    """Nothing of it is kept: no key is known yet, and no limit of the application applies."""
    get, post = b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"POST /graphql HTTP/1.1\r\nHost: localhost\r\n"
    chunked = post + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    endless = [
        (get, b"X: a\r\n" * 1000),
        (get + b"X: ", b"a" * 10_000),
        (get, b"X" * 10_000),
        (b"GET /health?", b"a" * 10_000),
        (chunked + b"0\r\n", b"X: a\r\n" * 1000),
        (chunked + b"0\r\nX: ", b"a" * 10_000),
    ]
    with serving_forked(data_dir, free_tcp_port) as service:
        service.until_ready()
        assert [_sent_until_closed(free_tcp_port, *parts) < 4_000_000 for parts in endless] == [True] * len(endless)
        large = {"X-Large": "a" * 60_000}
        with urllib.request.urlopen(urllib.request.Request(f"{service.address}/health", headers=large)) as response:
            assert response.status == 200


def _sent_until_closed(port: int, first: bytes, more: bytes) -> int:
    """How many bytes the service takes, at most about 8 MB."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS) as connection:
        sent = 0
        try:
            connection.sendall(first)
            while sent < 8_000_000:
                connection.sendall(more)
                sent += len(more)
        except ConnectionError:
            pass
    return sent
