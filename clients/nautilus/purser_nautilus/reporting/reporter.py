"""Decides what to report of what the engine publishes. Runs in the engine's thread and never waits.

An order's events are reported as they are published, if the engine applied them: it also publishes some that its order
did not allow. Some are applied to the order and never published; they are read
from the cache before the next published one. An order that the reporter has not seen yet, for example one that
reconciliation found, is thereby reported whole.
"""

from collections.abc import Callable
from typing import Any

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.events import OrderEvent, OrderFilled, OrderInitialized, OrderSubmitted
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order

from purser_nautilus.gating.undecided import Undecided
from purser_nautilus.reporting.delivery import Delivery
from purser_nautilus.reporting.messages import converted_quantity, is_signal, signal, terms_of, unpublished_of


class Reporter:
    """Reports one engine through a Delivery.

    `guards` tells whether the orders of a strategy are asked for before they leave.
    """

    def __init__(
        self,
        trader_id: str,
        cache: CacheFacade,
        delivery: Delivery,
        undecided: Undecided,
        guards: Callable[[str], bool],
    ) -> None:
        self._trader_id = trader_id
        self._cache = cache
        self._delivery = delivery
        self._undecided = undecided
        self._is_guarded = guards
        self._reported: dict[str, set[str]] = {}
        """By open order: the ids of the events that were reported or are known to be published."""
        self._terms: dict[str, tuple[Any, ...]] = {}
        self._dropped_orders: set[str] = set()
        self._dropped_instruments = False
        self.ignored = 0
        """Published events that the engine did not apply to their order, for example a second OrderRejected."""
        self.lost = 0
        """Dropped messages that the cache cannot give again: reports of positions and accounts, and signals."""

    @property
    def misses_events(self) -> bool:
        """Whether dropped events of orders were not reported again yet."""
        return bool(self._dropped_orders) or self._dropped_instruments

    def order_event(self, event: OrderEvent) -> None:
        """Report a published event of an order, after what the cache has and nothing published."""
        client_order_id = event.client_order_id.value
        event_id = event.id.value
        reported = self._reported.get(client_order_id)
        self.instrument_of(event.instrument_id)
        if isinstance(event, OrderInitialized):
            if reported is None and self._is_guarded(event.strategy_id.value):
                self._undecided.add(client_order_id)
            self._reported.setdefault(client_order_id, set()).add(event_id)
            self._delivery.put(event)
            return
        if reported is not None and event_id in reported:
            return  # a handler that runs before this one made the order go on, and this event was read from the cache
        order = self._cache.order(event.client_order_id)
        if order is not None and not _was_applied(order, event):
            self.ignored += 1
            return
        if reported is None:
            reported = self._reported[client_order_id] = set()
        reported.add(event_id)
        if order is not None and order.event_count != len(reported):
            for unpublished in unpublished_of(order, reported):
                reported.add(unpublished.id.value)
                self._delivery.put(unpublished)
        self._delivery.put(event)
        if order is None:
            return
        if isinstance(event, OrderSubmitted) and (update := converted_quantity(order, event)) is not None:
            self._delivery.put(update)
        if order.is_closed:
            self._undecided.remove(client_order_id)
            del self._reported[client_order_id]

    def instrument(self, instrument: Instrument) -> None:
        """Report an instrument, unless the same terms were reported before."""
        if not isinstance(instrument, Instrument):
            return
        instrument_id, terms = instrument.id.value, terms_of(instrument)
        if self._terms.get(instrument_id) != terms:
            self._terms[instrument_id] = terms
            self._delivery.put(instrument)

    def instrument_of(self, instrument_id: InstrumentId) -> None:
        """Report the instrument of an order, if the cache has one that was not reported yet."""
        if instrument_id.value not in self._terms and (found := self._cache.instrument(instrument_id)) is not None:
            self.instrument(found)

    def position_or_account(self, event: Any) -> None:
        """Report the engine's report of a position or an account."""
        self._delivery.put(event)

    def data(self, published: Any) -> None:
        """Report a signal. Other data is not reported."""
        if is_signal(published):
            self._delivery.put(signal(published, self._trader_id))

    def cached(self) -> None:
        """Report all instruments and orders of the cache: what reconciliation found before the actor started."""
        for instrument in self._cache.instruments():
            self.instrument(instrument)
        for order in self._cache.orders():
            self._whole(order)

    def dropped(self, message: Any) -> None:
        """Remember what the full spool did not take. Called by the writer thread."""
        if isinstance(message, OrderEvent):
            self._dropped_orders.add(message.client_order_id.value)
        elif isinstance(message, dict) and "client_order_id" in message:
            self._dropped_orders.add(message["client_order_id"])
        elif isinstance(message, Instrument):
            self._dropped_instruments = True
        else:
            self.lost += 1

    def recover(self) -> None:
        """Report what was dropped again, from the cache, which has all events of an order."""
        if self._dropped_instruments:
            self._dropped_instruments = False
            self._terms.clear()
            for instrument in self._cache.instruments():
                self.instrument(instrument)
        names, self._dropped_orders = self._dropped_orders, set()
        for order in self._cache.orders() if names else ():
            if order.client_order_id.value in names:
                self._whole(order)

    def _whole(self, order: Order) -> None:
        """Report all events of an order. The service recognizes those that it has."""
        self.instrument_of(order.instrument_id)
        for event in unpublished_of(order, set()):
            self._delivery.put(event)
            if isinstance(event, OrderSubmitted) and (update := converted_quantity(order, event)) is not None:
                self._delivery.put(update)
        if not order.is_closed:
            self._reported[order.client_order_id.value] = {event.id.value for event in order.events}


def _was_applied(order: Order, event: OrderEvent) -> bool:
    """Whether the engine applied the event before it published it. A fill counts in any case, because money moved."""
    if isinstance(event, OrderFilled) or order.last_event.id == event.id:
        return True
    return any(applied.id == event.id for applied in order.events)
