"""The gate of a backtest: asks synchronously, one request for each command."""

from typing import Any

from nautilus_trader.model.orders import Order
from nautilus_trader.system.kernel import NautilusKernel

from purser_client import Purser, PurserError, RetryPolicy, Unavailable
from purser_nautilus.config import PurserActorConfig, PurserGateConfig
from purser_nautilus.gating.conversation import converse
from purser_nautilus.gating.gate import Pending, PurserGate
from purser_nautilus.gating.undecided import Undecided

_ATTEMPTS = 2


class BacktestGate(PurserGate):
    """Asks in the engine's thread. The simulated clock does not advance meanwhile."""

    def __init__(
        self, kernel: NautilusKernel, undecided: Undecided, service: PurserActorConfig, config: PurserGateConfig
    ) -> None:
        super().__init__(kernel, undecided, config)
        retries = RetryPolicy(attempts_max=_ATTEMPTS, wait_seconds=0.05)
        timeout = config.question_seconds_max / _ATTEMPTS
        self._client = Purser(service.url, key=service.key, timeout=timeout, retries=retries)
        self._unreleased: list[Order] = []

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _introduce(self, strategies: list[str], instruments: list[Any]) -> None:
        try:
            converse(self._talk.introduce(strategies, instruments), self._client)
        except PurserError as error:
            self._log.warning("Purser does not know the strategies yet; the first question tells it: %r", error)

    def _ask(self, pending: Pending) -> None:
        try:
            self._release_late()
            answers = converse(self._question(pending), self._client)
        except Exception as error:  # a handler that raises would end the run with an order half submitted
            self.settle_unavailable(pending, error)
        else:
            self.settle(pending, answers)

    def _release(self, orders: list[Order]) -> None:
        self._unreleased += orders

    def _release_late(self) -> None:
        """Release before the next question. What fails here is freed by the reported OrderDenied."""
        while self._unreleased:
            order = self._unreleased[0]
            try:
                converse(self._talk.release([order]), self._client)
            except Unavailable:
                raise
            except PurserError as error:
                self._log.debug("%s is not released: %r", order.client_order_id, error)
            self._unreleased.pop(0)
