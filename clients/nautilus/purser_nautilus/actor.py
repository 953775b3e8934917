"""The actor that reports an engine to Purser."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import LiveClock, TimeEvent
from nautilus_trader.model.events import AccountState, OrderEvent, PositionEvent
from nautilus_trader.model.instruments import Instrument

from purser_client import NO_RETRIES, Purser
from purser_nautilus.config import PurserActorConfig
from purser_nautilus.gating.undecided import Undecided
from purser_nautilus.reporting.delivery import Delivery
from purser_nautilus.reporting.messages import encode
from purser_nautilus.reporting.reporter import Reporter
from purser_nautilus.reporting.spool import Spool

_RECOVERY_TIMER = "purser-recovery"
_RECOVERY_INTERVAL = timedelta(seconds=5)
_LOG = logging.getLogger("purser_nautilus")


class PurserActor(Actor):
    """Reports the instruments, orders, positions, accounts and signals of a TradingNode or a BacktestEngine.

    Events are queued by the engine's thread, and spooled and sent by threads of this actor. After a backtest call
    `flush`, or dispose the engine, before reading the ledger: the actor stops before the strategies' last orders do.
    """

    def __init__(self, config: PurserActorConfig) -> None:
        super().__init__(config)
        self.delivery: Delivery | None = None
        self.reporter: Reporter | None = None
        self.undecided = Undecided()
        self._guards: Callable[[str], bool] = lambda strategy_id: False
        self._install_gate: Callable[[], None] = lambda: None
        self._close_gate: Callable[[], None] = lambda: None
        self._client: Purser | None = None

    @property
    def degraded(self) -> bool:
        """Whether the spool is full, or dropped events were not reported again yet."""
        if self.delivery is None or self.reporter is None:
            return False
        return self.delivery.is_full or self.reporter.misses_events

    def guard_with(self, guards: Callable[[str], bool], install: Callable[[], None], close: Callable[[], None]) -> None:
        """Install a gate when the actor starts, before any strategy does. `guards` tells which strategies it guards."""
        self._guards, self._install_gate, self._close_gate = guards, install, close

    def flush(self, timeout_seconds: float | None = None) -> bool:
        """Wait until Purser has everything reported so far; False if the time was too short. Blocks the thread."""
        if self.delivery is None or self.reporter is None:
            return True
        seconds = self.config.flush_seconds_max if timeout_seconds is None else timeout_seconds
        deadline = time.monotonic() + seconds
        while True:
            self._recover()
            if not self.delivery.flush(deadline - time.monotonic()):
                return False
            if not self.reporter.misses_events:
                return True

    def on_start(self) -> None:
        """Subscribe, report the cache, and start the threads."""
        if self.delivery is None:
            self._open()
            for topic in ("events.order.*", "events.position.*", "events.account.*"):
                self.msgbus.subscribe(topic=topic, handler=self._on_engine_event)
            self.msgbus.subscribe(topic="data.instrument.*", handler=self._on_instrument)
            self.msgbus.subscribe(topic="data.Signal*", handler=self._on_published)
        assert self.reporter is not None  # opened
        self.reporter.cached()
        if isinstance(self.clock, LiveClock):
            self.clock.set_timer(_RECOVERY_TIMER, _RECOVERY_INTERVAL, callback=self._on_recovery_timer)
        self._install_gate()

    def on_dispose(self) -> None:
        """Wait for Purser, at most `flush_seconds_max`. What was not sent stays in the spool for the next run."""
        if self.delivery is None:
            return
        is_flushed = self.flush()
        self.delivery.close()
        if not is_flushed:
            self.log.error("Purser did not take all events; the rest stays in the spool for the next run")
        self.delivery = None
        self._close_gate()
        if self._client is not None:
            self._client.close()

    def _open(self) -> None:
        config: PurserActorConfig = self.config
        self._client = Purser(config.url, key=config.key, timeout=config.request_seconds_max, retries=NO_RETRIES)
        spool = Spool(
            Path(config.spool_dir) / self.trader_id.value, config.spool_bytes_max, is_durable=config.spool_fsync
        )
        self.delivery = Delivery(
            spool,
            self._client,
            encode,
            must_wait=self.undecided.must_wait,
            dropped=lambda message: self.reporter.dropped(message) if self.reporter is not None else None,
            rest_seconds=config.rest_seconds,
            log=_LOG,
        )
        self.undecided.decided = self.delivery.wake
        self.reporter = Reporter(self.trader_id.value, self.cache, self.delivery, self.undecided, self._guards)
        self.delivery.start()

    def _on_engine_event(self, event: Any) -> None:
        assert self.reporter is not None  # subscribed after it was made
        if isinstance(event, OrderEvent):
            self.reporter.order_event(event)
        elif isinstance(event, PositionEvent | AccountState):
            self.reporter.position_or_account(event)
        if self.reporter.misses_events:
            self._recover()

    def _on_instrument(self, instrument: Any) -> None:
        assert self.reporter is not None  # subscribed after it was made
        if isinstance(instrument, Instrument):
            self.reporter.instrument(instrument)

    def _on_published(self, published: Any) -> None:
        assert self.reporter is not None  # subscribed after it was made
        self.reporter.data(published)

    def _on_recovery_timer(self, event: TimeEvent) -> None:
        self._recover()

    def _recover(self) -> None:
        """Report dropped events again once the spool has room."""
        if self.reporter is None or self.delivery is None or not self.reporter.misses_events:
            return
        if self.delivery.has_room:
            self.reporter.recover()
