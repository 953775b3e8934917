"""Group commit: requests that arrive together are authorized in one transaction, each order decided on its own.

    authorize ─> queue ─> batch ─> decide (lock, read, decide) ─> write ─> commit ─> deliver

A commit costs the same for one order as for hundreds. While one transaction runs, requests gather; the next takes them
all, in order of arrival. The answers of a committed batch are delivered while PostgreSQL writes the next one.

Requests queue by the strategy of their first order: transactions of one strategy would only wait for each other's
lock, transactions of different queues run concurrently.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Any

from app.database import Database
from app.errors import Busy, InputInvalid
from app.ledger.authorization.authorize import Answers, decide
from app.ledger.authorization.decision_state import Request
from app.ledger.storage.locks import WAITED_TOO_LONG
from app.ledger.storage.writing import CANNOT_BE_STORED, write

_LOG = logging.getLogger("purser.ledger")

QUEUES = 2
BATCH_ORDERS_MAX = 400
"""Most orders in one transaction. A larger request is not divided."""
TRANSACTION_SECONDS_MAX = 60.0
"""Statements and locks have shorter timeouts; this one frees the queue of a silently cut connection."""
DELIVERY_SECONDS_MAX = 0.02
"""The longest time that a committed batch waits for the decisions of the next one."""
_DELIVERED_AT_ONCE = 4
"""So few answers are quick to build and are delivered without delay."""
_DELIVERED_TOGETHER = 50
"""Answers that are built in one turn of the event loop."""


class State(Enum):
    """Progress of a request. Only a committed request has answers; in any other state it fails with an error."""

    QUEUED = "queued"
    DECIDING = "deciding"
    """The transaction waits for locks, reads, or decides."""
    WRITING = "writing"
    """The orders are decided; the rows are being written."""
    COMMITTED = "committed"


@dataclass(slots=True, eq=False)
class PendingRequest:
    """One call of `GroupCommit.authorize`: its orders and the future of the answers. `since`: `time.monotonic()`."""

    orders: Sequence[Request]
    answers: asyncio.Future[Answers]
    since: float
    state: State = State.QUEUED

    def fail(self, error: Exception) -> None:
        """Raise the error in the caller, unless the request was answered or cancelled."""
        if not self.answers.done():
            self.answers.set_exception(error)


class Batch:
    """Requests that share a transaction."""

    def __init__(self) -> None:
        self.members: list[PendingRequest] = []
        self.orders: list[Request] = []
        self.answers: Answers = []
        self.error: Exception = Busy()
        self.decided: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, member: PendingRequest) -> None:
        """Add a request."""
        self.members.append(member)
        self.orders += member.orders
        member.state = State.DECIDING

    def advance(self, state: State) -> None:
        """Set the state of all requests. The first state after DECIDING resolves `decided`."""
        for member in self.members:
            member.state = state
        if not self.decided.done():
            self.decided.set_result(None)

    def deliver(self, answers_min: float = inf) -> None:
        """Resolve futures with the answers of committed requests, else with the error, until `answers_min` are out."""
        delivered = 0
        while self.members and delivered < answers_min:
            member = self.members.pop(0)
            end = delivered + len(member.orders)
            if member.state is not State.COMMITTED:
                member.fail(self.error)
            elif not member.answers.done():
                member.answers.set_result(self.answers[delivered:end])
            delivered = end
        self.answers = self.answers[delivered:]


class GroupCommit:
    """The authorizations of one process. Orders of one request stay together and in order."""

    def __init__(self, database: Database, *, waiting_max: int = 5_000, waiting_seconds_max: float = 5.0) -> None:
        """A request is refused if the queues would exceed `waiting_max` orders, unless its queue is empty: so a larger
        request is served too. A request that was queued for `waiting_seconds_max` is refused when its turn comes.
        """
        self._waiting_max = waiting_max
        self._queues = [_Queue(database, waiting_seconds_max) for _ in range(QUEUES)]

    @property
    def waiting(self) -> int:
        """The number of queued orders."""
        return sum(queue.orders for queue in self._queues)

    async def authorize(self, orders: Sequence[Request]) -> Answers:
        """Returns one answer per order. Raises Busy, DatabaseUnavailable; repeating the request is safe."""
        queue = self._queues[hash(orders[0].strategy_id) % QUEUES]
        if queue.orders and self.waiting + len(orders) > self._waiting_max:
            raise Busy
        return await queue.add(orders)


class _Queue:
    """Requests in order of arrival. One batch at a time is decided and written."""

    def __init__(self, database: Database, waiting_seconds_max: float) -> None:
        self.orders = 0
        self._database = database
        self._waiting_seconds_max = waiting_seconds_max
        self._pending: deque[PendingRequest] = deque()
        self._running: asyncio.Task[None] | None = None

    def add(self, orders: Sequence[Request]) -> asyncio.Future[Answers]:
        """Queue a request. The future is resolved when the request is committed or fails."""
        pending = PendingRequest(orders, asyncio.get_running_loop().create_future(), time.monotonic())
        self._pending.append(pending)
        self.orders += len(orders)
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="group commit")
        return pending.answers

    async def _run(self) -> None:
        """Serve the queue until it is empty."""
        committed = batch = Batch()
        try:
            while self._pending:
                batch = self._take()
                if not batch.members:
                    continue
                transaction = asyncio.create_task(self._transact(batch, batch.orders))
                if committed.members:
                    first: set[asyncio.Future[Any]] = {transaction, batch.decided}
                    await asyncio.wait(first, timeout=DELIVERY_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
                    while committed.members:
                        committed.deliver(_DELIVERED_TOGETHER)
                        # The callers build their responses now; then PostgreSQL gets its next statement.
                        await asyncio.sleep(0)
                await asyncio.wait({transaction}, timeout=TRANSACTION_SECONDS_MAX)
                _conclude(batch, transaction)
                if len(batch.answers) < _DELIVERED_AT_ONCE:
                    batch.deliver()
                committed = batch
        except Exception:
            _LOG.exception("a queue of authorizations failed; its requests must be repeated")
            batch.deliver()
            while self._pending:
                self._pop().fail(Busy())
        finally:
            committed.deliver()
            self._running = None

    def _take(self) -> Batch:
        """The next batch. Requests that were queued for too long fail with Busy."""
        oldest = time.monotonic() - self._waiting_seconds_max
        batch = Batch()
        while self._pending:
            first = self._pending[0]
            if batch.members and len(batch.orders) + len(first.orders) > BATCH_ORDERS_MAX:
                break
            self._pop()
            if first.since < oldest:
                first.fail(Busy())
            else:
                batch.add(first)
        return batch

    def _pop(self) -> PendingRequest:
        first = self._pending.popleft()
        self.orders -= len(first.orders)
        return first

    async def _transact(self, batch: Batch, orders: Sequence[Request]) -> Answers:
        """Decide and write in one transaction; if rows cannot be stored, in halves, so that one order fails alone."""
        try:
            async with self._database.unit_of_work(is_planned_once=True) as work:
                answers, rows = await decide(work, orders, time.time_ns())
                batch.advance(State.WRITING)
                await write(work, rows)
                await work.commit()
        except CANNOT_BE_STORED:
            if len(orders) == 1:
                _LOG.exception("PostgreSQL cannot store an order")
                return [InputInvalid("The order contains a value that cannot be stored.", "client_order_id")]
            middle = len(orders) // 2
            first = await self._transact(batch, orders[:middle])
            return first + await self._transact(batch, orders[middle:])
        return answers


def _conclude(batch: Batch, transaction: asyncio.Task[Answers]) -> None:
    """Set the batch's answers or its error. A transaction that is still running is cancelled."""
    if not transaction.done():
        transaction.cancel()  # not awaited: the queue goes on, even if the connection hangs
        _LOG.error(
            "a transaction was cancelled after %g s in state %s", TRANSACTION_SECONDS_MAX, batch.members[0].state.value
        )
        return
    try:
        batch.answers = transaction.result()
        batch.advance(State.COMMITTED)
    except (*WAITED_TOO_LONG, asyncio.CancelledError):
        pass  # the error stays Busy
    except Exception as error:
        batch.error = error
