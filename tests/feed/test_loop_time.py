"""Timeouts count the time that the event loop had, not the time in which it was busy."""

import asyncio
import time

import pytest

from app.loop_time import loop_timeout

pytestmark = pytest.mark.anyio


async def test_a_block_that_takes_too_long_times_out() -> None:
    with pytest.raises(TimeoutError):
        async with loop_timeout(0.2):
            await asyncio.Event().wait()


async def test_time_in_which_the_loop_was_busy_counts_little() -> None:
    answer = asyncio.get_running_loop().create_future()
    async with loop_timeout(0.3):
        asyncio.get_running_loop().call_later(0.05, answer.set_result, "answered")
        time.sleep(1)  # noqa: ASYNC251 - what a starved loop does
        assert await answer == "answered"


async def test_nothing_is_left_after_the_block() -> None:
    async with loop_timeout(0.1):
        pass
    await asyncio.sleep(0.3)
