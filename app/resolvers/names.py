"""Strategies by name, cached for some seconds: each authorization names its strategy.

The change feed ends it when a strategy is made; the seconds are for when the feed is cut.
"""

import time
from collections.abc import Sequence
from uuid import UUID

from app.database import Database, ReadConnection
from app.feed.changes import Change
from app.ledger.input_checks import is_text

REMEMBERED_SECONDS = 5.0
"""A name stays its strategy's for ever, but another trader may begin to use it too."""
REMEMBERED_MAX = 10_000
_FIND = "SELECT strategy_id FROM strategies WHERE name = $1 ORDER BY strategy_id"


class StrategyNames:
    """What names meant when they were looked up last."""

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
        # If the feed ends what is remembered while the statement runs, its answer is remembered in vain.
        remembered = self._known
        async with database.read_latest() as connection:
            found = [row["strategy_id"] for row in await connection.fetch(_FIND, name)]
        if found:
            if len(remembered) >= REMEMBERED_MAX:
                remembered.clear()
            remembered[name] = (time.monotonic(), found)
        return found
