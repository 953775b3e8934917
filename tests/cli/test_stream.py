"""`purser stream nautilus` as a process: options, exit codes, metrics, and the ledger after kills and restarts."""

import json
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.main import get_command

from app.cli.commands import cli
from app.database.embedded import EmbeddedServer
from app.streams.stream_status import StatusCollector, StreamStatus
from tests.cli.processes import ROOT, Done, Forked, environment, purser
from tests.cli.test_import import in_ledger
from tests.cli.test_serve import until
from tests.documentation import TEXT as PAGES
from tests.events import published
from tests.ledger.state import broken_invariants, wipe
from tests.ledger.test_engine_truth import assert_engine_truth
from tests.streams.entries import as_json, entries_of, feed, instrument_entry, left_in, lengths_of, pending_in
from tests.streams.redis_server import RedisServer, redis_server
from tests.streams.test_truth import content_without_payloads

__all__ = ["redis_server"]

ORDERS = "trader-DESK-021:stream:events.order.EMACross-000"
PASSWORD = "hush:9/hush"


def started(database_url: str, redis_url: str, *arguments: str) -> Forked:
    settings = {"PURSER_DATABASE_URL": database_url, "PURSER_REDIS_URL": redis_url, "PURSER_LOG_LEVEL": "debug"}
    return Forked(("stream", "nautilus", *arguments), environment(settings))


def run_once(database_url: str, redis_url: str, *arguments: str) -> Done:
    settings = {"PURSER_DATABASE_URL": database_url, "PURSER_REDIS_URL": redis_url}
    return purser(settings, "stream", "nautilus", "--once", *arguments)


def until_left(process: Forked, server: RedisServer, most: int) -> None:
    """Waits until so few entries are not acknowledged; the command still runs then."""
    until(lambda: process.poll() is not None or left_in(server.client()) <= most)
    assert process.poll() is None, process.communicate()[1]


def order_entry(kind: str, number: int) -> tuple[str, bytes]:
    return "events.order.EMACross-000", as_json(published(kind, number))


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedServer]:
    """A PostgreSQL that the test may stop and start; it is empty."""
    with tempfile.TemporaryDirectory(prefix="purser-stream-") as directory:
        server = EmbeddedServer.start(Path(directory))
        yield server
        server.stop()


def test_once_records_what_there_is_and_stops(database_url: str, redis_server: RedisServer) -> None:
    feed(redis_server.client(), [order_entry("OrderInitialized", 1), order_entry("OrderSubmitted", 2)])
    done = run_once(database_url, redis_server.url)
    assert (done.returncode, "2 entries: 2 new, 0 duplicate, 0 quarantined, 0 refused; 0 behind" in done.stderr) == (
        0,
        True,
    ), done.stderr
    feed(redis_server.client(), [("events.order.EMACross-000", b"{")])
    done = run_once(database_url, redis_server.url)
    assert (done.returncode, f"refused {ORDERS}" in done.stderr) == (3, True), done.stderr
    assert run_once(database_url, redis_server.url).returncode == 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), {"A-001", "B-002"}),
        (("--trader", "A-001"), {"A-001"}),
        (("--trader", "A-001", "--key", "own"), {"A-001", "C-003"}),
        (("--key", "*:stream:events.order.B*"), {"B-002"}),
    ],
)
def test_options_choose_the_streams(
    database_url: str, redis_server: RedisServer, options: tuple[str, ...], expected: set[str]
) -> None:
    keys = {"A-001": "trader-A-001:0e1b:stream", "B-002": "trader-B-002:stream:events.order.B", "C-003": "own"}
    for number, (trader, key) in enumerate(keys.items(), start=1):
        message = published("OrderInitialized", number, trader_id=trader)
        redis_server.client().xadd(key, {"topic": "events.order.B", "payload": as_json(message)})
    redis_server.client().xadd("trader-D:positions", {"something": "else"})
    done = run_once(database_url, redis_server.url, *options)
    assert done.returncode == 0, done.stderr

    async def traders(database: Any) -> set[str]:
        async with database.read() as connection:
            return {row[0] for row in await connection.fetch("SELECT trader_id FROM strategies")}

    assert in_ledger(database_url, traders) == expected


