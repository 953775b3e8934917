from collections.abc import AsyncIterator

import asyncpg
import pytest


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that writes without notifying the feed."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()
