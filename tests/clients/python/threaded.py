"""The synchronous client behind the asynchronous one's interface, so that one test covers both."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

from purser_client import AsyncPurser, Purser

AnyClient: TypeAlias = Any
_END = object()


class ThreadedClient:
    """Calls a `Purser` in threads, one step of an iterator at a time."""

    def __init__(self, client: Purser) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if str(inspect.signature(method).return_annotation).startswith(("Iterator", "Generator")):
            return lambda *arguments, **named: _stepped(method(*arguments, **named))

        async def call(*arguments: Any, **named: Any) -> Any:
            return await asyncio.to_thread(method, *arguments, **named)

        return call


async def _stepped(iterator: Generator[Any, None, None]) -> AsyncIterator[Any]:
    try:
        while (one := await asyncio.to_thread(next, iterator, _END)) is not _END:
            yield one
    finally:
        iterator.close()


def connected(kind: str, url: str, **options: Any) -> AbstractAsyncContextManager[AnyClient]:
    """A client of the service at this URL: `synchronous` or `asynchronous`."""
    return AsyncPurser(url, **options) if kind == "asynchronous" else _threaded(url, options)


@asynccontextmanager
async def _threaded(url: str, options: dict[str, Any]) -> AsyncIterator[ThreadedClient]:
    with Purser(url, **options) as client:
        yield ThreadedClient(client)