def test_a_missing_stream_is_reported(database_url: str, redis_server: RedisServer) -> None:
    done = run_once(database_url, redis_server.url, "--trader", "[x]")
    assert (done.returncode, r"no stream matches trader-\[x\]:*stream" in done.stderr) == (0, True), done.stderr


@pytest.mark.parametrize("url", ["", "http://localhost", f"redis://:{PASSWORD}@localhost", "redis://localhost:99999"])
def test_an_invalid_url_is_refused_without_its_password(database_url: str, url: str) -> None:
    done = run_once(database_url, "", *(("--redis", url) if url else ()))
    assert (done.returncode, "PURSER_REDIS_URL: " in done.stderr) == (2, True), done.stderr
    assert not any(part in done.stderr for part in ("hush", "Traceback"))


def test_a_password_is_never_logged(database_url: str, redis_server: RedisServer) -> None:
    redis_server.client().config_set("requirepass", "passw0rd")
    for url, expected in (("passw0rd", 0), ("wr0ng", 1)):
        done = run_once(database_url, f"redis://:{url}@127.0.0.1:{redis_server.port}")
        assert done.returncode == expected, done.stderr
        assert "passw0rd" not in done.stderr + done.stdout
        assert "wr0ng" not in done.stderr + done.stdout
    # A wrong password ends the command: it is no failure that passes.
    with started(database_url, redis_server.url) as process:
        _, errors = process.communicate()
    assert (process.returncode, "Redis refused or is not reachable: Authentication required" in errors) == (1, True)


