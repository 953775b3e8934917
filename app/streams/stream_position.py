"""How far a consumer group is in a stream, and whether entries were removed before it read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.streams.entry_merge import EntryPlace, place_of


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """A group in a stream. Counts are None where Redis cannot tell: before 7.0, or after deletions."""

    first: EntryPlace | None
    """The oldest entry in the stream; None if it is empty."""
    newest: EntryPlace
    delivered: EntryPlace
    """The last entry that the group has read."""
    length: int
    pending: int
    """Entries that were read and are not acknowledged."""
    added: int | None
    """Entries ever added to the stream."""
    read: int | None
    """Entries ever added up to `delivered`. Redis 7.0 does not count those that were removed unread."""

    @classmethod
    def of(cls, stream: Mapping[str, Any], group: Mapping[str, Any]) -> "StreamPosition":
        """From XINFO STREAM and XINFO GROUPS."""
        first = stream["first-entry"]
        return cls(
            first=place_of(first[0]) if first and first[0] is not None else None,
            newest=place_of(stream["last-generated-id"]),
            delivered=place_of(group["last-delivered-id"]),
            length=stream["length"],
            pending=group["pending"],
            added=stream.get("entries-added"),
            read=group.get("entries-read"),
        )


class LossCounter:
    """Counts the entries of one stream that were removed before the group read them, as far as Redis shows it."""

    def __init__(self) -> None:
        self._correction = 0
        """To be added to `read`."""

    def removed_unread(self, position: StreamPosition) -> int:
        """Entries that were removed unread since the previous call, at least."""
        if position.added is None or position.read is None:
            return 0
        if position.delivered == position.newest:
            lost = 0
            self._correction = position.added - position.read
        else:
            removed = position.added - position.length
            is_behind_first = position.first is None or position.first > position.delivered
            lost = max(0, removed - position.read - self._correction) if is_behind_first else 0
            self._correction += lost
        return lost

    def behind(self, position: StreamPosition) -> int | None:
        """Entries that are not acknowledged, read or not; None if unknown."""
        if position.delivered == position.newest:
            return position.pending
        if position.first is None or position.first > position.delivered:
            return position.length + position.pending
        if position.added is None or position.read is None:
            return None
        return position.added - position.read - self._correction + position.pending
