"""What every resolver is given, and one transaction for all that a mutation writes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import InitVar, dataclass, field

from app.database import Database, WriteConnection
from app.errors import Busy
from app.feed.feed import Feed
from app.feed.registry import Registry
from app.ledger.authorization.group_commit import GroupCommit
from app.ledger.storage.locks import WAITED_TOO_LONG
from app.reads.lookups import Lookups
from app.resolvers.names import StrategyNames


@dataclass(frozen=True, slots=True)
class Context:
    """The process's means: made once, shared by all requests."""

    database: Database
    authorize_waiting_max: InitVar[int] = 5000
    group_commit: GroupCommit = field(init=False)
    names: StrategyNames = field(default_factory=StrategyNames)
    lookups: Lookups = field(default_factory=Lookups)
    feed: Feed = field(default_factory=Feed)
    registry: Registry = field(default_factory=Registry)

    def __post_init__(self, authorize_waiting_max: int) -> None:
        object.__setattr__(self, "group_commit", GroupCommit(self.database, waiting_max=authorize_waiting_max))


@asynccontextmanager
async def transaction(context: Context) -> AsyncIterator[WriteConnection]:
    """A unit of work, committed when the block ends without an error. Raises Busy, DatabaseUnavailable."""
    try:
        async with context.database.unit_of_work() as work:
            yield work
            await work.commit()
    except WAITED_TOO_LONG as error:
        raise Busy from error
