"""The gate: requests that arrive together are authorized together, in one transaction, each decided on its own.

A commit costs the same for one order as for hundreds. So while one transaction runs, requests gather; the next takes
all of them, in the order they came. Requests queue in the lane of their first order's strategy: those of one strategy
do not wait for each other's locks, and strategies in different lanes do not wait for each other at all.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.database import Database
from app.errors import Busy, InputInvalid, PurserError
from app.ledger.authorize import Request, authorize
from app.ledger.commands import Verdict
from app.ledger.locks import WAITED_TOO_LONG
from app.ledger.writing import CANNOT_BE_STORED

_LOG = logging.getLogger("purser.ledger")

Answers = list[Verdict | PurserError]

LANES = 2
DECIDING_SECONDS_MAX = 60.0
"""A connection that was cut silently would hold its lane for hours; statements and locks have bounds of their own."""
TOGETHER_MAX = 1_000
"""Most orders in one transaction; a single request that has more still goes whole."""


@dataclass(slots=True)
class _Waiting:
    requests: Sequence[Request]
    answered: asyncio.Future[Answers]
    since: float


@dataclass(slots=True)
class _Lane:
    queue: deque[_Waiting] = field(default_factory=deque)
    runner: asyncio.Task[None] | None = None


class Gate:
    """One process's gate. Orders in one request stay together, and in order."""

    def __init__(self, database: Database, *, waiting_max: int = 5_000, waiting_seconds_max: float = 5.0) -> None:
        """Beyond `waiting_max` orders in all lanes a request is refused at once, unless it is the first in its lane: so
        one larger than that is taken too. After `waiting_seconds_max` it is refused when its turn comes.
        """
        self._database = database
        self._waiting_max = waiting_max
        self._waiting_seconds_max = waiting_seconds_max
        self._lanes = [_Lane() for _ in range(LANES)]
        self.waiting = 0
        """How many orders wait for their turn."""

    async def authorize(self, requests: Sequence[Request]) -> Answers:
        """One answer for each order. Raises Busy, DatabaseUnavailable; to ask again is safe."""
        lane = self._lanes[hash(requests[0].strategy_id) % LANES]
        if lane.queue and self.waiting + len(requests) > self._waiting_max:
            raise Busy
        waiting = _Waiting(requests, asyncio.get_running_loop().create_future(), time.monotonic())
        lane.queue.append(waiting)
        self.waiting += len(requests)
        if lane.runner is None:
            lane.runner = asyncio.create_task(self._run(lane), name="gate")
        return await waiting.answered

    async def _run(self, lane: _Lane) -> None:
        try:
            while lane.queue:
                await self._answer(self._take(lane.queue))
        finally:
            lane.runner = None

    def _take(self, queue: deque[_Waiting]) -> list[_Waiting]:
        taken: list[_Waiting] = []
        orders = 0
        while queue and (not taken or orders + len(queue[0].requests) <= TOGETHER_MAX):
            first = queue.popleft()
            self.waiting -= len(first.requests)
            if time.monotonic() - first.since > self._waiting_seconds_max:
                _fail(first, Busy())
            else:
                taken.append(first)
                orders += len(first.requests)
        return taken

    async def _answer(self, taken: Sequence[_Waiting]) -> None:
        requests = [request for waiting in taken for request in waiting.requests]
        deciding = asyncio.create_task(self._authorize(requests))
        await asyncio.wait({deciding}, timeout=DECIDING_SECONDS_MAX)
        try:
            answers = deciding.result() if deciding.done() else _give_up(deciding)
        except Exception as error:
            for waiting in taken:
                _fail(waiting, Busy() if isinstance(error, WAITED_TOO_LONG) else error)
            return
        place = 0
        for waiting in taken:
            first, place = place, place + len(waiting.requests)
            if not waiting.answered.done():
                waiting.answered.set_result(answers[first:place])

    async def _authorize(self, requests: Sequence[Request]) -> Answers:
        if not requests:
            return []
        try:
            async with self._database.unit_of_work(is_planned_once=True) as work:
                answers = await authorize(work, requests, time.time_ns())
                await work.commit()
        except CANNOT_BE_STORED:
            if len(requests) == 1:
                _LOG.exception("PostgreSQL cannot store an order")
                return [InputInvalid("The order holds what cannot be stored.", "client_order_id")]
            middle = len(requests) // 2  # nobody else's fault
            return [*await self._authorize(requests[:middle]), *await self._authorize(requests[middle:])]
        return answers


def _give_up(deciding: asyncio.Task[Answers]) -> Answers:
    """Not waited for: whatever it hangs on, the lane goes on."""
    deciding.cancel()
    _LOG.error("a transaction of the gate took more than %g seconds and was given up", DECIDING_SECONDS_MAX)
    raise Busy


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answered.done():
        waiting.answered.set_exception(error)
