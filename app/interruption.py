"""Cancels the work of a command on SIGINT or SIGTERM, so that connections are closed on the way out."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import TypeVar

Result = TypeVar("Result")


async def until_interrupted(work: Coroutine[None, None, Result]) -> Result:
    """Cancel the work at its next wait on SIGINT or SIGTERM. Raises KeyboardInterrupt."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in handlers:
        loop.add_signal_handler(number, task.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for number, handler in handlers.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def stop_if_cancelled() -> None:
    """A cancellation is lost if the awaited operation completes at the same moment: check for it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
