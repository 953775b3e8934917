"""Records signals, each once. Other content under a known id is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from uuid import UUID

import orjson

from app.database import WriteConnection
from app.errors import InputInvalid, SignalConflict
from app.ledger.batch import SignalArrival
from app.ledger.commands import RecordSignal, check_identifier
from app.ledger.folding import totals
from app.ledger.storage.queries import array_source
from app.ledger.storage.row_mapping import columns_of
from app.ledger.storage.row_writes import feed_write
from app.ledger.storage.writing import CANNOT_BE_STORED, TableWrite, write
from app.models.instruments import Signal
from app.rules.events import SignalPublished
from app.rules.identity import NO_STRATEGY, signal_id_of

VALUE_BYTES_MAX = 1024 * 1024

_COLUMNS = ", ".join(columns_of(Signal))
_IDS = ("strategy_id uuid", "signal_id uuid", "instrument_id text")
_SIGNALS = array_source(*_IDS, "name text", "value jsonb", "ts_event bigint", "ts_init bigint")
_of_event = attrgetter("event_id", "instrument_id", "name", "value")
_ADD = f"""
INSERT INTO signals ({_COLUMNS})
SELECT {_COLUMNS} FROM {_SIGNALS} s
ORDER BY strategy_id, signal_id, ordinal ON CONFLICT (strategy_id, signal_id) DO NOTHING
RETURNING strategy_id, signal_id, name
"""
_OTHERS = f"""
SELECT i.ordinal FROM {_SIGNALS} i
JOIN signals s ON s.strategy_id = i.strategy_id AND s.signal_id = i.signal_id
WHERE (s.instrument_id, s.name, s.value, s.ts_event, s.ts_init)
    IS DISTINCT FROM (i.instrument_id::varchar, i.name::varchar, i.value, i.ts_event, i.ts_init)
ORDER BY i.ordinal
"""


@dataclass(slots=True)
class SignalChanges:
    """Keys (strategy_id, signal_id) of new signals, the writes that count them, and conflicting signals."""

    writes: list[TableWrite] = field(default_factory=list)
    new: list[tuple[str, str]] = field(default_factory=list)
    conflicting: list[SignalArrival] = field(default_factory=list)


async def add_signals(work: WriteConnection, signals: Sequence[SignalArrival]) -> SignalChanges:
    """Store new signals. Of two signals with one id, the first is stored."""
    if not signals:
        return SignalChanges()
    added = await work.fetch(_ADD, *_arrays(signals))
    new = [(str(row["strategy_id"]), str(row["signal_id"])) for row in added]
    counts = totals.signal_counts((str(row["strategy_id"]), row["name"]) for row in added)
    if len(new) == len(signals):
        return SignalChanges([counts], new)
    others = await work.fetch(_OTHERS, *_arrays(signals))
    return SignalChanges([counts], new, [signals[row["ordinal"] - 1] for row in others])


async def record_signal(work: WriteConnection, command: RecordSignal, strategy_id: UUID | None) -> tuple[UUID, UUID]:
    """Record a client's signal. Returns (strategy_id, signal_id). A repeated signal changes nothing.

    The id of a signal without one is derived from its content. Raises InputInvalid, SignalConflict.
    """
    check_identifier(command.name, "name")
    if command.instrument_id is not None:
        check_identifier(command.instrument_id, "instrument_id")
    if command.ts_event < 0:
        raise InputInvalid("It must not be before 1970.", "ts_event")
    owner, ts = str(strategy_id or NO_STRATEGY), command.ts_event
    value = _json_of(command.value)
    signal_id = command.signal_id or signal_id_of(owner, command.instrument_id, command.name, ts, ts, value)
    signal = SignalPublished(
        event_id=str(signal_id),
        name=command.name,
        value=value,
        ts_event=ts,
        ts_init=ts,
        instrument_id=command.instrument_id,
    )
    try:
        changes = await add_signals(work, [SignalArrival(0, owner, signal)])
    except CANNOT_BE_STORED as error:
        raise InputInvalid(
            "value cannot be stored. It has a NUL character, half of a surrogate pair, or too deep nesting.",
            "value",
        ) from error
    if changes.conflicting:
        raise SignalConflict(signal_id)
    await write(work, [*changes.writes, feed_write(signals=changes.new)])
    return UUID(owner), signal_id


def _json_of(value: object) -> str:
    try:
        text = orjson.dumps(value)
    except TypeError as error:
        raise InputInvalid(f"It is not JSON: {error}.", "value") from error
    if len(text) > VALUE_BYTES_MAX:
        raise InputInvalid(f"It has {len(text)} bytes as JSON; at most {VALUE_BYTES_MAX} are accepted.", "value")
    return text.decode()


def _arrays(signals: Sequence[SignalArrival]) -> list[list[str | None]]:
    rows = [
        (one.strategy_id, *_of_event(one.event), str(one.event.ts_event), str(one.event.ts_init)) for one in signals
    ]
    return [list(column) for column in zip(*rows, strict=True)]
