"""Logging for a process of the command: one format, on stderr."""

import logging

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging(level: str) -> None:
    """Log from `level` up. The server's own chatter is for debugging only."""
    logging.basicConfig(level=level.upper(), format=FORMAT)
    if level != "debug":
        for name in ("uvicorn", "uvicorn.error", "alembic", "asyncio"):
            logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
