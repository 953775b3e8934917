"""The first argument of every resolver, and one transaction for all writes of a mutation."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import InitVar, dataclass, field
from uuid import UUID

from app.database import Database, ReadConnection, WriteConnection
from app.errors import Busy
from app.feed.changes import Change
from app.feed.feed import Feed
from app.feed.registry import Registry
from app.ledger.authorization.group_commit import GroupCommit
from app.ledger.commands import is_text
from app.ledger.storage.locks import WAITED_TOO_LONG
from app.reads.lookups import Lookups

REMEMBERED_SECONDS = 5.0
"""How long a name is cached. The change feed clears the cache when a strategy is made; this is for a cut feed.

A name stays its strategy's for ever, but another trader may begin to use it too.
"""
REMEMBERED_MAX = 10_000
_FIND = "SELECT strategy_id FROM strategies WHERE name = $1 ORDER BY strategy_id"


class StrategyNames:
    """Cache of the strategies of each name: every authorization names its strategy."""

    entity = "strategy"
    reload_seconds = None

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[UUID]]] = {}

    async def load(self, _: ReadConnection) -> None:
        """Clear the cache: changes may have been missed."""
        self._known = {}

    async def apply(self, _: ReadConnection, __: Sequence[Change]) -> None:
        """Clear the cache: another trader may use a name now."""
        self._known = {}

    async def find(self, database: Database, name: str, *, anew: bool) -> list[UUID]:
        """The ids of all strategies of that name; `anew` skips the cache."""
        known = None if anew else self._known.get(name)
        if known is not None and time.monotonic() - known[0] < REMEMBERED_SECONDS:
            return known[1]
        if not is_text(name):
            return []
        # If the feed clears the cache while the statement runs, the answer goes to the old one.
        remembered = self._known
        async with database.read_latest() as connection:
            found = [row["strategy_id"] for row in await connection.fetch(_FIND, name)]
        if found:
            if len(remembered) >= REMEMBERED_MAX:
                remembered.clear()
            remembered[name] = (time.monotonic(), found)
        return found


@dataclass(frozen=True, slots=True)
class Context:
    """The resources of the process: made once, shared by all requests."""

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
