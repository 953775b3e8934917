from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from tests.graphql_schema.live.client import Socket, connected
from tests.graphql_schema.service import running


@pytest.fixture
def service(database_url: str) -> Iterator[str]:
    """The URL of a server over an empty database."""
    with running(database_url) as address:
        yield address


@pytest.fixture
async def socket(service: str) -> AsyncIterator[Socket]:
    """An acknowledged connection to the server."""
    async with connected(service) as opened:
        yield opened


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that writes to the database."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()
