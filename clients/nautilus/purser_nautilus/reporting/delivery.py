"""Delivers messages to the service: hot path -> writer thread -> spool -> sender thread -> service.

`put` only queues, so the engine's thread never waits. The writer encodes messages and appends them to the spool. The
sender sends the spool's records in order and acknowledges them after the service has committed them. While the service
is away, records stay in the spool and the sender retries with growing pauses. A record that is sent twice changes
nothing, because the service recognizes it by its event id.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import msgspec

from purser_nautilus.reporting.spool import Place, Spool

RECORDS_MAX = 500
"""Most records of one request."""
BYTES_MAX = 512 * 1024
"""Most bytes of one request, unless a single record is longer."""
PAUSE_SECONDS_MIN = 0.05
PAUSE_SECONDS_MAX = 5.0
NOT_A_LEDGER_EVENT = "NOT_A_LEDGER_EVENT"
_POLL_SECONDS = 0.002
_NOT_WRITTEN_RETRY_SECONDS = 1.0
_END_SECONDS_MAX = 5.0
"""A request that is under way when the engine ends is not waited for any longer."""

Message = Any
"""What the engine's thread puts: an event, a dict, or anything else that `encode` takes."""


class Recorded(Protocol):
    """The service's answer to a batch."""

    accepted: int
    duplicates: int
    quarantined: int
    rejected: Sequence[Any]


class RecordHead(msgspec.Struct, frozen=True):
    """What decides whether a record may be sent."""

    type: str = ""
    client_order_id: str | None = None


_head_of = msgspec.json.Decoder(RecordHead).decode


class Recorder(Protocol):
    """The part of a client that delivery needs."""

    def record(self, events: Sequence[Any]) -> Any:
        """Record events. Raises an exception if the service did not commit them."""
        ...


