"""`purser serve` as a process, and what its ledger has."""

import signal
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from purser_client import Purser, Unavailable
from tests.cli.processes import DEADLINE_SECONDS, Forked, environment

_HEALTH = "{ tradingState { state } }"


def until(condition: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> None:
    """Waits until the condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition does not hold")
        time.sleep(0.005)


class Service:
    """A service on one port and one database, which may be killed and started again."""

    def __init__(self, database_url: str, port: int) -> None:
        self._settings = {"PURSER_DATABASE_URL": database_url}
        self._port = port
        self._process: Forked | None = None
        self.url = f"http://127.0.0.1:{port}"
        self.client = Purser(self.url, timeout=DEADLINE_SECONDS)

    def start(self) -> None:
        """Starts the service and waits until it answers."""
        process = Forked(("serve", "--port", str(self._port)), environment(self._settings))
        self._process = process.__enter__()
        until(self._answers)

    def kill(self) -> None:
        """Kills the service as `kill -9` does."""
        self._end(lambda process: process.kill())

    def pause(self) -> None:
        """Stops the process from running; its connections stay open."""
        assert self._process is not None  # it was started
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets the paused process run again."""
        assert self._process is not None  # it was started
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stops the service, if it runs, and closes the client."""
        if self._process is not None:
            self._end(lambda process: process.terminate())
        self.client.close()

    def ask(self, document: str, **variables: Any) -> Any:
        """The `data` of a query."""
        return self.client.execute(document, variables)

    def set_budget(self, trader_id: str, strategy: str, allocated: str | Decimal, currency: str = "USDT") -> None:
        """Registers the strategy and sets its budget."""
        self.client.register_strategy(strategy, trader_id)
        self.client.set_budget(strategy, currency, Decimal(allocated))

    def _answers(self) -> bool:
        assert self._process is not None  # it was started
        assert self._process.poll() is None, self._process.communicate()
        try:
            self.client.execute(_HEALTH)
        except Unavailable:
            return False
        return True

    def _end(self, how: Callable[[Forked], None]) -> None:
        process, self._process = self._process, None
        assert process is not None  # it was started
        how(process)
        process.__exit__(None, None, None)
