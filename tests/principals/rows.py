"""Two strategies with rows of every kind, and rows without a strategy. Bound keys are bound to OURS.

Every query must return rows of both strategies, or `test_matrix` fails: it could not detect a leak.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from app.models.administration import AuditEntry
from app.models.instruments import Discrepancy, Instrument, Signal
from app.models.orders import OrderEvent, Position, QuarantinedEvent
from app.rules.identity import NO_STRATEGY
from tests.reads.rows import EMA, MAKER, START, budget, fill, hold, journal, ledger, order, position

OURS, THEIRS = EMA, MAKER


def rows() -> list[SQLModel]:
    """The sample ledger and more rows. Audit entries have fixed ids, also in a part of the ledger."""
    everything = [*ledger(), *_more()]
    for number, entry in enumerate(row for row in everything if isinstance(row, AuditEntry)):
        entry.id = number + 1
    return everything


def rows_of(strategy_id: UUID) -> list[SQLModel]:
    """The rows of one strategy, as if no other strategy existed, without rows that belong to no strategy."""
    own = [row for row in rows() if getattr(row, "strategy_id", strategy_id) == strategy_id]
    traded = {row.instrument_id for row in own if isinstance(row, Position)}
    return [
        row for row in own if not isinstance(row, Instrument) or row.source == "RECORDED" or row.instrument_id in traded
    ]


def _more() -> Iterable[SQLModel]:
    for number, strategy_id in enumerate((OURS, THEIRS, NO_STRATEGY), 1):
        signal: dict[str, Any] = {"name": f"of-{strategy_id}", "value": str(strategy_id), "ts_init": START}
        yield Signal(strategy_id=strategy_id, signal_id=UUID(int=number + 10), ts_event=START + number, **signal)
    # Orders of both strategies refer to signals of both and to signals without a strategy.
    for number in (11, 12, 13):
        for strategy_id in (OURS, THEIRS):
            yield order(f"S-{number}", number, strategy_id=strategy_id, signal_id=UUID(int=number))
    yield fill("S-11", 8, strategy_id=THEIRS, position_id="P-2", event_id=UUID(int=8))
    yield position(
        "P-9", 9, strategy_id=THEIRS, status="CLOSED", ts_closed=START + 10**12, last_ts_event=START + 10**12
    )
    yield Instrument(instrument_id="KNOWN.X", quote_currency="USD", settlement_currency="USD", source="RECORDED")
    for number, strategy_id in enumerate((OURS, THEIRS), 21):
        instrument_id = f"TRADED-{number}.X"
        yield Instrument(instrument_id=instrument_id, quote_currency="USD", settlement_currency="USD")
        yield position(f"P-{number}", number, strategy_id=strategy_id, instrument_id=instrument_id)
        yield Discrepancy(
            strategy_id=strategy_id,
            event_id=UUID(int=number),
            kind="QUANTITY",
            position_id=f"P-{number}",
            position_n=1,
            instrument_id=instrument_id,
            ts_event=START + number,
            ledger_value="1",
            engine_value="2",
        )
    for strategy_id in (OURS, THEIRS):
        for number, client_order_id in ((1, "S-11"), (2, "SHARED")):
            about = {"strategy_id": strategy_id, "event_id": UUID(int=number), "variant": 0}
            yield OrderEvent(
                **about,
                **{"seq": number, "type": "OrderAccepted", "client_order_id": client_order_id},
                **{"ts_event": START + number, "ts_init": START, "payload": {"strategy_id": str(strategy_id)}},
            )
        yield QuarantinedEvent(
            **about,
            **{"client_order_id": "SHARED", "ts_event": START + 2, "code": "ILLEGAL", "reason": str(strategy_id)},
        )
    theirs = budget(THEIRS, "USDT", 3, version=2)
    yield theirs
    yield from journal(theirs)
    yield from (hold("S-12", strategy_id=strategy_id) for strategy_id in (OURS, THEIRS))
    yield AuditEntry(
        **{"ts": START, "actor": "key:them", "action": "budget.set", "entity_type": "budget", "entity_id": "y"},
        strategy_id=THEIRS,
        before={"allocated": "3.0"},
        hash="theirs",
    )
