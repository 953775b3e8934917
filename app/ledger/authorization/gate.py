"""The gate: requests that arrive together are authorized together, in one transaction, each decided on its own.

A commit costs the same for one order as for hundreds. So while one transaction runs, requests gather; the next takes
all of them, in the order they came. Requests queue in the lane of their first order's strategy: those of one strategy
do not wait for each other's locks, and strategies in different lanes do not wait for each other at all.

PostgreSQL and this process work at the same time: while a group is stored, the next is decided ahead, and the one
before it is told.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from app.database import Database
from app.errors import Busy, InputInvalid
from app.ledger.authorization.authorize import Answers, authorize, decide_ahead, nobody
from app.ledger.authorization.desk import Desk
from app.ledger.authorization.lane import Group, Lane, Waiting
from app.ledger.authorization.requests import Request
from app.ledger.storage.locks import WAITED_TOO_LONG
from app.ledger.storage.writing import CANNOT_BE_STORED

_LOG = logging.getLogger("purser.ledger")

LANES = 2
DECIDING_SECONDS_MAX = 60.0
"""A connection that was cut silently would hold its lane for hours; statements and locks have bounds of their own."""
TELLING_SECONDS_MAX = 0.02
"""A group is told once the next is on its way: PostgreSQL has work then while answers are written. Not later."""


class Gate:
    """One process's gate. Orders in one request stay together, and in order."""

    def __init__(self, database: Database, *, waiting_max: int = 5_000, waiting_seconds_max: float = 5.0) -> None:
        """Beyond `waiting_max` orders in all lanes a request is refused at once, unless it is the first in its lane: so
        one larger than that is taken too. After `waiting_seconds_max` it is refused when its turn comes.
        """
        self._database = database
        self._waiting_max = waiting_max
        self._waiting_seconds_max = waiting_seconds_max
        self._lanes = [Lane() for _ in range(LANES)]

    @property
    def waiting(self) -> int:
        """How many orders wait for their turn."""
        return sum(lane.orders for lane in self._lanes)

    async def authorize(self, requests: Sequence[Request]) -> Answers:
        """One answer for each order. Raises Busy, DatabaseUnavailable; to ask again is safe."""
        lane = self._lanes[hash(requests[0].strategy_id) % LANES]
        if lane.queue and self.waiting + len(requests) > self._waiting_max:
            raise Busy
        waiting = Waiting(requests, asyncio.get_running_loop().create_future(), time.monotonic())
        lane.add(waiting)
        if lane.runner is None:
            lane.runner = asyncio.create_task(self._run(lane), name="gate")
        return await waiting.answered

    async def _run(self, lane: Lane) -> None:
        stored, group = Group([]), Group([])
        try:
            while lane.queue:
                while (foreseen := lane.foresee(orders_min=1)) is not None:
                    await _decide_ahead(lane, *foreseen)
                group = lane.take(self._waiting_seconds_max)
                storing = asyncio.create_task(self._store(lane, group))
                storing.add_done_callback(lambda _: lane.news.set())
                await _meanwhile(lane, group, storing, stored)
                stored = group
                if group.is_soon_told:
                    group.tell()
        except Exception:
            _LOG.exception("a lane of the gate broke; who waits in it must ask again")
            group.tell()
            lane.break_off()
        finally:
            stored.tell()
            lane.runner = None

    async def _store(self, lane: Lane, group: Group) -> None:
        """Decide a group unless it is decided, and store it. Raises nothing: the group is told what went wrong."""

        def decided(desk: Desk | None) -> None:
            group.is_decided = True
            lane.follow(desk)

        deciding = asyncio.create_task(self._authorize(group.requests, group.ahead, decided))
        await asyncio.wait({deciding}, timeout=DECIDING_SECONDS_MAX)
        try:
            group.answers = deciding.result() if deciding.done() else _give_up(deciding)
        except (*WAITED_TOO_LONG, asyncio.CancelledError):
            lane.forget()
            group.answers = Busy()
        except Exception as error:
            lane.forget()
            group.answers = error
        if group.ahead is not None and group.answers is not group.ahead.answers:
            lane.miss()

    async def _authorize(
        self, requests: Sequence[Request], ahead: Desk | None, decided: Callable[[Desk | None], None]
    ) -> Answers:
        if not requests:
            return []
        try:
            async with self._database.unit_of_work(is_planned_once=True) as work:
                answers = await authorize(work, requests, time.time_ns(), ahead=ahead, decided=decided)
                await work.commit()
        except CANNOT_BE_STORED:
            decided(None)
            if len(requests) == 1:
                _LOG.exception("PostgreSQL cannot store an order")
                return [InputInvalid("The order holds what cannot be stored.", "client_order_id")]
            middle = len(requests) // 2  # nobody else's fault
            first = await self._authorize(requests[:middle], None, nobody)
            return first + await self._authorize(requests[middle:], None, nobody)
        return answers


async def _meanwhile(lane: Lane, group: Group, storing: asyncio.Task[None], stored: Group) -> None:
    """Until a group is stored: tell the one before it, and decide ahead."""
    is_late = False

    def note_late() -> None:
        nonlocal is_late
        is_late = True
        lane.news.set()

    waking = asyncio.get_running_loop().call_later(TELLING_SECONDS_MAX, note_late)
    while not storing.done():
        lane.news.clear()
        if stored.members and (group.is_decided or is_late):
            stored.tell()
        elif (foreseen := lane.foresee()) is not None:
            await _decide_ahead(lane, *foreseen)
        else:
            await lane.news.wait()
    waking.cancel()
    stored.tell()


async def _decide_ahead(lane: Lane, desk: Desk, waiting: Waiting) -> None:
    try:
        await decide_ahead(desk, waiting.requests)
    except Exception:
        # Under the lock it is decided once more, and whoever asked hears what went wrong.
        _LOG.exception("cannot decide ahead")
        lane.forget()


def _give_up(deciding: asyncio.Task[Answers]) -> Answers:
    """Not waited for: whatever it hangs on, the lane goes on."""
    deciding.cancel()
    _LOG.error("a transaction of the gate took more than %g seconds and was given up", DECIDING_SECONDS_MAX)
    raise Busy
