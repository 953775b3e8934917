"""Long lists in batches that the service accepts, and the sum of their results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import msgspec

from purser_client.errors import InvalidInput
from purser_client.generated import operations
from purser_client.generated.results import RecordedEvents, RejectedEvent
from purser_client.request import Request

T = TypeVar("T")
Event: TypeAlias = Mapping[str, Any] | bytes
"""An event as an engine publishes it: a mapping, or the bytes of its JSON."""

EVENTS_MAX = 5000
BYTES_MAX = 6_000_000
"""Of the events of one request: below `PURSER_GRAPHQL_MUTATION_BYTES_MAX`'s default."""
ORDERS_MAX = 1000
INSTRUMENTS_MAX = 1000
TOO_LARGE = "BODY_TOO_LARGE"


class Recording:
    """Events on their way to the ledger. `requests` yields one request at a time; its answer goes to `add`.

    A request that the service refuses as too large goes to `split`, and is yielded again in two halves.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self._encoded = _encoded(events)
        self._batches: list[list[msgspec.Raw]] = []
        self._carried: list[msgspec.Raw] = []
        self._sent = 0
        self.result = RecordedEvents(accepted=0, duplicates=0, quarantined=0, rejected=[])

    def requests(self) -> Iterator[Request[RecordedEvents]]:
        """The requests, in the order of the events. Raises InvalidInput for an event that JSON cannot express."""
        while True:
            if not self._batches and not self._fill():
                return
            yield operations.record_events(events=self._batches[0])

    def add(self, recorded: RecordedEvents) -> None:
        """Adds the answer to the last request; indexes become those of the whole list."""
        rejected = [
            RejectedEvent(self._sent + one.index, one.event_id, one.code, one.message) for one in recorded.rejected
        ]
        self._sent += len(self._batches.pop(0))
        self.result = RecordedEvents(
            accepted=self.result.accepted + recorded.accepted,
            duplicates=self.result.duplicates + recorded.duplicates,
            quarantined=self.result.quarantined + recorded.quarantined,
            rejected=self.result.rejected + rejected,
        )

    def split(self, error: InvalidInput) -> None:
        """Halves the last request. Raises the error if its cause is another, or the request has only one event."""
        batch = self._batches[0]
        if error.code != TOO_LARGE or len(batch) < 2:
            raise error
        half = len(batch) // 2
        self._batches[:1] = [batch[:half], batch[half:]]

    def _fill(self) -> bool:
        """Collects the next batch. Returns whether there is one."""
        batch, size = self._carried, sum(map(_size, self._carried))
        self._carried = []
        for event in self._encoded:
            size += _size(event)
            if batch and (len(batch) == EVENTS_MAX or size > BYTES_MAX):
                self._carried = [event]
                break
            batch.append(event)
        if batch:
            self._batches.append(batch)
        return bool(batch)


def in_parts(values: Iterable[T], length_max: int) -> Iterator[list[T]]:
    """Lists of at most this length, in order."""
    rest = iter(values)
    while part := list(islice(rest, length_max)):
        yield part


def require_finite(value: Any, *path: str | int) -> None:
    """Raises InvalidInput if the value has NaN or an infinity, which JSON can only express as null."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"{value} is no JSON value", path=path)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            require_finite(inner, *path, str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for place, inner in enumerate(value):
            require_finite(inner, *path, place)


def _encoded(events: Iterable[Event]) -> Iterator[msgspec.Raw]:
    for place, event in enumerate(events):
        if isinstance(event, bytes):
            yield msgspec.Raw(event)
            continue
        try:
            text = msgspec.json.encode(event)
        except (TypeError, msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
            raise InvalidInput(f"the event is no JSON object: {error}", path=("events", place)) from error
        if b"null" in text:
            require_finite(event, "events", place)
        yield msgspec.Raw(text)


def _size(event: msgspec.Raw) -> int:
    return len(memoryview(event)) + 1
