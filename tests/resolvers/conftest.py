"""The context of resolvers over the test's own database."""

from collections.abc import AsyncIterator

import pytest

from app.database import Database
from app.resolvers import Context
from tests.ledger.state import broken_invariants


@pytest.fixture
async def context(database: Database) -> AsyncIterator[Context]:
    """A context. After each test, every invariant of the ledger must hold."""
    yield Context(database)
    assert await broken_invariants(database) == []
