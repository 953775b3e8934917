"""Whether the columns by which stored events are found say what the events say."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import asyncpg

from app.ledger.verify.finding import Finding
from app.rules.identity import strategy_id_of


def differing_columns(rows: Iterable[asyncpg.Record], events: Iterable[Any]) -> Iterator[Finding]:
    """A finding for each row of `order_events` whose columns differ from its event; rows and events in one order."""
    for row, event in zip(rows, events, strict=True):
        stored = (row["strategy_id"], row["event_id"], row["type"], row["ts_event"], row["ts_init"])
        strategy_id = _strategy_id(event.trader_id, event.strategy_id)
        says = (strategy_id, event.event_id, type(event).__name__, event.ts_event, event.ts_init)
        if stored != says:
            yield Finding(f"event {row['event_id']} of strategy {row['strategy_id']}", f"stored {stored}, says {says}")


@lru_cache(maxsize=10_000)
def _strategy_id(trader_id: str, strategy_id: str) -> str:
    return str(strategy_id_of(trader_id, strategy_id))
