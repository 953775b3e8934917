"""What the synchronous client reads: single objects, lists page by page, and changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from uuid import UUID

from purser_client.generated import operations
from purser_client.generated.inputs import (
    AuditFilter,
    DiscrepancyFilter,
    FillFilter,
    FillSort,
    InstrumentFilter,
    OrderFilter,
    OrderSort,
    PositionFilter,
    QuarantineFilter,
    StrategyFilter,
)
from purser_client.generated.objects import (
    AuditEntry,
    Budget,
    Discrepancy,
    Fill,
    GlobalTradingState,
    Instrument,
    Order,
    OrderEvent,
    Position,
    Signal,
    Strategy,
    Summary,
)
from purser_client.request import Page, Request

T = TypeVar("T")
PAGE_SIZE = 500


class Reads(ABC):
    """The reading half of `Purser`. Lists are requested in pages of `page_size`, at most 1000, while iterated."""

    @abstractmethod
    def _send(self, request: Request[T]) -> T:
        """The result of a request."""

    def strategies(self, filter: StrategyFilter | None = None, *, page_size: int = PAGE_SIZE) -> Iterator[Strategy]:
        """Strategies, newest first."""
        return self._nodes(lambda after: operations.strategies(filter=filter, first=page_size, after=after))

    def strategy(self, name: str | None = None, *, id: UUID | None = None) -> Strategy | None:
        """A strategy by its name or id; None if it does not exist."""
        return self._send(operations.strategy(name=name, id=id))

    def orders(
        self,
        filter: OrderFilter | None = None,
        *,
        order_by: Sequence[OrderSort] | None = None,
        page_size: int = PAGE_SIZE,
    ) -> Iterator[Order]:
        """Orders; by default newest first."""
        return self._nodes(
            lambda after: operations.orders(filter=filter, order_by=order_by, first=page_size, after=after)
        )

    def order(self, client_order_id: str, *, strategy_id: UUID | None = None) -> Order | None:
        """An order by its id; None if it does not exist. Raises Conflict if several strategies have such an order."""
        return self._send(operations.order(client_order_id=client_order_id, strategy_id=strategy_id))

    def fills(
        self,
        filter: FillFilter | None = None,
        *,
        order_by: Sequence[FillSort] | None = None,
        page_size: int = PAGE_SIZE,
    ) -> Iterator[Fill]:
        """Fills; by default newest first."""
        return self._nodes(
            lambda after: operations.fills(filter=filter, order_by=order_by, first=page_size, after=after)
        )

    def positions(self, filter: PositionFilter | None = None, *, page_size: int = PAGE_SIZE) -> Iterator[Position]:
        """Positions, most recently opened first."""
        return self._nodes(lambda after: operations.positions(filter=filter, first=page_size, after=after))

    def signals(self, *, page_size: int = PAGE_SIZE) -> Iterator[Signal]:
        """Signals, newest first."""
        return self._nodes(lambda after: operations.signals(first=page_size, after=after))

    def instruments(
        self, filter: InstrumentFilter | None = None, *, page_size: int = PAGE_SIZE
    ) -> Iterator[Instrument]:
        """Instruments."""
        return self._nodes(lambda after: operations.instruments(filter=filter, first=page_size, after=after))

    def discrepancies(
        self, filter: DiscrepancyFilter | None = None, *, page_size: int = PAGE_SIZE
    ) -> Iterator[Discrepancy]:
        """Figures that differ between the engine's reports of positions and the ledger."""
        return self._nodes(lambda after: operations.discrepancies(filter=filter, first=page_size, after=after))

    def quarantined_events(
        self, filter: QuarantineFilter | None = None, *, page_size: int = PAGE_SIZE
    ) -> Iterator[OrderEvent]:
        """Events in quarantine."""
        return self._nodes(lambda after: operations.quarantined_events(filter=filter, first=page_size, after=after))

    def audit_log(self, filter: AuditFilter | None = None, *, page_size: int = PAGE_SIZE) -> Iterator[AuditEntry]:
        """The audit log, newest first."""
        return self._nodes(lambda after: operations.audit_log(filter=filter, first=page_size, after=after))

    def budgets(self, *, strategy_id: UUID | None = None, currency: str | None = None) -> list[Budget]:
        """All budgets, or those of a strategy or in a currency."""
        return self._send(operations.budgets(strategy_id=strategy_id, currency=currency))

    def budget(self, strategy_id: UUID, currency: str) -> Budget | None:
        """A strategy's budget in a currency; None if it has none."""
        return self._send(operations.budget(strategy_id=strategy_id, currency=currency))

    def trading_state(self) -> GlobalTradingState:
        """The trading state that applies to all strategies."""
        return self._send(operations.trading_state())

    def summary(self) -> Summary:
        """Counts over the whole ledger."""
        return self._send(operations.summary())

    def feed_cursor(self) -> str:
        """The current position in the change feed, from which updates can be followed."""
        return self._send(operations.feed_cursor())

    def _nodes(self, request: Callable[[str | None], Request[Page[T]]]) -> Iterator[T]:
        """The nodes of all pages."""
        after: str | None = None
        while True:
            page = self._send(request(after))
            yield from page.nodes
            if not page.page_info.has_next_page:
                return
            after = page.page_info.end_cursor
