"""The state of a followed source, for logs and for Prometheus."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, disable_created_metrics, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.errors import OperationRefused
from app.ledger.message_batch import MessageCounts
from app.streams.stream_position import LossCounter, StreamPosition

_OUTCOMES = {
    "accepted": "new",
    "duplicates": "duplicate",
    "quarantined": "quarantined",
    "instruments": "instrument",
    "passed_over": "passed_over",
    "rejected": "refused",
}


@dataclass(slots=True)
class StreamStatus:
    """What was recorded since the command started, and how much is left."""

    counts: MessageCounts = field(default_factory=MessageCounts)
    removed_unread: int = 0
    redis_connected: bool = False
    database_connected: bool = False
    behind: dict[str, int | None] = field(default_factory=dict)
    """Entries that are not acknowledged, by key; None if Redis cannot tell."""
    newest_ms: dict[str, int] = field(default_factory=dict)
    recorded_ms: dict[str, int] = field(default_factory=dict)
    """The instant of the newest acknowledged entry, by key."""
    _losses: dict[bytes, LossCounter] = field(default_factory=dict)

    @property
    def entries(self) -> int:
        """All entries that were dealt with."""
        counts = self.counts
        return sum(getattr(counts, name) for name in _OUTCOMES)

    def __str__(self) -> str:
        known = [count for count in self.behind.values() if count is not None]
        behind = f"{sum(known):,} behind" if len(known) == len(self.behind) else "some behind"
        return f"{self.entries:,} entries: {self.counts}; {behind}"

    def take_positions(self, positions: Mapping[bytes, StreamPosition]) -> dict[str, int]:
        """Take over the group's positions. Returns how many entries of which streams were removed unread."""
        lost: dict[str, int] = {}
        behind: dict[str, int | None] = {}
        for key, position in positions.items():
            name = name_of(key)
            losses = self._losses.setdefault(key, LossCounter())
            if count := losses.removed_unread(position):
                lost[name] = count
            behind[name] = losses.behind(position)
            self.newest_ms[name] = position.newest[0]
        self.behind = behind
        self.removed_unread += sum(lost.values())
        return lost


def name_of(key: bytes) -> str:
    """A key as text."""
    return key.decode(errors="backslashreplace")


class StatusCollector(Collector):
    """The metrics of a status."""

    def __init__(self, status: StreamStatus) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Called by each scrape, in a thread of the server."""
        status = self._status
        entries = CounterMetricFamily("purser_stream_entries", "Entries by outcome.", labels=["outcome"])
        for name, outcome in _OUTCOMES.items():
            entries.add_metric([outcome], getattr(status.counts, name))
        yield entries
        removed = "Entries removed from Redis before they were read, at least."
        yield CounterMetricFamily("purser_stream_entries_removed_unread", removed, value=status.removed_unread)
        for name, what, is_connected in (
            ("redis", "Redis", status.redis_connected),
            ("database", "the database", status.database_connected),
        ):
            description = f"1 while {what} answers, otherwise 0."
            yield GaugeMetricFamily(f"purser_stream_{name}_connected", description, value=float(is_connected))
        behind = {key: float("nan") if count is None else count for key, count in status.behind.copy().items()}
        yield _by_key("entries_behind", "Entries not acknowledged yet; NaN if Redis cannot tell.", behind)
        for name, description, milliseconds in (
            ("newest_entry_timestamp_seconds", "When the newest entry was added.", status.newest_ms),
            ("recorded_entry_timestamp_seconds", "When the newest recorded entry was added.", status.recorded_ms),
        ):
            yield _by_key(name, description, {key: ms / 1000 for key, ms in milliseconds.copy().items()})


def _by_key(name: str, description: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"purser_stream_{name}", description, labels=["key"])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def serve_metrics(status: StreamStatus, host: str, port: int) -> None:
    """Serve the status at `/metrics` from a thread, until the process ends. Raises OperationRefused."""
    registry = CollectorRegistry(auto_describe=False)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry.register(StatusCollector(status))
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise OperationRefused(
            f"Cannot serve metrics on {host}, port {port}: {error.strerror}. Choose others with --metrics-host and "
            "--metrics-port."
        ) from error
