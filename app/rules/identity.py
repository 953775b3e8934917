"""Ids derived from names, so that every instance agrees on them without asking."""

import re
from functools import lru_cache
from uuid import NAMESPACE_URL, UUID, uuid5

PURSER_NAMESPACE = uuid5(NAMESPACE_URL, "https://purser.dev/ids")
NO_STRATEGY = UUID(int=0)
"""Stands for "no strategy" in keys that begin with `strategy_id`."""

_DIGITS = "(?:[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
# Python's own UUID() also takes hyphens in any place, underscores, blanks and digits of other scripts.
_UUID = re.compile(rf"(?:urn:uuid:)?{_DIGITS}|\{{{_DIGITS}\}}", re.ASCII | re.IGNORECASE)


def read_uuid(text: str) -> UUID | None:
    """A UUID from its text, with hyphens or without, in any case, as a URN or in braces; None for anything else.

    Where a text may be an id or a name, it is an id if this reads it: no name can take an id's place.
    """
    return UUID(text) if _UUID.fullmatch(text) else None


@lru_cache(maxsize=65536)
def strategy_id_of(trader_id: str, name: str) -> UUID:
    """The strategy's UUID; a line break joins the names because neither may contain one."""
    return uuid5(PURSER_NAMESPACE, f"{trader_id}\n{name}")


def signal_id_of(owner: str, instrument_id: str | None, name: str, ts_event: int, ts_init: int, value: str) -> UUID:
    """The id of a signal that came without one: the same signal published again has the same id."""
    content = f"{owner}\n{instrument_id or ''}\n{name}\n{ts_event}\n{ts_init}\n{value}"
    return uuid5(PURSER_NAMESPACE, f"signal\n{content}")
