"""Importing recordings with a progress bar."""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic

import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.cli.commands import FAILED, REFUSED_LINES
from app.cli.configuration import configured_database, settings_with_logging
from app.cli.worker import collect_seldom
from app.database import Database, PoolLimits
from app.database.upgrade import connected
from app.engines import nautilus
from app.errors import BadInputError
from app.interruption import stop_if_cancelled, until_interrupted
from app.ledger.batch import Rejected
from app.ledger.importing import Progress as Imported
from app.ledger.importing import import_file

REJECTED_SHOWN_MAX = 20


def import_files(paths: Sequence[Path]) -> int:
    """Import files into the configured database; returns the exit code. Raises DatabaseUnavailable."""
    settings = settings_with_logging()
    with configured_database(settings) as url:
        return run_import(url, settings.pool_limits(), paths)


def run_import(url: str, limits: PoolLimits, paths: Iterable[Path]) -> int:
    """Import the files in order; returns the exit code.

    The progress bar, refused lines, unreadable files and a summary of each file go to stderr.

    Raises DatabaseUnavailable, KeyboardInterrupt; lines imported before stay imported.
    """
    collect_seldom()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(until_interrupted(_import_files(url, limits, paths)))


async def _import_files(url: str, limits: PoolLimits, paths: Iterable[Path]) -> int:
    imported: list[Imported] = []
    unreadable: list[str] = []
    async with await Database.open(url, limits) as database:
        with _bar() as bar:
            for path in paths:
                try:
                    imported.append(await _import_one(database, path, bar))
                except BadInputError as error:
                    unreadable.append(str(error))
    # As the tables' owner. Until autovacuum does it, PostgreSQL plans for the tables as they were.
    async with connected(url, writes=True) as connection:
        await connection.execute("ANALYZE")
    for message in unreadable:
        print(f"purser: {message}", file=sys.stderr)
    if unreadable:
        return FAILED
    return REFUSED_LINES if any(each.rejected for each in imported) else 0


async def _import_one(database: Database, path: Path, bar: Progress) -> Imported:
    task = bar.add_task(path.name, total=None, counts="", rate=0)
    started = monotonic()
    shown = 0

    def show(progress: Imported) -> None:
        stop_if_cancelled()
        rate = int(progress.lines / max(monotonic() - started, 1e-9))
        counts = str(progress)
        bar.update(task, completed=progress.bytes_read, total=progress.bytes_total, counts=counts, rate=rate)

    def complain(rejected: Rejected) -> None:
        nonlocal shown
        shown += 1
        if shown <= REJECTED_SHOWN_MAX:
            event = f" (event {rejected.event_id})" if rejected.event_id else ""
            _say(bar, f"{path.name}:{rejected.place}: {rejected.code}: {rejected.message}{event}")

    imported = await import_file(database, path, nautilus.read_message, on_progress=show, on_rejected=complain)
    if shown > REJECTED_SHOWN_MAX:
        _say(bar, f"{path.name}: and {shown - REJECTED_SHOWN_MAX} more")
    seconds = monotonic() - started
    rate = int(imported.lines / max(seconds, 1e-9))
    _say(bar, f"{path.name}: {imported.lines:,} lines in {seconds:.1f} s ({rate:,}/s): {imported}")
    return imported


def _say(bar: Progress, line: str) -> None:
    bar.console.print(line, highlight=False, markup=False, soft_wrap=True)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:,}/s  {task.fields[counts]}"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
