"""`/metrics` of a service with two workers: one scrape contains both."""

import http.client
import json
import urllib.request
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.test_serve import Service, serving, until

CONNECTIONS_MAX = 200


def metrics(service: Service) -> dict[tuple[str, ...], float]:
    """One scrape over its own connection, which any worker may accept."""
    with urllib.request.urlopen(f"{service.address}/metrics", timeout=10) as response:
        text = response.read().decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def workers_of(service: Service) -> list[psutil.Process]:
    return [child for child in psutil.Process(service.process.pid).children() if is_worker(child)]


def is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.Error):  # It has ended.
        return any("spawn_main" in argument for argument in process.cmdline())
    return False


def ask_every_worker(service: Service, path: str) -> int:
    """Sends requests over new connections until every worker has accepted one. Returns the number of requests."""
    port = urlsplit(service.address).port
    assert port is not None
    with ExitStack() as opened:
        for number in range(1, CONNECTIONS_MAX + 1):
            connection = opened.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)))
            connection.request("GET", path)
            assert json.load(connection.getresponse()) is not None
            reached = [
                any(one.laddr.port == port and one.status == "ESTABLISHED" for one in worker.net_connections("tcp"))
                for worker in workers_of(service)
            ]
            if all(reached):
                return number
    raise AssertionError(f"One worker answered all of {CONNECTIONS_MAX} connections.")


def test_one_scrape_contains_the_metrics_of_all_workers(data_dir: Path, free_tcp_port: int, tmp_path: Path) -> None:
    with serving(data_dir, free_tcp_port, "--workers", "2", TMPDIR=str(tmp_path)) as service:
        service.until_ready()
        until(lambda: metrics(service)["purser_workers",] == 2)
        sent = ask_every_worker(service, "/api/trading/strategies")
        until(lambda: metrics(service)["purser_requests_total", "rest", "200"] == sent)
        for found in (metrics(service) for _ in range(20)):
            assert found["purser_requests_total", "rest", "200"] == sent
            assert found["purser_request_seconds_count", "rest"] == sent
            assert found["purser_request_seconds_bucket", "rest", "+Inf"] == sent
            assert (found["purser_workers",], found["purser_feed_connected",]) == (2, 1)
            assert found["purser_instruments", "ASSUMED"] == 0

        killed = workers_of(service)[0]
        killed.kill()
        until(lambda: len(workers_of(service)) == 2 and killed not in workers_of(service))
        until(lambda: metrics(service)["purser_workers",] == 2)
        # The gauges of the killed worker are gone; its counters are kept.
        assert metrics(service)["purser_requests_total", "rest", "200"] == sent
        # The new worker creates its file with its first response.
        assert ask_every_worker(service, "/api/trading/strategies")
        until(lambda: len(list(tmp_path.glob("purser-metrics-*/counter_*.db"))) == 3)
        assert len(list(tmp_path.glob("purser-metrics-*/gauge_livesum_*.db"))) == 2
        service.stop()
    assert list(tmp_path.glob("purser-metrics-*")) == []
