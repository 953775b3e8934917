"""`purser keys`: create, list, revoke. They work while the service runs, on the embedded server too."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, TypeVar

import typer

from app.cli.databases import configured_database
from app.cli.logs import configure_logging
from app.database import Database
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from app.settings import Settings, load_settings

commands = typer.Typer(name="keys", help="Say who may ask, and for what.", no_args_is_help=True)

Result = TypeVar("Result")

_HEADINGS = ("ID", "NAME", "ROLE", "STRATEGIES", "CREATED", "REVOKED")


@commands.command()
def create(
    role: Annotated[Role, typer.Option(help="What it may do: viewer reads, trader records too, admin everything.")],
    name: Annotated[str | None, typer.Option(help="What the audit log calls it. [the key's id]")] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STRATEGY",
            help="Only for this strategy: id, NAME or TRADER/NAME; may be repeated. A UUID is always an id.",
        ),
    ] = None,
) -> None:
    """Make a key and print it: the only time that it is seen.

    From the first key on the service answers nobody without one, and may listen beyond the loopback.
    """
    key = _run(lambda context: keys.create_key(context, LOCAL, role, name, strategy or ()))
    print(key)
    print(f"The {role} key {name or key.id} works at once. It is not shown again; its id is {key.id}.", file=sys.stderr)


@commands.command("list")
def list_() -> None:
    """List all keys, revoked ones too, without their secrets."""
    rows = [_HEADINGS]
    for key in _run(lambda context: keys.list_keys(context, LOCAL)):
        strategies = "all" if key.strategies is None else ", ".join(key.strategies)
        rows.append((key.key_id, key.name, key.role, strategies, _shown(key.created_at), _shown(key.revoked_at)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@commands.command()
def revoke(
    key_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The key's id.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="The key's name, in place of its id.")] = None,
) -> None:
    """Revoke a key for good, by its id or by its name; running services refuse it in a second or two."""
    key = key_id if name is None else name
    if key is None or (name is not None and key_id is not None):
        raise typer.BadParameter("give either the key's id or --name NAME")
    if _run(lambda context: keys.revoke_key(context, LOCAL, key, by_name=name is not None)):
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
    settings = load_settings()
    configure_logging(settings.log_level)
    with configured_database(settings) as url:
        return with_context(url, settings, act)


def _shown(nanoseconds: int | None) -> str:
    if nanoseconds is None:
        return ""
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
