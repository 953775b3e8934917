"""Logging for a process of the command: one format, on stderr."""

import logging

from app.settings import Settings, load_settings

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging(level: str) -> None:
    """Log from `level` up. The server's own chatter is for debugging only."""
    logging.basicConfig(level=level.upper(), format=FORMAT)
    if level != "debug":
        for name in ("uvicorn", "uvicorn.error", "alembic", "asyncio"):
            logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def settings_with_logging(**options: object) -> Settings:
    """The settings, by which logging is configured; `options` that are not None win. Raises SettingsInvalid."""
    settings = load_settings(**options)
    configure_logging(settings.log_level)
    return settings
