"""HTTP as uvicorn speaks it, with a limit on what surrounds a request's body.

uvicorn collects addresses, headers and trailers without end, before the application sees the request: any client,
also one without a key, could fill the memory.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 128 * 1024
"""The address, the headers and the trailers of one request together."""
_SEPARATORS_BYTES = 4
"""`: ` and the end of the line."""


class HeadTooLarge(ValueError):
    """The request is refused with status 400, like any that is not HTTP."""


class HttpProtocol(HttpToolsProtocol):
    """Counts the bytes of a request's head as the parser delivers them, and those that it still holds back."""

    _head_bytes = 0
    _held_back_bytes = 0
    """Bytes since the parser last delivered anything: a name or a value is delivered whole."""

    def data_received(self, data: bytes) -> None:
        """Refuse a head of which one part alone is too large."""
        self._held_back_bytes += len(data)
        super().data_received(data)
        if self._held_back_bytes > HEAD_BYTES_MAX and self.parser is not None and not self.transport.is_closing():
            self.send_400_response("A part of the request's head is too large.")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_bytes = self._held_back_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the address. Raises HeadTooLarge."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or trailer. Raises HeadTooLarge."""
        self._count(len(name) + len(value) + _SEPARATORS_BYTES)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The body follows."""
        self._held_back_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body, which the application limits."""
        self._held_back_bytes = 0
        super().on_body(body)

    def _count(self, size: int) -> None:
        self._held_back_bytes = 0
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES_MAX:
            raise HeadTooLarge
