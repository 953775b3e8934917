"""A server process: the application, and a thread that watches the supervising process."""

import gc
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

from app.cli.configuration import configure_logging
from app.settings import load_settings

if TYPE_CHECKING:
    from fastapi import FastAPI


SUPERVISOR_ENV = "_PURSER_SUPERVISOR_PID"
WATCH_INTERVAL_SECONDS = 0.5


def create_app() -> "FastAPI":
    """The application factory that `purser serve` passes to uvicorn; runs in each server process."""
    configure_logging(load_settings().log_level)
    supervisor = int(os.environ.get(SUPERVISOR_ENV, "0"))
    if supervisor not in (0, os.getpid()):
        threading.Thread(target=_end_with, args=(supervisor,), name="supervisor-watch", daemon=True).start()
    # Imported here: the supervisor imports this module too, without the application.
    from app.main import create_app as create_main_app

    app = create_main_app()
    collect_seldom()
    return app


def _end_with(supervisor: int) -> None:
    """End this process when its supervisor has died.

    An orphaned worker would keep the port, and run without a watch on the embedded server.
    """
    while os.getppid() == supervisor:
        time.sleep(WATCH_INTERVAL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


ALLOCATIONS = 50_000
"""Net number of new objects between two collections."""


def collect_seldom() -> None:
    """Collect every 50,000 new objects instead of every 700, and never scan those that exist now.

    A batch of orders makes some ten thousand objects that live until it is written: scanning them repeatedly costs a
    tenth of the time, and a full collection with all imported modules stops the process for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 20, 20)
