"""Opens the configured database for a command: the embedded server, or that of PURSER_DATABASE_URL."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from app.database import Database
from app.database.embedded import EmbeddedServer
from app.database.upgrade import has_outdated_rows, upgrade
from app.settings import Settings


@contextmanager
def configured_database(settings: Settings) -> Iterator[str]:
    """The database's libpq URL, its schema upgraded; an embedded server runs during the block.

    Raises EmbeddedServerError, DatabaseUnavailable, DatabaseIncompatible.
    """
    with configured_server(settings) as url:
        asyncio.run(upgrade(url))
        if asyncio.run(has_outdated_rows(url)):
            # Imported here: the ledger takes a second to load.
            from app.ledger.holds.revaluation import revalue_pending
            from app.ledger.recording.refold import refold_outdated

            asyncio.run(_with_database(url, refold_outdated))
            asyncio.run(_with_database(url, revalue_pending))
        yield url


async def _with_database(url: str, use: Callable[[Database], Awaitable[object]]) -> None:
    database = await Database.open(url)
    try:
        await use(database)
    finally:
        await database.close()


@contextmanager
def configured_server(settings: Settings) -> Iterator[str]:
    """The database's libpq URL; the schema is not touched. Raises EmbeddedServerError."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with Console(file=sys.stderr).status("Starting the embedded PostgreSQL"):
        server = EmbeddedServer.start(settings.data_dir)
    with server:
        yield server.url