def test_once_fails_if_redis_is_not_reachable(database_url: str, redis_server: RedisServer) -> None:
    redis_server.stop()
    done = run_once(database_url, redis_server.url)
    assert (done.returncode, "Redis refused or is not reachable" in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command(database_url: str, redis_server: RedisServer, how: signal.Signals) -> None:
    feed(redis_server.client(), [order_entry("OrderInitialized", 1)])
    with started(database_url, redis_server.url) as process:
        until_left(process, redis_server, 0)
        process.send_signal(how)
        _, errors = process.communicate()
    assert (process.returncode, "1 entries: 1 new" in errors, "Traceback" in errors) == (0, True, False), errors


def test_metrics_show_how_far_the_command_is(database_url: str, redis_server: RedisServer, free_tcp_port: int) -> None:
    client = redis_server.client()
    feed(client, [order_entry("OrderInitialized", 1), ("events.order.EMACross-000", b"{")])
    newest = client.xinfo_stream(ORDERS)["last-generated-id"]  # type: ignore[index]
    instant = int(newest.partition(b"-")[0]) / 1000

    def metrics() -> dict[tuple[str, ...], float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{free_tcp_port}/metrics", timeout=10) as response:
            text = response.read().decode()
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    with started(database_url, redis_server.url, "--metrics-port", str(free_tcp_port)) as process:
        until_left(process, redis_server, 0)
        until(lambda: metrics().get(("purser_stream_recorded_entry_timestamp_seconds", ORDERS)) == instant)
        until(lambda: metrics().get(("purser_stream_entries_behind", ORDERS)) == 0)
        found = metrics()
        assert found["purser_stream_newest_entry_timestamp_seconds", ORDERS] == instant
        assert found["purser_stream_entries_total", "new"] == 1
        assert found["purser_stream_entries_total", "refused"] == 1
        assert found["purser_stream_entries_removed_unread_total",] == 0
        assert (found["purser_stream_redis_connected",], found["purser_stream_database_connected",]) == (1, 1)
        redis_server.stop()
        until(lambda: metrics()["purser_stream_redis_connected",] == 0)
        second = run_once(database_url, redis_server.url, "--metrics-port", str(free_tcp_port))
        assert (second.returncode, "Cannot serve metrics on 127.0.0.1" in second.stderr) == (1, True), second.stderr
        process.terminate()
        process.communicate()


def test_the_pages_list_every_option_and_metric() -> None:
    (command,) = get_command(cli).commands["stream"].commands.values()  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts} - {"--help"}
    assert len(options) > 8
    assert [option for option in options if f"`{option}" not in PAGES and f" {option} " not in PAGES] == []
    families = [family for family in StatusCollector(StreamStatus()).collect() if family.name.startswith("purser")]
    names = [f"{one.name}_total" if one.type == "counter" else one.name for one in families]
    assert len(names) > 6
    assert [name for name in names if f"| `{name}` |" not in PAGES] == []


def test_a_killed_command_loses_and_doubles_nothing(database_url: str, redis_server: RedisServer) -> None:
    client, random = redis_server.client(), Random(7)
    entries = [instrument_entry(), *entries_of("inverse")]
    kills = 4
    for attempt in range(kills):
        with started(database_url, redis_server.url) as process:
            share = len(entries) // kills + 1
            feed(client, entries[attempt * share : (attempt + 1) * share])
            enough = random.randrange(share)
            until(lambda enough=enough: sum(lengths_of(client).values()) - left_in(client) >= enough)  # type: ignore[misc]
            process.kill()
            process.communicate()
    before = lengths_of(client)
    done = run_once(database_url, redis_server.url)
    assert (done.returncode, pending_in(client), lengths_of(client)) == (0, 0, before), done.stderr
    in_ledger(database_url, assert_engine_truth, "inverse")
    assert in_ledger(database_url, broken_invariants) == []


def test_restarts_of_redis_lose_and_double_nothing(database_url: str, redis_server: RedisServer) -> None:
    entries = [instrument_entry(), *entries_of("inverse")]
    with started(database_url, redis_server.url) as process:
        for start, how in ((0, signal.SIGKILL), (400, signal.SIGTERM), (800, signal.SIGKILL)):
            feed(redis_server.client(), entries[start : start + 400])
            until_left(process, redis_server, 399)
            redis_server.stop(how)
            redis_server.start()
        until_left(process, redis_server, 0)
        process.terminate()
        _, errors = process.communicate()
    assert (process.returncode, "Redis answers again" in errors, "Traceback" in errors) == (0, True, False), errors
    in_ledger(database_url, assert_engine_truth, "inverse")
    assert in_ledger(database_url, broken_invariants) == []


def test_restarts_of_postgresql_lose_and_double_nothing(
    own_postgres: EmbeddedServer, redis_server: RedisServer
) -> None:
    entries = [instrument_entry(), *entries_of("inverse")]
    with started(own_postgres.url, redis_server.url) as process:
        for start in (0, 400, 800):
            feed(redis_server.client(), entries[start : start + 400])
            until_left(process, redis_server, 399)
            killed = own_postgres.postmaster_pid
            assert killed is not None
            subprocess.run(["kill", "-KILL", str(killed)], check=True)
            until(lambda killed=killed: own_postgres.postmaster_pid not in (None, killed))  # type: ignore[misc]
        until_left(process, redis_server, 0)
        process.terminate()
        _, errors = process.communicate()
    assert (process.returncode, "the database answers again" in errors) == (0, True), errors
    in_ledger(own_postgres.url, assert_engine_truth, "inverse")
    assert in_ledger(own_postgres.url, broken_invariants) == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"encoding": "json", "stream_per_topic": False},
        {"encoding": "msgpack", "timestamps_as_iso8601": True, "stream_per_topic": False},
    ],
)
def test_a_real_engine_gives_the_same_ledger_as_its_recording(
    database_url: str, redis_server: RedisServer, tmp_path: Path, options: dict[str, Any]
) -> None:
    recording = tmp_path / "run.jsonl"
    given = json.dumps({"port": redis_server.port, "file": str(recording), **options})
    subprocess.run([sys.executable, "-m", "tests.streams.engine_run", given], cwd=ROOT, check=True)
    before = lengths_of(redis_server.client())
    done = run_once(database_url, redis_server.url)
    assert (done.returncode, " 0 quarantined, 0 refused, 2 instruments" in done.stderr) == (0, True), done.stderr
    assert (pending_in(redis_server.client()), lengths_of(redis_server.client())) == (0, before)
    assert in_ledger(database_url, broken_invariants) == []
    streamed = in_ledger(database_url, content_without_payloads)
    assert len(streamed["fills"]) > 300
    assert streamed["discrepancies"] == set()
    settings = {"PURSER_DATABASE_URL": database_url}
    assert " 0 new," in purser(settings, "import", recording).stderr
    in_ledger(database_url, wipe)
    imported = purser(settings, "import", recording)
    assert imported.returncode == 0, imported.stderr
    again = run_once(database_url, redis_server.url, "--group", "again")
    assert " 0 new, " in again.stderr, again.stderr
    assert in_ledger(database_url, content_without_payloads) == streamed
