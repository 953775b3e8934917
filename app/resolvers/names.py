"""Strategies by name, remembered for some seconds: whoever authorizes orders names the same one all the time."""

import time
from uuid import UUID

from app.database import Database

REMEMBERED_SECONDS = 5.0
"""A name stays its strategy's for ever, but another trader may begin to use it too."""
REMEMBERED_MAX = 10_000
_FIND = "SELECT strategy_id FROM strategies WHERE name = $1 ORDER BY strategy_id"


class StrategyNames:
    """What names meant when they were looked up last."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[UUID]]] = {}

    async def find(self, database: Database, name: str) -> list[UUID]:
        """The strategies of that name, whoever's they are."""
        known = self._known.get(name)
        if known is not None and time.monotonic() - known[0] < REMEMBERED_SECONDS:
            return known[1]
        if "\x00" in name or not _is_text(name):
            return []
        async with database.read_latest() as connection:
            found = [row["strategy_id"] for row in await connection.fetch(_FIND, name)]
        if found:
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            self._known[name] = (time.monotonic(), found)
        return found


def _is_text(name: str) -> bool:
    """PostgreSQL keeps no half of a surrogate pair."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
