"""Orders of guarded strategies that Purser has not decided yet.

Their OrderInitialized waits in the spool: reported before the decision, an order would count against the budget without
having been asked for.
"""

import time
from collections.abc import Callable

from purser_nautilus.reporting.delivery import RecordHead

WAIT_SECONDS_MAX = 60.0
"""An order whose decision takes longer is reported anyway; a fact is not withheld."""


class Undecided:
    """The ids of undecided orders. The engine's thread changes them, the sender's thread reads them."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self.decided: Callable[[], object] = lambda: None
        """Called after each decision."""

    def add(self, client_order_id: str) -> None:
        """The order was created and will be asked for."""
        self._since[client_order_id] = time.monotonic()

    def remove(self, client_order_id: str) -> None:
        """The order was decided, or ended before."""
        if self._since.pop(client_order_id, None) is not None:
            self.decided()

    def must_wait(self, head: RecordHead) -> bool:
        """Whether the record creates an undecided order."""
        if head.type != "OrderInitialized" or head.client_order_id is None:
            return False
        since = self._since.get(head.client_order_id)
        return since is not None and time.monotonic() - since < WAIT_SECONDS_MAX
