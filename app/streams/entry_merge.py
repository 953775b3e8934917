"""Merges the entries of several streams by id, with a bounded number of them in memory."""

import heapq
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, Self, TypeAlias

EntryPlace: TypeAlias = tuple[int, int]
"""An entry id as numbers: milliseconds since the epoch, and a number within the millisecond."""


MILLISECOND_MAX = 10_000
_END: EntryPlace = (2**64, 2**64)


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

    A stream is open if it may contain entries that follow those read from it. No entry is taken before every open
    stream was read beyond the entry's millisecond: within a millisecond, ids say nothing about the order of several
    streams. A millisecond with more than MILLISECOND_MAX entries of one stream is taken in parts.
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
        return bool(self._waiting) and not any(map(self._needs_more, self._open))

    def to_read(self, keys: Iterable[bytes]) -> list[bytes]:
        """The streams to read now. The others may grow meanwhile, so they are open."""
        self._open |= self._waiting.keys()
        return [key for key in keys if key not in self._waiting or self._needs_more(key)]

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

    def take(self, count: int) -> list[Entry]:
        """The next entries in the order of their ids: so many, and the others of the last one's millisecond.

        Returns no entries unless the merge is ready.
        """
        if not self.is_ready:
            return []
        end = min(map(self._end_of, self._open), default=_END)
        heads = [(queue[0].place, key) for key, queue in self._waiting.items()]
        heapq.heapify(heads)
        taken: list[Entry] = []
        while heads and (len(taken) < count or heads[0][0][0] == taken[-1].place[0]):
            place, key = heads[0]
            if place > end:
                break
            queue = self._waiting[key]
            taken.append(queue.popleft())
            if queue:
                heapq.heapreplace(heads, (queue[0].place, key))
            else:
                heapq.heappop(heads)
                del self._waiting[key]
        return taken

    def _needs_more(self, key: bytes) -> bool:
        """Whether an open stream must be read before entries are taken: what waits may be a part of a millisecond."""
        queue = self._waiting.get(key)
        if queue is None:
            return True
        return queue[0].place[0] == queue[-1].place[0] and len(queue) < MILLISECOND_MAX

    def _end_of(self, key: bytes) -> EntryPlace:
        """Up to where entries may be taken while this stream is open."""
        queue = self._waiting[key]
        milliseconds = queue[-1].place[0]
        return queue[-1].place if queue[0].place[0] == milliseconds else (milliseconds - 1, _END[1])
