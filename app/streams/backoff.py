"""Waits between attempts, longer each time, and says so once."""

import asyncio
import logging
import random

FIRST_SECONDS = 0.1
SECONDS_MAX = 5.0

_LOG = logging.getLogger("purser.stream")


class Backoff:
    """The attempts to reach one server."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._last = ""

    async def wait(self, failure: str) -> None:
        """Log a failure, unless it is the previous one again, and wait."""
        if failure != self._last:
            _LOG.warning("%s; trying again", failure)
            self._last = failure
        self._seconds = min(SECONDS_MAX, self._seconds * 2 or FIRST_SECONDS)
        # Several consumers do not come back at the same moment.
        await asyncio.sleep(self._seconds * random.uniform(0.5, 1))

    def succeeded(self, message: str) -> None:
        """Start from the first wait, and log the message if an attempt had failed."""
        if self._last:
            _LOG.info("%s", message)
        self._seconds, self._last = 0.0, ""
