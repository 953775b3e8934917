"""Logging of commands and server processes: one format, on stderr."""

import logging

from app.settings import Settings, load_settings, unknown_variables

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
