"""Importing recordings with a progress bar."""

import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from app.database import Database, PoolLimits
from app.ledger.importing import Progress as Imported
from app.ledger.importing import import_file

REJECTED_SHOWN_MAX = 20


async def import_files(url: str, limits: PoolLimits, paths: Iterable[Path]) -> list[Imported]:
    """Import each file, in order; the bar and the first refused lines of each go to stderr.

    Raises BadInputError, DatabaseUnavailable; what came before stays imported.
    """
    console = Console(file=sys.stderr)
    database = await Database.open(url, limits)
    try:
        with _bar(console) as bar:
            return [await _import_one(database, path, bar) for path in paths]
    finally:
        await database.close()


async def _import_one(database: Database, path: Path, bar: Progress) -> Imported:
    task = bar.add_task(path.name, total=None, lines=0)
    shown = 0

    def show(progress: Imported) -> None:
        bar.update(task, completed=progress.bytes_read, total=progress.bytes_total, lines=progress.lines)

    def complain(rejected: object) -> None:
        nonlocal shown
        shown += 1
        if shown <= REJECTED_SHOWN_MAX:
            bar.console.print(f"{path.name}: refused {rejected}", highlight=False, markup=False)

    imported = await import_file(database, path, on_progress=show, on_rejected=complain)
    if imported.rejected > REJECTED_SHOWN_MAX:
        bar.console.print(f"{path.name}: and {imported.rejected - REJECTED_SHOWN_MAX} more", markup=False)
    return imported


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[lines]:,} events"),
        TimeRemainingColumn(),
        console=console,
    )
