"""What `purser keys` runs. It works while the service runs, on the embedded server too."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

from app.cli.databases import configured_database
from app.cli.logs import settings_with_logging
from app.database import Database
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from app.settings import Settings

Result = TypeVar("Result")

_HEADINGS = ("ID", "NAME", "ROLE", "STRATEGIES", "CREATED", "REVOKED")


def create_key(role: Role, name: str | None, strategies: Sequence[str]) -> None:
    """Make a key and print it; what else is to be known goes to stderr."""
    key = _run(lambda context: keys.create_key(context, LOCAL, role, name, strategies))
    print(key)
    print(f"The {role} key {name or key.id} works at once. It is not shown again; its id is {key.id}.", file=sys.stderr)


def list_keys() -> None:
    """Print all keys as a table."""
    rows = [_HEADINGS]
    for key in _run(lambda context: keys.list_keys(context, LOCAL)):
        strategies = "all" if key.strategies is None else ", ".join(key.strategies)
        rows.append((key.key_id, key.name, key.role, strategies, _shown(key.created_at), _shown(key.revoked_at)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def revoke_key(key: str, *, by_name: bool) -> None:
    """Revoke a key, and print what came of it."""
    if _run(lambda context: keys.revoke_key(context, LOCAL, key, by_name=by_name)):
        print(f"Revoked the key {key}. Running services refuse it in a second or two.")
    else:
        print(f"The key {key} was revoked before.")


class KeysThere(Enum):
    """Which keys there are: what decides who gets in."""

    NONE_YET = "no API keys: loopback only, everybody there is admin"
    ALL_REVOKED = "every API key is revoked, so nobody gets in: purser keys create makes one"
    IN_USE = ""


async def keys_there(context: Context) -> KeysThere:
    """Which keys there are. Raises DatabaseUnavailable."""
    every = await keys.list_keys(context, LOCAL)
    if any(key.revoked_at is None for key in every):
        return KeysThere.IN_USE
    return KeysThere.ALL_REVOKED if every else KeysThere.NONE_YET


def with_context(url: str, settings: Settings, act: Callable[[Context], Awaitable[Result]]) -> Result:
    """What `act` answers over the database at `url`. Raises DatabaseUnavailable, and what `act` raises."""

    async def run() -> Result:
        database = await Database.open(url, settings.pool_limits())
        try:
            return await act(Context(database))
        finally:
            await database.close()

    return asyncio.run(run())


def _run(act: Callable[[Context], Awaitable[Result]]) -> Result:
    settings = settings_with_logging()
    with configured_database(settings) as url:
        return with_context(url, settings, act)


def _shown(nanoseconds: int | None) -> str:
    if nanoseconds is None:
        return ""
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
