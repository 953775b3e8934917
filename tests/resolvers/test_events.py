"""Recording engine events that were parsed from JSON."""

import json

import pytest

from app.errors import (
    InputInvalid,
)
from app.resolvers import Context
from tests.events import event_id, published
from tests.ledger.test_record import rows
from tests.resolvers.scenarios import BOUND, ENGINE, record_events, refused

pytestmark = pytest.mark.anyio


async def test_invalid_events_are_rejected_by_index_and_the_others_recorded(context: Context) -> None:
    events = [published("OrderInitialized", 1), 7, {"type": "AccountState"}, published("OrderFilled", 2, last_qty="0")]
    recorded = await record_events(context, ENGINE, [*events, events[0]])
    assert (recorded.accepted, recorded.duplicates, recorded.quarantined) == (1, 1, 0)
    assert [(one.place, one.code) for one in recorded.rejected] == [
        (1, "INVALID_EVENT"),
        (2, "NOT_A_LEDGER_EVENT"),
        (3, "INVALID_AMOUNT"),
    ]
    [stored] = await rows(context.database, "SELECT payload FROM order_events")
    assert json.loads(stored["payload"]) == events[0]
    await refused(context, InputInvalid, record_events(context, ENGINE, [7] * 5001))


async def test_a_bound_key_records_only_events_of_its_strategies(context: Context) -> None:
    events = [
        published("OrderInitialized", 1),
        published("OrderInitialized", 2, strategy_id="Other-000"),
        {"type": "SignalCross", "value": 1, "ts_event": 5},
    ]
    recorded = await record_events(context, BOUND, events)
    assert recorded.accepted == 1
    assert [(one.place, one.event_id, one.code) for one in recorded.rejected] == [
        (1, event_id(2), "FORBIDDEN"),
        (2, None, "FORBIDDEN"),
    ]
