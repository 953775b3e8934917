"""Ids derived from names. Every instance derives the same id without communication."""

import re
from functools import lru_cache
from uuid import NAMESPACE_URL, UUID, uuid5

PURSER_NAMESPACE = uuid5(NAMESPACE_URL, "https://purser.dev/ids")
NO_STRATEGY = UUID(int=0)
"""Replaces a missing strategy in keys that begin with `strategy_id`."""

_DIGITS = "(?:[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
# Python's UUID() also accepts misplaced hyphens, underscores, blanks and digits of other scripts.
_UUID = re.compile(rf"(?:urn:uuid:)?{_DIGITS}|\{{{_DIGITS}\}}", re.ASCII | re.IGNORECASE)


def read_uuid(text: str) -> UUID | None:
    """Reads a UUID: with or without hyphens, in any case, as a URN or in braces. Returns None for other text.

    Text that may be an id or a name is an id if this function reads it, so no name can hide an id.
    """
    return UUID(text) if _UUID.fullmatch(text) else None


@lru_cache(maxsize=65536)
def strategy_id_of(trader_id: str, name: str) -> UUID:
    """The strategy's UUID. A line break joins the names, because neither may contain one."""
    return uuid5(PURSER_NAMESPACE, f"{trader_id}\n{name}")


def signal_id_of(owner: str, instrument_id: str | None, name: str, ts_event: int, ts_init: int, value: str) -> UUID:
    """The id of a signal that has none. A signal that is published again gets the same id."""
    content = f"{owner}\n{instrument_id or ''}\n{name}\n{ts_event}\n{ts_init}\n{value}"
    return uuid5(PURSER_NAMESPACE, f"signal\n{content}")
