"""One transaction for all that a mutation writes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.database import WriteConnection
from app.errors import Busy
from app.ledger.storage.locks import WAITED_TOO_LONG
from app.resolvers.context import Context


@asynccontextmanager
async def transaction(context: Context) -> AsyncIterator[WriteConnection]:
    """A unit of work, committed when the block ends without an error. Raises Busy, DatabaseUnavailable."""
    try:
        async with context.database.unit_of_work() as work:
            yield work
            await work.commit()
    except WAITED_TOO_LONG as error:
        raise Busy from error
