"""The gate of a live node: asks on the engine's event loop, for all queued orders at once.

A command that waits for its answer is overtaken by other commands, but not by those for its own orders. What happens
meanwhile, as it would with an order that the engine has not submitted yet:

* ModifyOrder and QueryOrder wait, and follow the order; they are dropped if it is denied.
* CancelOrder, CancelAllOrders and BatchCancelOrders cancel a waiting order (OrderCanceled): it never leaves. One order
  of a waiting list is canceled after the list has left.
* Commands for other orders pass at once.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    BatchCancelOrders,
    CancelAllOrders,
    CancelOrder,
    SubmitOrder,
)
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderCanceled
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import Order
from nautilus_trader.system.kernel import NautilusKernel

from purser_client import AsyncPurser, PurserError, RetryPolicy, Unavailable
from purser_nautilus.config import PurserActorConfig, PurserGateConfig
from purser_nautilus.gating.conversation import Answer, aconverse
from purser_nautilus.gating.gate import Handler, Pending, PurserGate
from purser_nautilus.gating.undecided import Undecided
from purser_nautilus.reporting.messages import is_spawned

_QUESTIONS_MAX = 4
"""Most questions under way at once."""
_RELEASE_SECONDS_MAX = 60.0


class LiveGate(PurserGate):
    """Asks without blocking the engine's event loop. Used in the loop's thread only."""

    def __init__(
        self, kernel: NautilusKernel, undecided: Undecided, service: PurserActorConfig, config: PurserGateConfig
    ) -> None:
        super().__init__(kernel, undecided, config)
        self._service = service
        self._client: AsyncPurser | None = None
        self._queue: list[Pending] = []
        self._waiting: dict[ClientOrderId, Pending] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._questions = 0
        self._is_scheduled = False
        self._is_alone = False

    def install(self) -> None:
        """Take over the endpoints, in the engine's event loop."""
        if self._client is None:
            service, seconds = self._service, self.config.question_seconds_max
            retries = RetryPolicy(attempts_max=3, wait_seconds=0.02)
            self._client = AsyncPurser(service.url, key=service.key, timeout=seconds, retries=retries)
        super().install()

    def _introduce(self, strategies: list[str], instruments: list[Any]) -> None:
        self._start(self._introduced(strategies, instruments))

    async def _introduced(self, strategies: list[str], instruments: list[Any]) -> None:
        assert self._client is not None  # installed
        try:
            await aconverse(self._talk.introduce(strategies, instruments), self._client)
        except PurserError as error:
            self._log.warning("Purser does not know the strategies yet; the first question tells it: %r", error)

    def _ask(self, pending: Pending) -> None:
        self._queue.append(pending)
        for order in pending.orders:
            self._waiting[order.client_order_id] = pending
        self._schedule()

    def _schedule(self) -> None:
        if self._is_scheduled or self._is_alone or not self._queue or self._questions >= _QUESTIONS_MAX:
            return
        if self._questions and asks_alone(self._queue[0]):
            return
        self._is_scheduled = True
        # After the commands of this turn, so that they are asked for in one request.
        asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._is_scheduled = False
        self._queue = [pending for pending in self._queue if not pending.is_canceled]
        group: list[Pending] = []
        orders = 0
        while self._queue and (not group or orders + len(self._queue[0].asked) <= self.config.orders_max):
            if group and asks_alone(self._queue[0]):
                break
            pending = self._queue.pop(0)
            group.append(pending)
            orders += len(pending.asked)
            if asks_alone(pending):
                self._is_alone = True
                break
        if group:
            self._questions += 1
            self._start(self._answered(group))
        self._schedule()

    async def _answered(self, group: list[Pending]) -> None:
        try:
            for is_confirmation in (False, True):
                alike = [pending for pending in group if pending.is_confirmation is is_confirmation]
                if alike:
                    await self._settled(alike)
        finally:
            self._questions -= 1
            self._is_alone = False
            self._schedule()

    async def _settled(self, group: list[Pending]) -> None:
        assert self._client is not None  # installed
        whole = Pending(None, _ignore, [], [], group[0].is_confirmation, is_exit=False)
        whole.asked = [order for pending in group for order in pending.asked]
        try:
            async with asyncio.timeout(self.config.question_seconds_max):
                answers = await aconverse(self._question(whole), self._client)
        except Exception as error:  # an engine's queue that raises ends the process
            for pending in group:
                self._leave(pending)
                if not pending.is_canceled:
                    self._follow(pending, is_forwarded=self.settle_unavailable(pending, error))
        else:
            for pending in group:
                count = len(pending.asked)
                own, answers = answers[:count], answers[count:]
                self._settle_one(pending, own)

    def _settle_one(self, pending: Pending, answers: list[Answer]) -> None:
        self._leave(pending)
        if not pending.is_canceled:  # else the reported OrderCanceled frees the hold
            self._follow(pending, is_forwarded=self.settle(pending, answers))

    def _leave(self, pending: Pending) -> None:
        for order in pending.orders:
            self._waiting.pop(order.client_order_id, None)

    def _follow(self, pending: Pending, *, is_forwarded: bool) -> None:
        for forward, command in pending.followers:
            if is_forwarded:
                forward(command)
            else:
                self._log.warning("%r is dropped: its order was denied", command)

    def _pass(self, forward: Handler, command: Any) -> None:
        if isinstance(command, CancelAllOrders):
            forward(command)
            self._cancel(self._matching(command))
        elif isinstance(command, BatchCancelOrders):
            self._pass_batch(forward, command)
        elif (pending := self._waiting.get(getattr(command, "client_order_id", None))) is None:
            forward(command)
        elif isinstance(command, CancelOrder) and isinstance(pending.command, SubmitOrder):
            self._cancel([pending])
        else:
            pending.followers.append((forward, command))

    def _pass_batch(self, forward: Handler, command: BatchCancelOrders) -> None:
        rest = [cancel for cancel in command.cancels if cancel.client_order_id not in self._waiting]
        for cancel in command.cancels:
            if cancel.client_order_id in self._waiting:
                self._pass(forward, cancel)
        if len(rest) == len(command.cancels):
            forward(command)
        elif rest:
            forward(
                BatchCancelOrders(
                    trader_id=command.trader_id,
                    strategy_id=command.strategy_id,
                    instrument_id=command.instrument_id,
                    cancels=rest,
                    command_id=UUID4(),
                    ts_init=command.ts_init,
                    client_id=command.client_id,
                    params=command.params,
                )
            )

    def _matching(self, command: CancelAllOrders) -> list[Pending]:
        def matches(order: Order) -> bool:
            is_side = command.order_side in (OrderSide.NO_ORDER_SIDE, order.side)
            return order.instrument_id == command.instrument_id and is_side

        waiting = dict.fromkeys(self._waiting.values())
        of_strategy = [pending for pending in waiting if pending.command.strategy_id == command.strategy_id]
        return [pending for pending in of_strategy if any(map(matches, pending.orders))]

    def _cancel(self, waiting: Iterable[Pending]) -> None:
        for pending in waiting:
            pending.is_canceled = True
            self._leave(pending)
            for order in pending.orders:
                self.counts.canceled += 1
                self._forget(order.client_order_id.value)
                self._undecided.remove(order.client_order_id.value)
                self._kernel.msgbus.send("ExecEngine.process", self._canceled(order))

    def _canceled(self, order: Order) -> OrderCanceled:
        now = self._kernel.clock.timestamp_ns()
        return OrderCanceled(
            trader_id=order.trader_id,
            strategy_id=order.strategy_id,
            instrument_id=order.instrument_id,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            account_id=order.account_id,
            event_id=UUID4(),
            ts_event=now,
            ts_init=now,
        )

    def _release(self, orders: list[Order]) -> None:
        if orders:
            self._start(self._released(orders))

    async def _released(self, orders: list[Order]) -> None:
        """Release what was granted, perhaps too late. What fails here is freed by the reported OrderDenied."""
        assert self._client is not None  # installed
        deadline = asyncio.get_running_loop().time() + _RELEASE_SECONDS_MAX
        for order in orders:
            while asyncio.get_running_loop().time() < deadline:
                try:
                    await aconverse(self._talk.release([order]), self._client)
                except Unavailable:
                    await asyncio.sleep(1.0)
                    continue
                except PurserError as error:
                    self._log.debug("%s is not released: %r", order.client_order_id, error)
                break

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def asks_alone(pending: Pending) -> bool:
    """Whether no other question may be under way.

    A spawned order is reported before it is asked for. It may have no value until then, and Purser grants nothing else
    while an open order has none.
    """
    return any(is_spawned(order) for order in pending.asked)


def _ignore(command: Any) -> None:
    """Forward nothing."""
