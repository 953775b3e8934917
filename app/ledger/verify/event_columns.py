"""Whether the columns by which stored events are found say what the events say."""

from collections.abc import Iterable, Iterator
from typing import Any

import asyncpg

from app.ledger.verify.finding import Finding
from app.rules.identity import strategy_id_of


def differing_columns(rows: Iterable[asyncpg.Record], events: Iterable[Any]) -> Iterator[Finding]:
    """A finding for each row of `order_events` whose columns differ from its event; rows and events in one order."""
    for row, event in zip(rows, events, strict=True):
        stored = (row["strategy_id"], row["event_id"], row["type"], row["ts_event"], row["ts_init"])
        strategy_id = str(strategy_id_of(event.trader_id, event.strategy_id))
        says = (strategy_id, event.event_id, type(event).__name__, event.ts_event, event.ts_init)
        if stored != says:
            yield Finding(f"event {row['event_id']} of strategy {row['strategy_id']}", f"stored {stored}, says {says}")
