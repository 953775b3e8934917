"""The gate: requests that arrive together are authorized together, in one transaction, each decided on its own.

A commit costs the same for one order as for hundreds. So while one transaction runs, requests gather; the next takes
all of them, in the order they came. Beyond `waiting_max` orders a request is refused at once rather than kept waiting.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from app.database import Database
from app.errors import Busy, PurserError
from app.ledger.authorize import Request, authorize
from app.ledger.commands import Verdict
from app.ledger.locks import WAITED_TOO_LONG

Answers = list[Verdict | PurserError]


@dataclass(slots=True)
class _Waiting:
    requests: Sequence[Request]
    answered: asyncio.Future[Answers]


class Gate:
    """One process's gate. Orders in one request stay together, and in order."""

    def __init__(self, database: Database, *, waiting_max: int = 5_000, together_max: int = 1_000) -> None:
        """`together_max`: most orders in one transaction, where requests can be told apart."""
        self._database = database
        self._waiting_max = waiting_max
        self._together_max = together_max
        self._queue: deque[_Waiting] = deque()
        self._runner: asyncio.Task[None] | None = None
        self.waiting = 0
        """How many orders wait for their turn."""

    async def authorize(self, requests: Sequence[Request]) -> Answers:
        """One answer for each order. Raises Busy, DatabaseUnavailable; to ask again is safe."""
        if self._queue and self.waiting + len(requests) > self._waiting_max:
            raise Busy
        waiting = _Waiting(requests, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self.waiting += len(requests)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run(), name="gate")
        return await waiting.answered

    async def close(self) -> None:
        """Answer those who wait, then end."""
        if self._runner is not None:
            await self._runner

    async def _run(self) -> None:
        try:
            while self._queue:
                await self._answer(self._take())
        finally:
            self._runner = None

    def _take(self) -> list[_Waiting]:
        taken = [self._queue.popleft()]
        orders = len(taken[0].requests)
        while self._queue and orders + len(self._queue[0].requests) <= self._together_max:
            taken.append(self._queue.popleft())
            orders += len(taken[-1].requests)
        self.waiting -= orders
        return taken

    async def _answer(self, taken: Sequence[_Waiting]) -> None:
        requests = [request for waiting in taken for request in waiting.requests]
        try:
            answers = await self._authorize(requests)
        except Exception as error:
            if len(taken) > 1 and isinstance(error, (asyncpg.DataError, asyncpg.ProgramLimitExceededError)):
                for waiting in taken:
                    await self._answer([waiting])  # what PostgreSQL cannot store is one's own fault
                return
            for waiting in taken:
                _fail(waiting, Busy() if isinstance(error, WAITED_TOO_LONG) else error)
            return
        for waiting in taken:
            count = len(waiting.requests)
            if not waiting.answered.done():
                waiting.answered.set_result(answers[:count])
            del answers[:count]

    async def _authorize(self, requests: Sequence[Request]) -> Answers:
        async with self._database.unit_of_work(is_planned_once=True) as work:
            answers = await authorize(work, requests, time.time_ns())
            await work.commit()
        return answers


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answered.done():
        waiting.answered.set_exception(error)
