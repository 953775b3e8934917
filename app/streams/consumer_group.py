"""One consumer of a group on all streams whose keys match patterns.

Redis keeps the group's position in each stream and the entries that were delivered but not acknowledged. After a lost
connection everything starts from there: `resume` reads this consumer's own unacknowledged entries again.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.streams.entry_merge import Entry, EntryMerge
from app.streams.stream_position import StreamPosition

ENTRIES_MAX = 50_000
"""Entries in memory, if no stream has more than its share: then each stream gets at least SHARE_MIN."""
SHARE_MIN, SHARE_MAX = 100, 5_000
BLOCK_MS = 1000
_SCAN_COUNT = 1000
_GLOB = frozenset("*?[")
_NEW, _OWN = b">", b"0-0"

_LOG = logging.getLogger("purser.stream")


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """`first_id` applies to streams that exist when the group is new: 0 for all entries, $ for later ones."""

    patterns: Sequence[str]
    group: str
    consumer: str
    first_id: str = "0"
    claim_idle_seconds: float = 60.0
    is_followed: Callable[[bytes], bool] = lambda _: True
    """Whether a key that matches is followed."""


class ConsumerGroup:
    """Reads, claims and acknowledges entries. Every method raises RedisError."""

    def __init__(self, client: "Redis", options: GroupOptions) -> None:
        self._client = client
        self._options = options
        self._next: dict[bytes, bytes] = {}
        """For each stream: the last own entry read again, or `>` once all of those were."""
        self._held: dict[bytes, set[bytes]] = {}
        """Entries that were read and are not acknowledged."""
        self._is_known = False
        """Whether the group is known to exist: then streams that are new are read from their beginning."""

    @property
    def keys(self) -> list[bytes]:
        """The streams that are followed."""
        return list(self._next)

    def resume(self) -> None:
        """Forget what was read: it is read again. The caller must drop it."""
        self._next.clear()
        self._held.clear()

    async def discover(self) -> list[bytes]:
        """Follow the streams that match and are not followed yet. Returns their keys."""
        found = sorted(key for key in await self._matching() if key not in self._next)
        if not found:
            return []
        first_id = "0" if self._is_known or self._options.first_id == "0" else await self._first_id(found)
        pipeline = self._client.pipeline(transaction=False)
        for key in found:
            pipeline.xgroup_create(key, self._options.group, id=first_id)
        for key, answer in zip(found, await pipeline.execute(raise_on_error=False), strict=True):
            if isinstance(answer, Exception) and not _says(answer, "BUSYGROUP"):
                raise answer
            self._next[key] = _OWN
        self._is_known = True
        return found

    async def read(self, merge: EntryMerge, *, is_waiting: bool) -> int:
        """Read the streams that the merge needs, into the merge; `is_waiting`: wait up to BLOCK_MS for an entry.

        Returns the number of entries that are gone: delivered to this consumer earlier, then deleted.
        """
        keys = merge.to_read(self._next)
        count = max(SHARE_MIN, min(SHARE_MAX, ENTRIES_MAX // max(1, len(self._next))))
        found: Any = await self._client.xreadgroup(
            self._options.group,
            self._options.consumer,
            {key: self._next[key] for key in keys},
            count=count,
            block=BLOCK_MS if is_waiting else None,
        )
        by_key: Mapping[bytes, Any] = dict(found)
        gone = 0
        for key in keys:
            delivered = by_key.get(key, ())
            is_again = self._next[key] != _NEW
            is_full = len(delivered) == count
            entries, deleted = await self._kept(key, delivered)
            gone += deleted
            if is_again:
                self._next[key] = delivered[-1][0] if is_full else _NEW
            merge.add(key, entries, is_open=is_full or is_again)
        return gone

    async def claim(self, merge: EntryMerge) -> tuple[int, int]:
        """Take over entries that other consumers left unacknowledged.

        Returns the number of entries, and of those that are gone. At most SHARE_MIN of each stream are taken at once.
        """
        pipeline = self._client.pipeline(transaction=False)
        for key in self._next:
            pipeline.xautoclaim(
                key,
                self._options.group,
                self._options.consumer,
                int(self._options.claim_idle_seconds * 1000),
                count=SHARE_MIN,
            )
        claimed: list[Entry] = []
        gone = 0
        for key, (_, delivered, *deleted) in zip(list(self._next), await pipeline.execute(), strict=True):
            # Entries that wait here for long are claimed from this very consumer.
            held = self._held.get(key, set())
            news = [(id, fields) for id, fields in delivered if id is not None and id not in held]
            entries, absent = await self._kept(key, news)
            claimed += entries
            gone += absent + len(set(*deleted) - held)
        merge.insert(claimed)
        return len(claimed), gone

    async def acknowledge(self, entries: Iterable[Entry]) -> None:
        """Tell Redis that these entries are done."""
        by_key: dict[bytes, list[bytes]] = {}
        for entry in entries:
            by_key.setdefault(entry.key, []).append(entry.id)
        pipeline = self._client.pipeline(transaction=False)
        for key, ids in by_key.items():
            pipeline.xack(key, self._options.group, *ids)
        await pipeline.execute()
        for key, ids in by_key.items():
            self._held.get(key, set()).difference_update(ids)

    async def positions(self) -> dict[bytes, StreamPosition]:
        """How far the group is in each stream."""
        keys = self.keys
        pipeline = self._client.pipeline(transaction=True)
        for key in keys:
            pipeline.xinfo_stream(key)
            pipeline.xinfo_groups(key)
        answers = await pipeline.execute()
        positions = {}
        for key, stream, groups in zip(keys, answers[::2], answers[1::2], strict=True):
            own = next((one for one in groups if one["name"] == self._options.group.encode()), None)
            if own is not None:
                positions[key] = StreamPosition.of(stream, own)
        return positions

    async def _kept(self, key: bytes, delivered: Iterable[tuple[bytes, Any]]) -> tuple[list[Entry], int]:
        """The entries, from now on held, and the number of those that were deleted; these are acknowledged."""
        entries = [Entry.of(key, id, fields) for id, fields in delivered if fields]
        gone = [id for id, fields in delivered if not fields]
        if gone:
            await self._client.xack(key, self._options.group, *gone)
        self._held.setdefault(key, set()).update(entry.id for entry in entries)
        return entries, len(gone)

    async def _matching(self) -> set[bytes]:
        """The keys of streams that match a pattern and are followed."""
        found: set[bytes] = set()
        for pattern in self._options.patterns:
            if _GLOB.isdisjoint(pattern):
                if await self._client.type(pattern) == b"stream":
                    found.add(pattern.encode())
            else:
                scan = self._client.scan_iter(match=pattern, count=_SCAN_COUNT, _type="stream")
                found.update([key async for key in scan])
        return {key for key in found if self._options.is_followed(key)}

    async def _first_id(self, keys: Iterable[bytes]) -> str:
        """Where the group begins in existing streams: if it exists on one of them, the others are new."""
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.xinfo_groups(key)
        name = self._options.group.encode()
        is_known = any(one["name"] == name for groups in await pipeline.execute() for one in groups)
        return "0" if is_known else self._options.first_id


def _says(error: Exception, word: str) -> bool:
    return isinstance(error, ResponseError) and str(error).startswith(word)
