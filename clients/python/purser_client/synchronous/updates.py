"""The changes that the synchronous client follows."""

from __future__ import annotations

import time
from abc import ABC
from collections.abc import Callable, Generator
from uuid import UUID

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from purser_client.errors import PurserError
from purser_client.generated import operations
from purser_client.generated.inputs import FillFilter, OrderFilter, PositionFilter, StrategyFilter
from purser_client.generated.results import (
    AuditChange,
    BudgetChange,
    FillChange,
    OrderChange,
    PositionChange,
    StrategyChange,
)
from purser_client.request import Request
from purser_client.retries import RetryPolicy
from purser_client.subscription import C, Subscription, failure_of


class Updates(ABC):
    """The subscriptions of `Purser`: iterators without an end, each over a WebSocket of its own.

    Each yields every change after the cursor `after`, exactly once and in order; by default after a cursor that the
    first connection asks for, which may be a moment old. A lost connection is renewed, and the iterator continues after
    the last change. It raises Unavailable if the first connection fails as often as `retries` says, CursorExpired if
    the change feed cannot resume, and Unauthorized once the key is revoked. It ends when the client is closed; to end
    it earlier, leave it by `contextlib.closing`.
    """

    _url: str
    _key: str | None
    _timeout: float
    _retries: RetryPolicy

    def __init__(self) -> None:
        self._is_closed = False
        self._connections: set[ClientConnection] = set()

    def _close_updates(self) -> None:
        """Ends all iterators."""
        self._is_closed = True
        for connection in list(self._connections):
            connection.close()

    def order_updates(
        self, filter: OrderFilter | None = None, *, after: str | None = None
    ) -> Generator[OrderChange, None, None]:
        """Orders that are created or change."""
        return self._follow(lambda cursor: operations.order_updates(filter=filter, after=cursor), after)

    def fill_updates(
        self, filter: FillFilter | None = None, *, after: str | None = None
    ) -> Generator[FillChange, None, None]:
        """Fills that are recorded or recomputed."""
        return self._follow(lambda cursor: operations.fill_updates(filter=filter, after=cursor), after)

    def position_updates(
        self, filter: PositionFilter | None = None, *, after: str | None = None
    ) -> Generator[PositionChange, None, None]:
        """Positions that are opened or change."""
        return self._follow(lambda cursor: operations.position_updates(filter=filter, after=cursor), after)

    def budget_updates(
        self, strategy_id: UUID | None = None, *, after: str | None = None
    ) -> Generator[BudgetChange, None, None]:
        """Budgets that are set, used or deleted."""
        return self._follow(lambda cursor: operations.budget_updates(strategy_id=strategy_id, after=cursor), after)

    def strategy_updates(
        self, filter: StrategyFilter | None = None, *, after: str | None = None
    ) -> Generator[StrategyChange, None, None]:
        """Strategies that are registered, or whose trading state changes."""
        return self._follow(lambda cursor: operations.strategy_updates(filter=filter, after=cursor), after)

    def audit_updates(self, *, after: str | None = None) -> Generator[AuditChange, None, None]:
        """Entries of the audit log as they are written."""
        return self._follow(lambda cursor: operations.audit_updates(after=cursor), after)

    def _follow(self, request: Callable[[str | None], Request[C]], after: str | None) -> Generator[C, None, None]:
        """The changes of a subscription, over as many connections as it takes."""
        subscription = Subscription(request, after, self._url, self._key, self._timeout, self._retries)
        while not self._is_closed:
            try:
                with connect(subscription.url, **subscription.connect_options) as connection:
                    self._connections.add(connection)
                    try:
                        connection.send(subscription.opening())
                        while not self._is_closed:
                            text = connection.recv(subscription.message_timeout)
                            reply, change = subscription.receive(text)
                            if reply is not None:
                                connection.send(reply)
                            if change is not None:
                                yield change
                    finally:
                        self._connections.discard(connection)
            except (OSError, WebSocketException, PurserError) as error:
                if not self._is_closed:
                    time.sleep(subscription.wait_after(failure_of(error)))
