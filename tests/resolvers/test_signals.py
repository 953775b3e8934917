"""Each signal is recorded once; other content under a known id is an error."""

from typing import Any
from uuid import UUID

import pytest

from app.errors import (
    ConflictError,
    InputInvalid,
)
from app.ledger.commands import RecordSignal
from app.resolvers import Context
from app.resolvers.events import record_signal
from app.rules.identity import NO_STRATEGY
from tests.events import event_id
from tests.ledger.authorizing import INSTRUMENT, STRATEGY
from tests.ledger.state import digest_of
from tests.ledger.test_record import rows
from tests.resolvers.scenarios import ENGINE, SIGNAL, STRATEGY_ID, record_events, refused, register_sample_strategy

pytestmark = pytest.mark.anyio


def signal_with(**changes: Any) -> RecordSignal:
    values = {name: getattr(SIGNAL, name) for name in SIGNAL.__struct_fields__}
    return RecordSignal(**{**values, **changes})


async def test_a_signal_is_recorded_once_under_a_given_or_derived_id(context: Context) -> None:
    await register_sample_strategy(context)
    derived = await record_signal(context, ENGINE, SIGNAL)
    given = await record_signal(context, ENGINE, signal_with(signal_id=UUID(int=7), strategy=STRATEGY))
    assert (derived[0], given) == (NO_STRATEGY, (STRATEGY_ID, UUID(int=7)))
    before = await digest_of(context.database)
    assert await record_signal(context, ENGINE, SIGNAL) == derived
    assert await record_signal(context, ENGINE, signal_with(signal_id=UUID(int=7), strategy=STRATEGY_ID)) == given
    assert await digest_of(context.database) == before
    assert (await record_signal(context, ENGINE, signal_with(value=1)))[1] != derived[1]


@pytest.mark.parametrize(
    "change", [{"name": "other"}, {"value": {"side": "SELL"}}, {"ts_event": 6}, {"instrument_id": INSTRUMENT}]
)
async def test_other_content_under_a_known_signal_id_is_a_conflict(context: Context, change: dict[str, Any]) -> None:
    await record_signal(context, ENGINE, signal_with(signal_id=UUID(int=7)))
    error = await refused(
        context, ConflictError, record_signal(context, ENGINE, signal_with(signal_id=UUID(int=7), **change))
    )
    assert error.code == "SIGNAL_CONFLICT"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "\x00"}, "name"),
        ({"instrument_id": "\ud800"}, "instrument_id"),
        ({"ts_event": -1}, "ts_event"),
        ({"value": "a\x00"}, "value"),
        ({"value": "\ud800"}, "value"),
        ({"value": object()}, "value"),
        ({"value": 2**70}, "value"),
        ({"value": "x" * 1024 * 1024}, "value"),
    ],
)
async def test_a_signal_that_cannot_be_stored_is_refused(context: Context, changes: dict[str, Any], field: str) -> None:
    wrong = await refused(context, InputInvalid, record_signal(context, ENGINE, signal_with(**changes)))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == (field,)


async def test_an_engine_signal_with_other_content_under_a_known_id_is_rejected(
    context: Context,
) -> None:
    first = {"type": "SignalCross", "value": 1, "ts_event": 5, "ts_init": 5, "event_id": event_id(1)}
    other, third = first | {"value": 2}, first | {"value": 1.0}
    recorded = await record_events(context, ENGINE, [first, other, first, third])
    assert (recorded.accepted, recorded.duplicates) == (1, 2)
    again = await record_events(context, ENGINE, [other, first])
    assert (again.accepted, again.duplicates) == (0, 1)
    rejected = [(one.place, one.event_id, one.code) for one in (*recorded.rejected, *again.rejected)]
    assert rejected == [(1, event_id(1), "CONFLICTING_CONTENT"), (0, event_id(1), "CONFLICTING_CONTENT")]
    [stored] = await rows(context.database, "SELECT value FROM signals")
    assert stored["value"] == "1"
