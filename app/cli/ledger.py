"""`purser import` and `purser verify`.

The ledger takes a second to load, so what runs is imported when it is asked for: the other commands start without it.
"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.databases import configured_database
from app.cli.logs import configure_logging
from app.settings import load_settings

FAILED = 1
REFUSED_LINES = 3
"""Exit code where lines were refused and the rest was imported."""


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Engine events and instruments: JSON objects, one a line, or one JSON array of them; plain or gzip",
        ),
    ],
) -> None:
    """Import recordings of engine events and instruments; importing one again changes nothing.

    Lines that cannot be taken are named with their number on stderr, the rest goes on, and the exit code is 3.
    """
    from app.cli.importing import run_import

    settings = load_settings()
    configure_logging(settings.log_level)
    with configured_database(settings) as url:
        outcome = run_import(url, settings.pool_limits(), files)
    for message in outcome.unreadable:
        print(f"purser: {message}", file=sys.stderr)
    if outcome.unreadable:
        raise typer.Exit(FAILED)
    if not outcome.is_whole:
        raise typer.Exit(REFUSED_LINES)


def verify(
    audit_head: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="What an earlier run printed: the audit log must still have it."),
    ] = None,
) -> None:
    """Recompute every invariant from the database; name each one that is broken, with the rows.

    Ends with the audit log's head: note it where nobody who can write to the database can write. Changes nothing: what
    is to be done about a broken invariant, a person decides. Exit code 1 where any is broken.
    """
    from app.cli.verifying import noted_head, run_verify

    settings = load_settings()
    configure_logging(settings.log_level)
    noted = noted_head(audit_head) if audit_head is not None else None
    with configured_database(settings) as url:
        broken = asyncio.run(run_verify(url, settings.pool_limits(), noted))
    if broken:
        print(f"purser: {broken} of the ledger's invariants do not hold.", file=sys.stderr)
        raise typer.Exit(FAILED)
