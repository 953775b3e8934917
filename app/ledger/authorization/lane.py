"""A lane of the gate: who waits in it, and what was decided for them ahead."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.errors import Busy
from app.ledger.authorization.authorize import Answers
from app.ledger.authorization.desk import Desk
from app.ledger.authorization.requests import Request

TOGETHER_MAX = 400
"""Most orders in one transaction; a single request that has more still goes whole."""
_AHEAD_MIN = 25
"""Fewer orders are decided in less time than it takes to see to it."""
_SOON_TOLD = 4
"""So few answers are written at once: whoever asks alone need not wait for the next."""
GROUPS_AFTER_A_MISS = 8
"""So many groups are decided under the lock once something came between: whoever came will come again."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One request of some orders."""

    requests: Sequence[Request]
    answered: asyncio.Future[Answers]
    since: float

    def fail(self, error: Exception) -> None:
        """No answer."""
        if not self.answered.done():
            self.answered.set_exception(error)


@dataclass(slots=True, eq=False)
class Group:
    """Requests that are decided in one transaction; `ahead` is the desk that has decided them already."""

    members: list[Waiting]
    ahead: Desk | None = None
    answers: Answers | Exception = field(default_factory=Busy)
    """Until they are known: whoever was not answered may ask again."""
    is_decided: bool = False
    """Only to be stored now."""

    @property
    def requests(self) -> list[Request]:
        """The orders of all, in their order."""
        return [request for member in self.members for request in member.requests]

    @property
    def is_soon_told(self) -> bool:
        """Whether to write the answers takes no time that matters."""
        return isinstance(self.answers, Exception) or len(self.answers) < _SOON_TOLD

    def tell(self) -> None:
        """Give everybody their answers, once."""
        place = 0
        for member in self.members:
            if isinstance(self.answers, Exception):
                member.fail(self.answers)
                continue
            first, place = place, place + len(member.requests)
            if not member.answered.done():
                member.answered.set_result(self.answers[first:place])
        self.members = []


class Lane:
    """A queue. While one group is stored, the next is decided ahead: from what the one before leaves behind."""

    def __init__(self) -> None:
        self.queue: deque[Waiting] = deque()
        self.orders = 0
        """How many orders are in the queue."""
        self.runner: asyncio.Task[None] | None = None
        self.news = asyncio.Event()
        """Somebody came, or something is done."""
        self._last: Desk | None = None
        self._ahead = Group([])
        self._orders_ahead = 0
        self._groups_to_wait = 0

    def add(self, waiting: Waiting) -> None:
        """At the end of the queue."""
        self.queue.append(waiting)
        self.orders += len(waiting.requests)
        self.news.set()

    def take(self, waiting_seconds_max: float) -> Group:
        """The next group, off the queue: what was decided ahead, or what is there. Who waited too long hears Busy."""
        oldest = time.monotonic() - waiting_seconds_max
        ahead = self._ahead
        self.forget()
        if ahead.members and ahead.members[0].since >= oldest:
            for _ in ahead.members:
                self._pop()
            return ahead
        taken: list[Waiting] = []
        orders = 0
        while self.queue and (not taken or orders + len(self.queue[0].requests) <= TOGETHER_MAX):
            first = self._pop()
            if first.since < oldest:
                first.fail(Busy())
            else:
                taken.append(first)
                orders += len(first.requests)
        return Group(taken)

    def follow(self, desk: Desk | None) -> None:
        """All that this desk decided is on its way to the database: what comes now is decided after it.

        None: nobody knows; what comes is decided under the lock.
        """
        if desk is not None and self._groups_to_wait:
            self._groups_to_wait -= 1
            desk = None
        self._last, self._ahead, self._orders_ahead = desk, Group([]), 0
        self.news.set()

    def forget(self) -> None:
        """Foresee nothing."""
        self.follow(None)

    def miss(self) -> None:
        """What was foreseen came otherwise."""
        self._groups_to_wait = GROUPS_AFTER_A_MISS
        self.forget()

    def break_off(self) -> None:
        """Nobody who waits is answered."""
        self.forget()
        while self.queue:
            self._pop().fail(Busy())

    def foresee(self, *, orders_min: int = _AHEAD_MIN) -> tuple[Desk, Waiting] | None:
        """The next request that may be decided ahead, by whom; it belongs to the next group from now on."""
        if self._last is None or self.orders - self._orders_ahead < orders_min:
            return None
        waiting = self.queue[len(self._ahead.members)]
        if not all(map(self._last.foresees, waiting.requests)):
            self.forget()
            return None
        if self._orders_ahead + len(waiting.requests) > TOGETHER_MAX:
            return None  # one that is larger is written while it is decided
        if self._ahead.ahead is None:
            self._ahead.ahead = self._last.successor(time.time_ns())
        self._ahead.members.append(waiting)
        self._orders_ahead += len(waiting.requests)
        return self._ahead.ahead, waiting

    def _pop(self) -> Waiting:
        first = self.queue.popleft()
        self.orders -= len(first.requests)
        return first
