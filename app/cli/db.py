"""`purser db`: upgrade, backup, restore."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status

from app.cli.databases import configured_server
from app.cli.logs import configure_logging
from app.database import backup as backups
from app.database.upgrade import upgrade as upgrade_schema
from app.settings import Settings, load_settings

commands = typer.Typer(name="db", help="Look after the database.", no_args_is_help=True)


@commands.command()
def upgrade() -> None:
    """Bring the schema up to this release; `serve` does so by itself."""
    with configured_server(_settings()) as url:
        done = asyncio.run(upgrade_schema(url))
    if done.before == done.after:
        print(f"The schema is at revision {done.after} already.")
    else:
        print(f"Upgraded the schema from {done.before or 'nothing'} to revision {done.after}.")


@commands.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write the backup (pg_dump's custom format).")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE if it exists.")] = False,
) -> None:
    """Write everything to FILE, as of one moment; the service may go on meanwhile."""
    with configured_server(_settings()) as url, _status(f"Backing up to {file}"):
        size = asyncio.run(backups.back_up(url, file, overwrite=force))
    print(f"Wrote {file}, {size:,} bytes.")


@commands.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup that `purser db backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what the database holds now.")] = False,
) -> None:
    """Put FILE's contents in the place of the database's: all of it, or on any failure nothing."""
    with configured_server(_settings()) as url:
        with _status(f"Restoring {file}"):
            asyncio.run(backups.restore(url, file, replace=force))
        done = asyncio.run(upgrade_schema(url))
    print(f"Restored {file}; the schema is at revision {done.after}.")


def _settings() -> Settings:
    settings = load_settings()
    configure_logging(settings.log_level)
    return settings


def _status(what: str) -> Status:
    return Console(file=sys.stderr).status(what)
