"""The gate: no order of a guarded strategy leaves the engine before Purser has granted it.

It takes over the endpoints on which commands to submit orders travel:

    strategy ──> OrderEmulator.execute ───────┐
       ├──────> <algorithm>.execute ──────────┤ asked for here, so that the budget covers what waits
       └──────> RiskEngine.execute ──> ExecEngine.execute ──> venue
                                       asked for here, unless it was before

Every order passes ExecEngine.execute, whatever made it. An order that was granted earlier and waited there, in the
emulator or in an execution algorithm, is checked again: trading may have been halted since.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder, SubmitOrderList
from nautilus_trader.model.events import OrderDenied
from nautilus_trader.model.orders import Order
from nautilus_trader.system.kernel import NautilusKernel

from purser_nautilus.config import PurserGateConfig
from purser_nautilus.gating.conversation import Answer, Conversation, Talk
from purser_nautilus.gating.undecided import Undecided

UNAVAILABLE = "PURSER_UNAVAILABLE"
_SECOND = 1_000_000_000
_GRANTED_MAX = 10_000

Handler = Callable[[Any], None]


@dataclass
class Counts:
    """What the gate did, in orders. `unasked` were submitted without an answer (`unavailable="submit"`)."""

    asked: int = 0
    granted: int = 0
    denied: int = 0
    confirmed: int = 0
    unavailable: int = 0
    unasked: int = 0
    canceled: int = 0


@dataclass(eq=False)
class Pending:
    """A command that waits for answers. `asked` are the orders in question; `followers` are later commands for them."""

    command: Any
    forward: Handler
    orders: list[Order]
    asked: list[Order]
    is_confirmation: bool
    is_exit: bool
    followers: list[tuple[Handler, Any]] = field(default_factory=list)
    is_canceled: bool = False


class PurserGate:
    """What both gates share. A subclass asks, and calls `settle` with the answers."""

    def __init__(self, kernel: NautilusKernel, undecided: Undecided, config: PurserGateConfig) -> None:
        self.counts = Counts()
        self.config = config
        self._kernel = kernel
        self._undecided = undecided
        self._guarded = None if config.strategies is None else frozenset(config.strategies)
        self._talk = Talk(kernel.trader_id.value, kernel.cache)
        self._granted: dict[str, int] = {}
        """When orders were granted that have not left yet, by the engine's clock in nanoseconds."""
        self._unasked: set[str] = set()
        """Orders that were submitted unasked and have not left yet."""
        self._log = logging.getLogger("purser_nautilus")
        self._is_installed = False

    def guards(self, strategy_id: str) -> bool:
        """Whether the orders of the strategy are asked for."""
        return self._guarded is None or strategy_id in self._guarded

    def install(self) -> None:
        """Take over the endpoints. All execution algorithms must have been added."""
        if self._is_installed:
            return
        self._is_installed = True
        self._take_over("ExecEngine.execute", self._kernel.exec_engine.execute, is_exit=True)
        self._take_over("OrderEmulator.execute", self._kernel.emulator.execute)
        for algorithm in self._kernel.trader.exec_algorithms():
            self._take_over(f"{algorithm.id}.execute", algorithm.execute)
        strategies = [one.id.value for one in self._kernel.trader.strategies() if self.guards(one.id.value)]
        instruments = [instrument.id for instrument in self._kernel.cache.instruments()]
        self._introduce(strategies, instruments)

    def close(self) -> None:
        """Close the connections."""

    def settle(self, pending: Pending, answers: Sequence[Answer]) -> bool:
        """Forward the command if all its orders are granted, else deny them all. Returns whether it was forwarded."""
        refused = [(o, a) for o, a in zip(pending.asked, answers, strict=True) if not a.is_granted]
        if pending.is_confirmation:
            self.counts.confirmed += len(answers) - len(refused)
        else:
            self.counts.granted += len(answers) - len(refused)
        if not refused:
            self._forward(pending)
            return True
        reasons = {order.client_order_id: answer.reason for order, answer in refused}
        first = refused[0][0].client_order_id.value
        others = f"ORDER_LIST_DENIED: {first} of the same order list was denied"
        for order in pending.orders:
            self._deny(order, reasons.get(order.client_order_id, others))
        self._release([order for order in pending.asked if order.client_order_id not in reasons])
        return False

    def settle_unavailable(self, pending: Pending, error: BaseException) -> bool:
        """Deny or submit the command, as configured, after a question without an answer."""
        self.counts.unavailable += len(pending.asked)
        if self.config.unavailable == "submit":
            names = [order.client_order_id.value for order in pending.asked]
            if not pending.is_confirmation:
                self.counts.unasked += len(names)
                self._unasked.update(names)
            what = "A CHECK OF THE AUTHORIZATION" if pending.is_confirmation else "AUTHORIZATION"
            self._log.error("SUBMITTED WITHOUT %s, because Purser is unavailable: %s: %r", what, names, error)
            self._forward(pending)
            return True
        why = f"{UNAVAILABLE}: {error or type(error).__name__}"
        self._log.error("Orders are denied, because Purser is unavailable: %r", error)
        for order in pending.orders:
            self._deny(order, why)
        if not pending.is_confirmation:
            self._release(pending.asked)
        return False

    def _introduce(self, strategies: list[str], instruments: list[Any]) -> None:
        raise NotImplementedError

    def _ask(self, pending: Pending) -> None:
        raise NotImplementedError

    def _release(self, orders: list[Order]) -> None:
        raise NotImplementedError

    def _pass(self, forward: Handler, command: Any) -> None:
        """A command that submits nothing."""
        forward(command)

    def _take_over(self, endpoint: str, handler: Handler, *, is_exit: bool = False) -> None:
        self._kernel.msgbus.deregister(endpoint, handler)
        self._kernel.msgbus.register(endpoint, partial(self._receive, handler, is_exit))

    def _receive(self, forward: Handler, is_exit: bool, command: Any) -> None:
        strategy_id = getattr(command, "strategy_id", None)
        if strategy_id is None or not self.guards(strategy_id.value):
            forward(command)
        elif isinstance(command, SubmitOrder):
            self._submit(forward, is_exit, command, [command.order])
        elif isinstance(command, SubmitOrderList):
            self._submit(forward, is_exit, command, list(command.order_list.orders))
        else:
            self._pass(forward, command)

    def _submit(self, forward: Handler, is_exit: bool, command: Any, orders: list[Order]) -> None:
        new = [order for order in orders if order.client_order_id.value not in self._granted]
        pending = Pending(command, forward, orders, new, is_confirmation=False, is_exit=is_exit)
        if not new:
            stale = self._stale(orders) if is_exit else []
            if not stale:
                self._forward(pending)
                return
            pending.asked, pending.is_confirmation = stale, True
        else:
            self.counts.asked += len(new)
        self._ask(pending)

    def _stale(self, orders: Iterable[Order]) -> list[Order]:
        latest = self._kernel.clock.timestamp_ns() - int(self.config.recheck_seconds * _SECOND)
        return [order for order in orders if self._granted[order.client_order_id.value] < latest]

    def _forward(self, pending: Pending) -> None:
        now = self._kernel.clock.timestamp_ns()
        if len(self._granted) > _GRANTED_MAX:
            self._forget_closed()
        for order in pending.orders:
            name = order.client_order_id.value
            if pending.is_exit:
                self._forget(name)
            else:
                self._granted.setdefault(name, now)
            self._undecided.remove(name)
        pending.forward(pending.command)

    def _deny(self, order: Order, reason: str) -> None:
        self.counts.denied += 1
        name = order.client_order_id.value
        self._forget(name)
        denied = OrderDenied(
            trader_id=order.trader_id,
            strategy_id=order.strategy_id,
            instrument_id=order.instrument_id,
            client_order_id=order.client_order_id,
            reason=reason,
            event_id=UUID4(),
            ts_init=self._kernel.clock.timestamp_ns(),
        )
        self._kernel.msgbus.send("ExecEngine.process", denied)
        self._undecided.remove(name)

    def _forget_closed(self) -> None:
        """Forget grants of orders that ended while they waited, for example emulated ones that were canceled."""
        closed = self._kernel.cache.client_order_ids_closed()
        for client_order_id in closed:
            self._forget(client_order_id.value)

    def _forget(self, client_order_id: str) -> None:
        self._granted.pop(client_order_id, None)
        self._unasked.discard(client_order_id)

    def _question(self, pending: Pending) -> Conversation[list[Answer]]:
        if pending.is_confirmation:
            return self._talk.confirm(pending.asked, self._unasked)
        return self._talk.ask(pending.asked)
