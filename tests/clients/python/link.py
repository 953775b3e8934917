"""A TCP proxy in front of the service, which loses connections and answers when a test says so."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

DEADLINE_SECONDS = 20.0
CHUNK = 65_536
REQUEST = b"POST /graphql"
TEXT_FRAME = b"\x81"


class Link:
    """The proxy's state. `address` is the URL that clients use."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.address = ""
        self.connections = 0
        """How many clients connected."""
        self.requests = 0
        """How many HTTP requests were sent."""
        self.texts = 0
        """How many chunks were sent that begin a text message of a WebSocket."""
        self.is_refusing = False
        """Whether new connections are cut at once."""
        self.answers_to_lose = 0
        """How many answers are lost with their connections, after the service executed the requests."""
        self.fixed_answer: bytes | None = None
        """An answer to every request that replaces the service's."""
        self._frozen: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def is_open(self) -> bool:
        """Whether any client is connected."""
        return bool(self._open)

    def cut(self) -> None:
        """Resets all connections, without what is on its way."""
        for writer in list(self._open):
            writer.transport.abort()

    def freeze(self) -> None:
        """Forwards nothing more on the present connections, which stay open."""
        self._frozen |= self._open

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits for a condition. Raises TimeoutError."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        self.connections += 1
        if self.is_refusing:
            writer.transport.abort()
            return
        if self.fixed_answer is not None:
            await self._answer(reader, writer, self.fixed_answer)
            return
        parts = urlsplit(self.target)
        try:
            to_service = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, to_service[1]}
        self._open |= both
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._upward(reader, to_service[1]))
                tasks.create_task(self._downward(to_service[0], writer))
        except* (OSError, EOFError):
            pass
        finally:
            self._open -= both
            for one in both:
                one.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes) -> None:
        while data := await reader.read(CHUNK):
            if REQUEST in data:
                self.requests += 1
                writer.write(answer)
        writer.close()

    async def _upward(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            if to not in self._frozen:
                self.requests += data.count(REQUEST)
                self.texts += data.startswith(TEXT_FRAME)
                to.write(data)
        raise EOFError

    async def _downward(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            if to in self._frozen:
                continue
            if self.answers_to_lose:
                self.answers_to_lose -= 1
                break
            to.write(data)
        raise EOFError


@asynccontextmanager
async def linked(target: str) -> AsyncIterator[Link]:
    """A running proxy to the service at this URL."""
    link = Link(target)
    server = await asyncio.start_server(link.accept, "127.0.0.1")
    link.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield link
    finally:
        server.close()
        link.cut()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await server.wait_closed()
