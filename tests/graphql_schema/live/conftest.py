from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from tests.graphql_schema.live.client import Socket, connected
from tests.graphql_schema.service import running


@pytest.fixture
def service(database_url: str) -> Iterator[str]:
    """The address of a server over an empty database of the test's own."""
    with running(database_url) as address:
        yield address


@pytest.fixture
async def socket(service: str) -> AsyncIterator[Socket]:
    """An acknowledged connection to it."""
    async with connected(service) as opened:
        yield opened


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody who writes to its database."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()
