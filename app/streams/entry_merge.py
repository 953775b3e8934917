"""Merges the entries of several streams by id, with a bounded number of them in memory."""

import heapq
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, Self

EntryPlace = tuple[int, int]
"""An entry id as numbers: milliseconds since the epoch, and a number within the millisecond."""


class Entry(NamedTuple):
    """An entry of a stream. Topic and payload are None if the entry lacks the field."""

    place: EntryPlace
    key: bytes
    id: bytes
    topic: bytes | None
    payload: bytes | None

    @classmethod
    def of(cls, key: bytes, id: bytes, fields: dict[bytes, bytes]) -> Self:
        """An entry as Redis returns it."""
        return cls(place_of(id), key, id, fields.get(b"topic"), fields.get(b"payload"))


def place_of(id: bytes) -> EntryPlace:
    """The id as numbers."""
    milliseconds, _, number = id.partition(b"-")
    return int(milliseconds), int(number)


class EntryMerge:
    """The entries that were read and not yet taken.

    A stream is open if it may contain entries that follow those read from it. No entry is taken before an open stream
    was read up to the entry's place.
    """

    def __init__(self) -> None:
        self._waiting: dict[bytes, deque[Entry]] = {}
        self._open: set[bytes] = set()

    @property
    def is_empty(self) -> bool:
        """Whether no entry is waiting."""
        return not self._waiting

    @property
    def is_complete(self) -> bool:
        """Whether every stream was read to its end."""
        return not self._open

    @property
    def is_ready(self) -> bool:
        """Whether entries can be taken."""
        return bool(self._waiting) and self._open <= self._waiting.keys()

    def to_read(self, keys: Iterable[bytes]) -> list[bytes]:
        """The streams to read now: those of which no entry is waiting. The others may have grown, so they are open."""
        self._open |= self._waiting.keys()
        return [key for key in keys if key not in self._waiting]

    def add(self, key: bytes, entries: Iterable[Entry], *, is_open: bool) -> None:
        """Add what was read from a stream, in order, and whether more may follow."""
        if queue := deque(entries):
            self._waiting.setdefault(key, deque()).extend(queue)
        if is_open:
            self._open.add(key)
        else:
            self._open.discard(key)

    def insert(self, entries: Iterable[Entry]) -> None:
        """Insert entries that precede those read: another consumer left them behind."""
        found: dict[bytes, list[Entry]] = {}
        for entry in entries:
            found.setdefault(entry.key, []).append(entry)
        for key, earlier in found.items():
            self._waiting[key] = deque(sorted((*earlier, *self._waiting.get(key, ()))))

    def take(self, most: int) -> list[Entry]:
        """The next entries, at most so many, in the order of their ids. Empty unless the merge is ready."""
        if not self.is_ready:
            return []
        last = min((self._waiting[key][-1].place for key in self._open), default=None)
        heads = [(queue[0].place, key) for key, queue in self._waiting.items()]
        heapq.heapify(heads)
        taken: list[Entry] = []
        while heads and len(taken) < most:
            place, key = heads[0]
            if last is not None and place > last:
                break
            queue = self._waiting[key]
            taken.append(queue.popleft())
            if queue:
                heapq.heapreplace(heads, (queue[0].place, key))
            else:
                heapq.heappop(heads)
                del self._waiting[key]
        return taken
