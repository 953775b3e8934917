"""`/metrics` of a service with two worker processes: one scrape answers for both."""

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


def figures(service: Service) -> dict[tuple[str, ...], float]:
    """One scrape over a connection of its own: any worker may answer."""
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
    """Send requests, each over a connection of its own, until each worker has accepted one; returns their number."""
    port = urlsplit(service.address).port
    assert port is not None
    with ExitStack() as opened:
        for number in range(1, CONNECTIONS_MAX + 1):
            connection = opened.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)))
            connection.request("GET", path)
            assert json.load(connection.getresponse()) is not None
            asked = [
                any(one.laddr.port == port and one.status == "ESTABLISHED" for one in worker.net_connections("tcp"))
                for worker in workers_of(service)
            ]
            if all(asked):
                return number
    raise AssertionError(f"One worker answered all of {CONNECTIONS_MAX} connections.")


def test_one_scrape_answers_for_all_workers(data_dir: Path, free_tcp_port: int, tmp_path: Path) -> None:
    with serving(data_dir, free_tcp_port, "--workers", "2", TMPDIR=str(tmp_path)) as service:
        service.until_ready()
        until(lambda: figures(service)["purser_workers",] == 2)
        sent = ask_every_worker(service, "/api/trading/strategies")
        until(lambda: figures(service)["purser_requests_total", "rest", "200"] == sent)
        for found in (figures(service) for _ in range(20)):
            assert found["purser_requests_total", "rest", "200"] == sent
            assert found["purser_request_seconds_count", "rest"] == sent
            assert found["purser_request_seconds_bucket", "rest", "+Inf"] == sent
            assert (found["purser_workers",], found["purser_feed_connected",]) == (2, 1)
            assert found["purser_instruments", "ASSUMED"] == 0

        killed = workers_of(service)[0]
        killed.kill()
        until(lambda: len(workers_of(service)) == 2 and killed not in workers_of(service))
        until(lambda: figures(service)["purser_workers",] == 2)
        # The gauges of the killed worker are gone; its counters are kept.
        assert figures(service)["purser_requests_total", "rest", "200"] == sent
        # The new worker has a file of its own once it has answered a request.
        assert ask_every_worker(service, "/api/trading/strategies")
        until(lambda: len(list(tmp_path.glob("purser-metrics-*/counter_*.db"))) == 3)
        assert len(list(tmp_path.glob("purser-metrics-*/gauge_livesum_*.db"))) == 2
        service.stop()
    assert list(tmp_path.glob("purser-metrics-*")) == []
