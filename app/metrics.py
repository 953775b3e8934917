"""`/metrics` in Prometheus' text format: requests, their durations, the feed, the registry, what rests on assumptions.

One scrape answers for all worker processes: each writes its figures to files in PROMETHEUS_MULTIPROC_DIR, and the
worker that is scraped adds them up. `purser serve` sets that variable before its workers start, because
prometheus_client reads it when it is imported. Without it the figures are those of this process.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.authentication.middleware import principal_of
from app.ledger.verify.verification import ValuationCounts
from app.resolvers import Context
from app.resolvers.health import find_valuation_counts

DIRECTORY_ENV = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
GAUGES_INTERVAL_SECONDS = 1.0
"""How often a process writes its gauges, for scrapes that another worker answers."""

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        requests = Counter("purser_requests", "Responses by API and status.", ["api", "status"], registry=registry)
        seconds = Histogram(
            "purser_request_seconds", "Time to respond, by API.", ["api"], registry=registry, buckets=BUCKETS_SECONDS
        )
        self._requests = cache(requests.labels)
        self._seconds = cache(seconds.labels)
        self._workers = self._gauge("workers", "Live server processes.", "livesum")
        self._connected = self._gauge("feed_connected", "1 if every process's change feed is connected.", "livemin")
        self._lag = self._gauge("feed_lag_seconds", "How long the oldest change has waited.", "livemax")
        self._age = self._gauge("registry_age_seconds", "Age of the oldest registry; +Inf if never read.", "livemax")
        self._budgets = self._gauge("registry_budgets", "Budgets in the smallest registry.", "livemin")
        self._waiting = self._gauge("orders_waiting", "Orders waiting for authorization.", "livesum")

    def count(self, api: str, status: int, seconds: float) -> None:
        """Count one response."""
        self._requests(api, status).inc()
        self._seconds(api).observe(seconds)

    def set_gauges(self, context: Context) -> None:
        """Take the gauges' values from the process's state."""
        feed = context.feed.status
        self._workers.set(1)
        self._connected.set(feed.is_connected)
        self._lag.set(feed.lag_seconds)
        self._age.set(float("inf") if feed.age_seconds is None else feed.age_seconds)
        self._budgets.set(len(context.registry))
        self._waiting.set(context.group_commit.waiting)

    @asynccontextmanager
    async def kept_up(self, context: Context) -> AsyncIterator[None]:
        """During the block, set the gauges every GAUGES_INTERVAL_SECONDS."""

        async def keep_up() -> None:
            while True:
                self.set_gauges(context)
                await asyncio.sleep(GAUGES_INTERVAL_SECONDS)

        task = asyncio.create_task(keep_up(), name="metrics")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _gauge(self, name: str, description: str, mode: str) -> Gauge:
        """`mode` says how the values of several processes become one."""
        return Gauge(f"purser_{name}", description, registry=self.registry, multiprocess_mode=mode)  # type: ignore[arg-type]


class CountingMiddleware:
    """Counts every HTTP request that passes."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._metrics.count(_api_of(scope["path"]), status, time.perf_counter() - began)


def add_metrics(app: Starlette) -> Metrics:
    """Add `/metrics`, and count all requests. The application's `state.context` must be set by the first request."""
    metrics = Metrics()
    app.add_middleware(CountingMiddleware, metrics=metrics)

    async def answer(request: Request) -> Response:
        principal_of(request.scope).require_all_strategies()
        context: Context = request.app.state.context
        metrics.set_gauges(context)
        registry = CollectorRegistry(auto_describe=False)
        if directory := os.environ.get(DIRECTORY_ENV):
            _forget_dead_processes(Path(directory))
            MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]
        else:
            registry.register(metrics.registry)
        if (counts := await find_valuation_counts(context)) is not None:
            registry.register(_Valuations(counts))
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.routes.append(Route("/metrics", answer, include_in_schema=False))
    return metrics


class _Valuations(Collector):
    """Figures of the database, the same in every process."""

    def __init__(self, counts: ValuationCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        counts = self._counts
        instruments = GaugeMetricFamily("purser_instruments", "Instruments by source.", labels=["source"])
        instruments.add_metric(["RECORDED"], counts.instruments_recorded)
        instruments.add_metric(["ASSUMED"], counts.instruments_assumed)
        yield instruments
        for name, description, value in (
            ("fills_assumed", "Fills of instruments that are not recorded.", counts.fills_assumed),
            ("orders_unvalued", "Open orders whose capital need is unknown.", counts.orders_unvalued),
            ("discrepancies", "Figures in which the engine's reports differ from the ledger.", counts.discrepancies),
            ("events_quarantined", "Events that are stored but not applied.", counts.events_quarantined),
        ):
            yield GaugeMetricFamily(f"purser_{name}", description, value)


def _forget_dead_processes(directory: Path) -> None:
    """Remove the gauges of processes that ended; what they counted stays in the sums."""
    for file in directory.glob("gauge_live*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _is_live_worker(pid):
            with suppress(FileNotFoundError):  # Another worker, scraped at the same time, removed it.
                mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]


def _is_live_worker(pid: int) -> bool:
    """Whether the process runs and has this one's parent: the id may belong to another program by now."""
    try:
        process = psutil.Process(pid)
        return process.ppid() == os.getppid() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _api_of(path: str) -> str:
    if path == "/graphql":
        return "graphql"
    return "rest" if path.startswith("/api/") else "other"
