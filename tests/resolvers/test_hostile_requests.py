"""Hostile requests are refused, and neither change nor reveal data of others."""

import json
from decimal import Decimal
from random import Random
from uuid import UUID, uuid4

import pytest

from app.errors import EventNotResolvable, InputInvalid
from app.ledger.recording import dedup
from app.ledger.recording.own_events import AUTHORIZATION, RELEASE, own_event_id
from app.ledger.recording.quarantine import ResolveQuarantine
from app.principal import Principal, Role
from app.resolvers import Context
from app.resolvers.budgets import set_budget
from app.resolvers.events import resolve_quarantine
from app.resolvers.strategies import register_strategy
from app.rules.enums import QuarantineAction
from tests.events import published
from tests.ledger.authorizing import TRADER
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import rows
from tests.reads.test_equity_curve import query_performance
from tests.resolvers.scenarios import ADMIN, ENGINE, STRATEGY_ID, record_events, refused

pytestmark = pytest.mark.anyio

INSTANT_MAX = 2**63 - 1


async def test_an_engine_cannot_use_the_ids_of_ledger_events(context: Context) -> None:
    """The ids of ledger events derive from the ids of strategy and order, so any client can compute them."""
    own = [own_event_id(kind, str(STRATEGY_ID), "O-9") for kind in (AUTHORIZATION, RELEASE)]
    recorded = await record_events(context, ENGINE, [published("OrderAccepted", 1) | {"event_id": one} for one in own])
    assert [one.code for one in recorded.rejected] == ["INVALID_EVENT", "INVALID_EVENT"]


async def test_an_instant_that_leaves_no_room_for_ledger_events_is_rejected(context: Context) -> None:
    late = published("OrderInitialized", 1) | {"ts_init": INSTANT_MAX}
    recorded = await record_events(context, ENGINE, [late])
    assert [one.code for one in recorded.rejected] == ["INVALID_INSTANT"]


async def test_conflicting_contents_under_one_id_are_decoded_once_each(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0

    def counting_loads(*given: object, **options: object) -> object:
        nonlocal read
        read += 1
        return json.loads(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(dedup, "json", type("counting", (), {"loads": staticmethod(counting_loads)}))
    events = [published("OrderAccepted", 1) | {"venue_order_id": f"V-{n}"} for n in range(200)]
    recorded = await record_events(context, ENGINE, [*events, *events])
    assert (recorded.accepted, recorded.quarantined, recorded.duplicates) == (0, 200, 200)
    assert read <= 3 * 2 * len(events)


async def test_a_fill_that_exceeds_the_index_size_cannot_be_accepted(context: Context) -> None:
    """Each name is within its limit; all four together are too long for the index of trades."""
    random = Random(1)
    names = ("client_order_id", "trade_id", "instrument_id", "account_id")
    long = {name: "".join(chr(random.randrange(0x20000, 0x2A000)) for _ in range(256)) for name in names}
    fill = published("OrderFilled", 1) | long
    assert (await record_events(context, ENGINE, [fill])).quarantined == 1
    command = ResolveQuarantine(fill["event_id"], QuarantineAction.ACCEPT, "seen at the venue")
    await refused(context, EventNotResolvable, resolve_quarantine(context, ADMIN, STRATEGY_ID, command))


async def test_positions_of_different_instruments_stay_separate_for_any_ids(context: Context) -> None:
    """The id to which the position would be moved belongs to a third instrument."""
    events = []
    for n, (instrument, position, side) in enumerate(
        (("BTC.X", "P@DOGE.X", "BUY"), ("EUR.X", "P", "BUY"), ("DOGE.X", "P", "SELL"))
    ):
        names = {"client_order_id": f"O-{n}", "instrument_id": instrument, "order_side": side}
        events += [
            published(kind, 10 * n + at, **names) for at, kind in enumerate(("OrderInitialized", "OrderSubmitted"))
        ]
        events.append(published("OrderFilled", 10 * n + 2, position_id=position, **names))
    await record_events(context, ENGINE, events)
    found = await rows(context.database, "SELECT position_id, instrument_id, signed_qty FROM positions ORDER BY 2")
    assert [tuple(row) for row in found] == [
        ("P@DOGE.X", "BTC.X", 1),
        ("P@DOGE.X@DOGE.X", "DOGE.X", -1),
        ("P", "EUR.X", 1),
    ]
    assert await broken_invariants(context.database) == []


async def test_a_bound_key_learns_no_currency_of_other_strategies(context: Context) -> None:
    other = await register_strategy(context, ADMIN, "Other-000", TRADER)
    ours = await register_strategy(context, ADMIN, "Ours-000", TRADER)
    await set_budget(context, ADMIN, other, "SECRETCOIN", Decimal(1))
    bound = Principal(Role.ADMIN, "key:bound", frozenset({UUID(str(ours))}))
    for name in ("SECRETCOIM", f"X{uuid4().hex[:8].upper()}"):
        await set_budget(context, bound, ours, name, Decimal(1))
    error = await refused(context, InputInvalid, set_budget(context, ADMIN, other, "SECRETCOIL", Decimal(1)))
    assert "SECRETCO" in str(error)


async def test_an_equity_curve_may_span_all_instants(context: Context) -> None:
    """From the first nanosecond to the last in one slice: wider than a bigint."""
    for n, at in ((1, 0), (2, INSTANT_MAX)):
        names = {"client_order_id": f"O-{n}", "position_id": f"P-{n}", "ts_event": at}
        kinds = ("OrderInitialized", "OrderSubmitted", "OrderFilled")
        await record_events(context, ENGINE, [published(kind, 10 * n + i, **names) for i, kind in enumerate(kinds)])
    for points in (2, 3, 4):
        found = await query_performance(context.database, STRATEGY_ID, points)
        assert found["equityCount"] == 2
