"""Settings, logging and the database of a command."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console

from app.database import Database, PoolLimits
from app.database.embedded import EmbeddedServer
from app.database.upgrade import has_outdated_rows, upgrade
from app.settings import Settings, load_settings, unknown_variables

Result = TypeVar("Result")

_LOG = logging.getLogger("purser.settings")

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging(level: str) -> None:
    """Log messages of `level` and above; those of uvicorn, alembic and asyncio from WARNING, unless debugging."""
    logging.basicConfig(level=level.upper(), format=FORMAT)
    if level != "debug":
        for name in ("uvicorn", "uvicorn.error", "alembic", "asyncio"):
            logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def settings_with_logging(**options: object) -> Settings:
    """Read the settings and configure logging by them; `options` that are not None take precedence.

    Logs a warning for each `PURSER_*` variable that is no setting. Raises SettingsInvalid.
    """
    settings = load_settings(**options)
    configure_logging(settings.log_level)
    for sentence in unknown_variables():
        _LOG.warning("%s", sentence)
    return settings


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
            from app.ledger.recording.record import refold_outdated

            for complete in (refold_outdated, revalue_pending):
                with_database(url, PoolLimits(), complete)
        yield url


def with_database(url: str, limits: PoolLimits, use: Callable[[Database], Awaitable[Result]]) -> Result:
    """The result of `use` on the database at `url`. Raises DatabaseUnavailable."""

    async def run() -> Result:
        async with await Database.open(url, limits) as database:
            return await use(database)

    return asyncio.run(run())


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
