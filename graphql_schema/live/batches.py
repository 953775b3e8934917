"""Consecutive results of an operation, in the form in which they are sent.

A result is encoded once for all subscribers. The frames of a batch differ only in the subscriber's operation id, so
they are pieces joined by that id: one copy of memory for each subscriber, or none if it has the id of the one before.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import orjson

from app.feed.changes import ORIGIN, Offset

_BEFORE_ID = b'{"id":'
_AFTER_ID = b',"type":"next","payload":'
_TEXT_FRAME = b"\x81"
"""The first byte of a WebSocket frame that is a whole text message (RFC 6455, 5.2)."""


class Batch:
    """Results in order, each a JSON object with `data` or `errors`; those of a subscription have offsets.

    `end`: the offset up to which a subscriber has everything once it has the batch.
    """

    __slots__ = ("_frames", "_frames_id", "_pieces", "_server_sent", "end", "offsets", "results", "size")

    def __init__(self, results: Sequence[bytes], offsets: Sequence[Offset] = (), end: Offset = ORIGIN) -> None:
        self.results, self.offsets, self.end = results, offsets, end
        self.size = sum(map(len, results))
        self._pieces: dict[int, list[bytes]] = {}
        self._frames_id, self._frames, self._server_sent = b"", b"", b""

    def after(self, offset: Offset) -> "Batch":
        """The results after this offset."""
        first = bisect_right(self.offsets, offset)
        return Batch(self.results[first:], self.offsets[first:], self.end) if first else self

    def frames(self, operation_id: str) -> bytes:
        """The WebSocket frames of all results: messages `next` of graphql-transport-ws."""
        quoted = orjson.dumps(operation_id)
        if quoted != self._frames_id:
            pieces = self._pieces.get(len(quoted))
            if pieces is None:
                pieces = self._pieces[len(quoted)] = self._pieces_around(len(quoted))
            self._frames_id, self._frames = quoted, quoted.join(pieces)
        return self._frames

    def messages(self, operation_id: str) -> Iterator[str]:
        """The messages `next` one by one, for servers that frame them."""
        quoted = orjson.dumps(operation_id)
        for result in self.results:
            yield b"".join((_BEFORE_ID, quoted, _AFTER_ID, result, b"}")).decode()

    def server_sent(self) -> bytes:
        """The results as events `next` of GraphQL over SSE; the same bytes for all subscribers."""
        if not self._server_sent:
            # PostgreSQL writes line feeds between members; in the strings of JSON they are escaped.
            lines = [b"event: next\ndata: %b\n\n" % result.replace(b"\n", b" ") for result in self.results]
            self._server_sent = b"".join(lines)
        return self._server_sent

    def _pieces_around(self, id_bytes: int) -> list[bytes]:
        """What stands between the ids. Frames begin with their length, which depends on that of the id."""
        constant = len(_BEFORE_ID) + id_bytes + len(_AFTER_ID) + 1
        pieces, before = [], b""
        for result in self.results:
            pieces.append(before + _header(constant + len(result)) + _BEFORE_ID)
            before = _AFTER_ID + result + b"}"
        return [*pieces, before]


def _header(length: int) -> bytes:
    """The header of an unmasked text frame with a payload of this length in bytes."""
    if length < 126:
        return _TEXT_FRAME + length.to_bytes(1, "big")
    if length < 65_536:
        return _TEXT_FRAME + b"\x7e" + length.to_bytes(2, "big")
    return _TEXT_FRAME + b"\x7f" + length.to_bytes(8, "big")
