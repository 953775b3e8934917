"""Implements `purser keys`. Works while the service runs, with the embedded server too."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

from app.cli.configuration import configured_database, settings_with_logging, with_database
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from app.settings import Settings

Result = TypeVar("Result")

_HEADINGS = ("ID", "NAME", "ROLE", "STRATEGIES", "CREATED", "REVOKED")


def create_key(role: Role, name: str | None, strategies: Sequence[str]) -> None:
    """Create a key and print it on stdout; notes go to stderr."""
    key = _run(lambda context: keys.create_key(context, LOCAL, role, name, strategies))
    print(key)
    print(f"Created the {role} key {name or key.id} with the id {key.id}. It is not shown again.", file=sys.stderr)


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
    """Revoke a key and print the result."""
    if _run(lambda context: keys.revoke_key(context, LOCAL, key, by_name=by_name)):
        print(f"Revoked the key {key}. Running services refuse it within seconds.")
    else:
        print(f"The key {key} was already revoked.")


class KeyState(Enum):
    """Which keys exist; the values are notes for the operator."""

    NONE_YET = "no API key exists: only this machine has access, as admin"
    ALL_REVOKED = "every API key is revoked: no client has access until purser keys create makes a new one"
    IN_USE = ""


async def key_state(context: Context) -> KeyState:
    """Which keys exist. Raises DatabaseUnavailable."""
    every = await keys.list_keys(context, LOCAL)
    if any(key.revoked_at is None for key in every):
        return KeyState.IN_USE
    return KeyState.ALL_REVOKED if every else KeyState.NONE_YET


def with_context(url: str, settings: Settings, use: Callable[[Context], Awaitable[Result]]) -> Result:
    """The result of `use` on the database at `url`. Raises DatabaseUnavailable."""
    return with_database(url, settings.pool_limits(), lambda database: use(Context(database)))


def _run(use: Callable[[Context], Awaitable[Result]]) -> Result:
    settings = settings_with_logging()
    with configured_database(settings) as url:
        return with_context(url, settings, use)


def _shown(nanoseconds: int | None) -> str:
    if nanoseconds is None:
        return ""
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
