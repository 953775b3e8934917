"""`/metrics`, in Prometheus' text format: how many requests, how long they take, how fresh the registry is.

A request costs two clock readings and two additions here; everything else is worked out when somebody asks.
Each server process counts for itself, and tells which it is by the label `process`.
"""

import os
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.authentication import principal_of
from app.ledger.verify import ValuationCounts
from app.resolvers import Context
from app.resolvers.health import find_valuation_counts

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PROCESS = str(os.getpid())


class RequestCounts:
    """What was answered so far, by face."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        """By face and HTTP status."""
        self.times: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS_SECONDS) + 1))
        """By face, how many took up to each of BUCKETS_SECONDS and no less; the last, how many took longer."""
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def add(self, face: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self.answers[face, status] += 1
        self.times[face][bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.seconds[face] += seconds


class CountingMiddleware:
    """Counts what passes through."""

    def __init__(self, app: ASGIApp, counts: RequestCounts) -> None:
        self._app = app
        self._counts = counts

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
            self._counts.add(_face(scope["path"]), status, time.perf_counter() - began)


def add_metrics(app: Starlette) -> None:
    """Add `/metrics`, and count all requests. The application's `state.context` must be set by the first one."""
    counts = RequestCounts()
    app.add_middleware(CountingMiddleware, counts=counts)

    async def answer(request: Request) -> Response:
        principal_of(request.scope).require_all_strategies()
        context: Context = request.app.state.context
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Figures(counts, context, await find_valuation_counts(context)))
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.routes.append(Route("/metrics", answer, include_in_schema=False))


class _Figures:
    """The figures as they are when somebody asks."""

    def __init__(self, counts: RequestCounts, context: Context, valuations: ValuationCounts | None) -> None:
        """`valuations` None: the database did not answer."""
        self._counts, self._context, self._valuations = counts, context, valuations

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client."""
        answers = CounterMetricFamily(
            "purser_requests", "Answers by face and status.", labels=_labels("face", "status")
        )
        for (face, status), count in sorted(self._counts.answers.items()):
            answers.add_metric([_PROCESS, face, str(status)], count)
        yield answers
        times = HistogramMetricFamily("purser_request_seconds", "How long answers took.", labels=_labels("face"))
        for face, counted in sorted(self._counts.times.items()):
            times.add_metric([_PROCESS, face], _cumulative(counted), self._counts.seconds[face])
        yield times
        feed = self._context.feed.status
        age = float("nan") if feed.age_seconds is None else feed.age_seconds
        yield _gauge("purser_feed_connected", "Whether the change feed is connected.", float(feed.is_connected))
        yield _gauge("purser_feed_lag_seconds", "How long the oldest change has waited.", feed.lag_seconds)
        yield _gauge("purser_registry_age_seconds", "How old the registry may be; NaN if never read.", age)
        yield _gauge("purser_orders_waiting", "Orders that wait to be authorized.", self._context.group_commit.waiting)
        yield _gauge("purser_registry_budgets", "Budgets in the registry.", len(self._context.registry))
        if self._valuations is not None:
            yield from _valuation_gauges(self._valuations)


def _valuation_gauges(counts: ValuationCounts) -> Iterator[Metric]:
    instruments = GaugeMetricFamily("purser_instruments", "Instruments by source.", labels=_labels("source"))
    instruments.add_metric([_PROCESS, "RECORDED"], counts.instruments_recorded)
    instruments.add_metric([_PROCESS, "ASSUMED"], counts.instruments_assumed)
    yield instruments
    yield _gauge("purser_fills_assumed", "Fills of instruments that are not recorded.", counts.fills_assumed)
    yield _gauge("purser_orders_unvalued", "Open orders whose need is unknown.", counts.orders_unvalued)
    yield _gauge("purser_discrepancies", "Figures in which the engine's reports differ.", counts.discrepancies)
    yield _gauge("purser_events_quarantined", "Events that are stored and not applied.", counts.events_quarantined)


def _labels(*names: str) -> list[str]:
    return ["process", *names]


def _gauge(name: str, description: str, value: float) -> Metric:
    gauge = GaugeMetricFamily(name, description, labels=_labels())
    gauge.add_metric([_PROCESS], value)
    return gauge


def _cumulative(counts: list[int]) -> list[tuple[str, int]]:
    """Prometheus' buckets: how many took up to each bound."""
    bounds = [*map(str, BUCKETS_SECONDS), "+Inf"]
    return [(bound, sum(counts[: place + 1])) for place, bound in enumerate(bounds)]


def _face(path: str) -> str:
    if path == "/graphql":
        return "graphql"
    return "rest" if path.startswith("/api/") else "other"
