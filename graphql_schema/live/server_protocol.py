"""uvicorn's WebSocket protocol, extended: an application may write frames that it encoded itself, and abort.

ASGI sends one message at a time, which uvicorn encodes anew for each of a thousand subscribers, and it cannot end a
connection whose client reads nothing: closing waits until everything was sent.
"""

from typing import Any, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION = "purser.frames"
"""The key of `FrameWriter` in the scope's `extensions`."""


class FrameWriter:
    """Writes to one accepted WebSocket."""

    def __init__(self, protocol: WebSocketsSansIOProtocol) -> None:
        self._protocol = protocol

    @property
    def is_writable(self) -> bool:
        """Whether the client has read most of what was written."""
        return self._protocol.writable.is_set()

    async def drained(self) -> None:
        """Wait until the connection is writable or lost."""
        await self._protocol.writable.wait()

    def write(self, frames: bytes) -> None:
        """Write whole frames, unmasked. Raises ClientDisconnected, an OSError."""
        protocol = self._protocol
        if protocol.disconnected or protocol.close_sent or protocol.transport.is_closing():
            raise ClientDisconnected
        protocol.transport.write(frames)

    def abort(self) -> None:
        """End the connection at once; what the client did not read is dropped."""
        self._protocol.transport.abort()


class FrameProtocol(WebSocketsSansIOProtocol):
    """Offers `FrameWriter` on connections without compression."""

    def handle_connect(self, event: Request) -> None:
        """Accept the handshake; the application starts after this."""
        super().handle_connect(event)
        if self.response.status_code == 101 and not self.conn.extensions:
            cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = FrameWriter(self)


def frame_writer(scope: Any) -> FrameWriter | None:
    """The connection's writer; None if the server is another one or compresses messages."""
    writer: FrameWriter | None = (scope.get("extensions") or {}).get(EXTENSION)
    return writer
