"""Implements `purser db`: upgrade, backup, restore."""

import asyncio
import sys
from pathlib import Path

from rich.console import Console

from app.cli.configuration import configured_server, settings_with_logging
from app.database import backup as backups
from app.database.upgrade import upgrade as upgrade_schema


def upgrade() -> None:
    """Upgrade the schema to this release and print the result."""
    with configured_server(settings_with_logging()) as url:
        done = asyncio.run(upgrade_schema(url))
    if done.before == done.after:
        print(f"The schema is already at revision {done.after}.")
    elif done.before is None:
        print(f"Created the schema at revision {done.after}.")
    else:
        print(f"Upgraded the schema from revision {done.before} to {done.after}.")


def back_up(file: Path, *, overwrite: bool) -> None:
    """Write a backup and print its size."""
    with configured_server(settings_with_logging()) as url, Console(file=sys.stderr).status(f"Backing up to {file}"):
        size = asyncio.run(backups.back_up(url, file, overwrite=overwrite))
    print(f"Wrote {file}, {size:,} bytes.")


def restore(file: Path, *, replace: bool) -> None:
    """Restore a backup and upgrade its schema to this release."""
    with configured_server(settings_with_logging()) as url:
        with Console(file=sys.stderr).status(f"Restoring {file}"):
            asyncio.run(backups.restore(url, file, replace=replace))
        done = asyncio.run(upgrade_schema(url))
    print(f"Restored {file}; the schema is at revision {done.after}.")