class Delivery:
    """Delivers messages in order, at least once. `start` begins, `close` ends.

    `encode` makes one JSON text of a message; it runs in the writer thread. `must_wait` tells whether a record may not
    be sent yet; it runs in the sender thread. `dropped` is called, in the writer thread, with each message that the
    full spool did not take. `rest_seconds` is the least time between two requests: what is reported meanwhile is sent
    together, so that reports leave the service time for questions.
    """

    def __init__(
        self,
        spool: Spool,
        recorder: Recorder,
        encode: Callable[[Message], bytes],
        *,
        must_wait: Callable[[RecordHead], bool] = lambda head: False,
        dropped: Callable[[Message], None] = lambda message: None,
        rest_seconds: float = 0.0,
        log: logging.Logger,
    ) -> None:
        self._rest_seconds = rest_seconds
        self._is_flushing = False
        self._spool = spool
        self._recorder = recorder
        self._encode = encode
        self._must_wait = must_wait
        self._dropped = dropped
        self._log = log
        self._queue: SimpleQueue[Message] = SimpleQueue()
        self._put_count = 0
        self._written_count = 0
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self.accepted = 0
        self.duplicates = 0
        self.quarantined = 0
        self.rejected = 0
        self.failures = 0
        """Requests that failed and were or will be repeated."""
        self.dropped_count = 0
        """Messages that the full spool did not take."""
        self.is_full = False
        """Whether the spool refused the latest message."""
        self.last_error: str | None = None
        """Why the latest request failed; None after a success."""

    def start(self) -> None:
        """Start the threads. Records of an earlier run are sent first."""
        writer = threading.Thread(target=self._write_all, name="purser-writer", daemon=True)
        sender = threading.Thread(target=self._send_until_closed, args=(writer,), name="purser-sender", daemon=True)
        self._threads = [writer, sender]
        for thread in self._threads:
            thread.start()

    def put(self, message: Message) -> None:
        """Queue a message. Never waits. Called by one thread only."""
        self._put_count += 1
        self._queue.put(message)

    @property
    def has_room(self) -> bool:
        """Whether most of the spool is free."""
        return self._spool.pending_bytes < self._spool.bytes_max // 2

    def wake(self) -> None:
        """Check again whether the next record may be sent."""
        self._wake.set()

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until the service has everything that was put so far; False if the time was too short."""
        deadline = time.monotonic() + timeout_seconds
        target = self._put_count
        self._is_flushing = True
        try:
            while self._written_count < target or self._spool.pending_bytes:
                if time.monotonic() >= deadline or not self._threads:
                    return False
                self._wake.set()
                time.sleep(_POLL_SECONDS)
            return True
        finally:
            self._is_flushing = False

    def close(self) -> None:
        """End the threads, which close the spool. What was not sent stays in the spool for the next run."""
        self._closing.set()
        self._queue.put(_END)
        self._wake.set()
        for thread in self._threads:
            thread.join(_END_SECONDS_MAX)
        self._threads = []

    def _write_all(self) -> None:
        is_open = True
        while is_open:
            messages = [self._queue.get()]
            try:
                while len(messages) < RECORDS_MAX:
                    messages.append(self._queue.get_nowait())
            except Empty:
                pass
            if messages[-1] is _END:
                is_open = False
                messages.pop()
            self._write(messages)
            self._written_count += len(messages)
            self._wake.set()

    def _write(self, messages: list[Message]) -> None:
        contents: list[bytes] = []
        encoded: list[Message] = []
        for message in messages:
            try:
                contents.append(self._encode(message))
                encoded.append(message)
            except Exception:
                self.rejected += 1
                self._log.exception("A message cannot be encoded and is not reported: %r", message)
        written = 0
        while written < len(contents):
            try:
                appended = self._spool.append(contents[written:])
            except OSError as error:
                self._log.error("The spool cannot be written, and is tried again: %s", error)
                if self._closing.wait(_NOT_WRITTEN_RETRY_SECONDS):
                    break
                continue
            written += appended
            if written == len(contents):
                self.is_full = False
            elif not appended:
                break
        if written < len(contents):
            self._drop(encoded[written:])

    def _drop(self, messages: list[Message]) -> None:
        if not self.is_full:
            self._log.error("The spool is full: events are dropped until the service takes some")
        self.is_full = True
        self.dropped_count += len(messages)
        for message in messages:
            self._dropped(message)

    def _send_until_closed(self, writer: threading.Thread) -> None:
        """Send, and close the spool after the last request, which may take longer than `close` waits."""
        try:
            self._send_all()
        finally:
            writer.join()
            self._spool.close()

    def _send_all(self) -> None:
        pause = PAUSE_SECONDS_MIN
        rested = 0.0
        while not self._closing.is_set():
            self._wake.clear()
            try:
                if not self._is_flushing and (rest := rested - time.monotonic()) > 0:
                    self._closing.wait(rest)
                sent, place = self._next_batch()
                if not sent:
                    self._wake.wait(PAUSE_SECONDS_MAX if place is None else PAUSE_SECONDS_MIN)
                    continue
                answer = self._recorder.record(sent)
                assert place is not None  # something was sent
                self._spool.acknowledge(place)
            except Exception as error:
                self._note_failure(error)
                self._closing.wait(pause)
                pause = min(2 * pause, PAUSE_SECONDS_MAX)
            else:
                if self.last_error is not None:
                    self._log.warning("Purser is back; %d bytes wait to be sent", self._spool.pending_bytes)
                self.last_error = None
                pause = PAUSE_SECONDS_MIN
                rested = time.monotonic() + self._rest_seconds
                self._note(answer, sent)

    def _next_batch(self) -> tuple[list[bytes], Place | None]:
        """The records to send and the place after them. No records but a place: the next record must wait."""
        contents, places = self._spool.read(RECORDS_MAX, BYTES_MAX)
        records: list[bytes] = []
        for content in contents:
            if self._must_wait(_head_of(content)):
                break
            records.append(content)
        if records:
            return records, places[len(records) - 1]
        return [], places[0] if places else None

    def _note_failure(self, error: Exception) -> None:
        self.failures += 1
        if self.last_error is None:
            self._log.error("Purser did not take the events; they stay in the spool: %r", error)
        self.last_error = repr(error)

    def _note(self, answer: Recorded, sent: list[bytes]) -> None:
        self.accepted += answer.accepted
        self.duplicates += answer.duplicates
        self.quarantined += answer.quarantined
        refused = [each for each in answer.rejected if each.code != NOT_A_LEDGER_EVENT]
        self.rejected += len(refused)
        for each in refused[:10]:
            self._log.error("Purser refused an event: %s: %s: %s", each.code, each.message, sent[each.index])
        if answer.quarantined:
            self._log.warning("Purser put %d events into quarantine", answer.quarantined)


_END = object()
