"""Timeouts in time that the event loop had.

A wall clock also counts the time in which this process was busy or not scheduled, and would blame the database for it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

TICK_SECONDS = 0.1
"""However long the loop takes to come round to a tick, it counts as this much."""


@asynccontextmanager
async def loop_timeout(seconds: float) -> AsyncIterator[None]:
    """Raises TimeoutError if the block takes longer, in time that the event loop had to serve it."""
    loop = asyncio.get_running_loop()
    missing = ceil(seconds / TICK_SECONDS)
    pending: list[asyncio.TimerHandle] = []

    def tick() -> None:
        nonlocal missing
        missing -= 1
        if missing > 0:
            pending[:] = [loop.call_later(TICK_SECONDS, tick)]
        else:
            timeout.reschedule(loop.time())

    pending.append(loop.call_later(TICK_SECONDS, tick))
    try:
        async with asyncio.timeout(None) as timeout:
            yield
    finally:
        pending[0].cancel()
