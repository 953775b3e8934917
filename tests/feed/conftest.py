from collections.abc import AsyncIterator

import asyncpg
import pytest


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody who writes, and tells nobody."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()
