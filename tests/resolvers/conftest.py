"""The resolvers' context over a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from app.database import Database
from app.resolvers import Context
from tests.ledger.state import broken_invariants


@pytest.fixture
async def context(database: Database) -> AsyncIterator[Context]:
    """After each test, whatever it did, every invariant must hold."""
    yield Context(database)
    assert await broken_invariants(database) == []
