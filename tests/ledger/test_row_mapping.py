"""Every field round-trips through its row, and a forgotten field is an error."""

import operator
from collections.abc import Awaitable, Callable
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct, structs

from app.database import Database, WriteConnection
from app.event_codec import encode_message
from app.ledger.batch import BookedFill, OrderKey, PositionRecord, Quarantine
from app.ledger.holds.budgets import BudgetBook
from app.ledger.holds.exposure import load_holds
from app.ledger.storage import writing
from app.ledger.storage.row_mapping import Fields, MappingError, Row, RowMapping, table_of
from app.ledger.storage.rows import (
    BUDGETS,
    FILLS,
    HOLDS,
    JOURNAL,
    ORDER_STATE,
    ORDERS,
    POSITIONS,
    QUARANTINE,
    QUARANTINED,
    booked_of,
    fill_values,
    position_of,
    position_values,
)
from app.ledger.storage.writing import Insert, write
from app.models.administration import Budget, BudgetJournalEntry
from app.models.orders import Fill, Hold, Order, Position, QuarantinedEvent
from app.rules.budgets import BudgetState, JournalEntry
from app.rules.events import OrderFilled
from app.rules.holds import HoldState
from app.rules.order_state import OrderState
from app.rules.positions import FillOutcome, FillPlace, PositionFill, PositionState
from tests.events import decode_line, published

pytestmark = pytest.mark.anyio

STRATEGY = str(UUID(int=7))
SOME = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
AMOUNTS = st.decimals(min_value=Decimal("0.000001"), max_value=10**12, places=6)
_UNTRADED = ("NO_ORDER_SIDE",)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field by its type, with other values than the default."""
    if get_origin(hint) is UnionType:
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return st.none() | st.one_of(*map(values_of, kinds))
    if hint is bool:
        return st.booleans()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from([member for member in hint if member.value not in _UNTRADED])
    if hint == list[str]:
        return st.lists(TEXT, max_size=3)
    known: dict[Any, st.SearchStrategy[Any]] = {Decimal: AMOUNTS, int: st.integers(1, 2**15 - 1), str: TEXT}
    return known[hint]


def varied(kind: type[Any], **given_: Any) -> st.SearchStrategy[Any]:
    """Values of a type with every field varied except the given ones."""
    names = getattr(kind, "__struct_fields__", None) or kind._fields
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: given_[name] if name in given_ else values_of(hints[name]) for name in names})


def only_stored(state: OrderState) -> OrderState:
    """A folded order without the fields that exist only while its events are folded."""
    stored = {name: getattr(state, name) for name in ORDER_STATE.columns if name in OrderState.__struct_fields__}
    return OrderState(**stored, strategy_name=state.strategy_name)


Read = Callable[[WriteConnection], Awaitable[Any]] | None
CAUSE = st.just(BudgetState().cause)
IDS = st.uuids().map(str)
FILLS_OF = varied(PositionFill, side=st.sampled_from(["BUY", "SELL"]), ts_event=st.integers(1, 9))


@pytest.fixture(params=["one statement", "COPY"])
def write_method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of writing new rows, which are chosen by the number of rows."""
    monkeypatch.setattr(writing, "_TOGETHER_MAX", 10**6 if request.param == "one statement" else 0)
    return str(request.param)


async def stored(database: Database, model: Any, mapping: RowMapping, row: Row, read: Read = None) -> Any:
    """The row of a table that was written through the mapping, as the driver returns it, or as `read` does."""
    async with database.unit_of_work() as work:  # the block ends without a commit
        await write(work, [Insert(model, mapping.columns, [row])])
        if read is not None:
            return await read(work)
        return await work.fetchrow(f"SELECT *, 'EMA' AS strategy_name FROM {table_of(model).name}")


@given(state=varied(OrderState, signal_id=st.none() | IDS, strategy_name=st.just("EMA")), waiting=st.integers(0, 9))
@SOME
async def test_an_order_round_trips_through_its_row(
    database: Database, write_method: str, state: OrderState, waiting: int
) -> None:
    key: OrderKey = (STRATEGY, state.client_order_id)
    record = await stored(database, Order, ORDERS, ORDERS.row((*key, waiting), state))
    assert ORDER_STATE.read(record) == only_stored(state)
    assert ORDERS.stored(record) == ORDERS.values((*key, waiting), state)
    assert (record["avg_px"], record["overfilled"]) == (state.avg_px, state.overfilled)


@given(
    state=varied(PositionState, signed_qty=AMOUNTS | AMOUNTS.map(operator.neg)),
    record=varied(PositionRecord, state=st.none(), first=varied(FillPlace), last=varied(FillPlace), before=st.none()),
)
@SOME
async def test_a_position_round_trips_through_its_row(
    database: Database, write_method: str, state: PositionState, record: PositionRecord
) -> None:
    record = structs.replace(record, state=state, first=record.first._replace(ts_event=state.ts_opened))
    values = position_values((STRATEGY, "P-1", state.n), record)
    row = await stored(database, Position, POSITIONS, values)
    assert position_of(row) == record
    assert POSITIONS.stored(row) == values
    assert (row["status"], row["side"]) == (state.status, state.side)


@given(fill=FILLS_OF, place=varied(FillPlace), outcome=varied(FillOutcome), repeat_id=IDS)
@SOME
async def test_a_fill_round_trips_through_its_row(
    database: Database, write_method: str, fill: PositionFill, place: FillPlace, outcome: FillOutcome, repeat_id: str
) -> None:
    place = place._replace(ts_event=fill.ts_event)
    booked = BookedFill(STRATEGY, str(uuid4()), "P-1", place, fill, "BTC", "A", None, outcome, outcome)
    event = decode_line(encode_message(published("OrderFilled", 1)))
    assert isinstance(event, OrderFilled)
    values = fill_values(structs.replace(booked, repeat_id=repeat_id), event)
    row = await stored(database, Fill, FILLS, values)
    assert booked_of(row) == booked
    assert FILLS.stored(row) == values
    assert [row[name] for name in ("trade_id", "client_order_id", "venue_order_id")] == ["T-1", "O-1", "V-1"]
    assert (row["liquidity_side"], str(row["repeat_id"])) == ("TAKER", repeat_id)


@given(hold=varied(HoldState, currency=TEXT) | st.just(HoldState(None, Decimal("1.5"))))
@SOME
async def test_a_hold_round_trips_through_its_row(database: Database, write_method: str, hold: HoldState) -> None:
    key = (STRATEGY, "O-1")
    row = await stored(database, Hold, HOLDS, HOLDS.row(key, hold))
    assert row["amount"] == hold.amount
    assert await stored(database, Hold, HOLDS, HOLDS.row(key, hold), lambda work: load_holds(work, [key])) == {
        key: hold
    }


@given(
    state=varied(BudgetState, allocated=AMOUNTS, created_at=st.integers(1, 9), cause=CAUSE)
    | varied(BudgetState, allocated=st.none(), created_at=st.none(), over_reason=st.none(), cause=CAUSE)
)
@SOME
async def test_a_budget_round_trips_through_its_row(database: Database, write_method: str, state: BudgetState) -> None:
    state.note_over()
    key = (STRATEGY, "USDT")
    row = await stored(database, Budget, BUDGETS, BUDGETS.row(key, state))
    assert BUDGETS.stored(row) == BUDGETS.values(key, state)
    book = await stored(
        database, Budget, BUDGETS, BUDGETS.row(key, state), lambda work: BudgetBook.of([STRATEGY], 1).fetch(work)
    )
    assert book._states == {key: state}


@given(entry=varied(JournalEntry))
@SOME
async def test_a_journal_entry_round_trips_through_its_row(
    database: Database, write_method: str, entry: JournalEntry
) -> None:
    row = await stored(database, BudgetJournalEntry, JOURNAL, JOURNAL.row((STRATEGY, "USDT"), entry))
    assert Fields(BudgetJournalEntry, JournalEntry).read(row) == entry


@given(item=varied(Quarantine, strategy_id=IDS, event_id=IDS))
@SOME
async def test_a_quarantined_event_round_trips_through_its_row(
    database: Database, write_method: str, item: Quarantine
) -> None:
    row = await stored(database, QuarantinedEvent, QUARANTINED, QUARANTINED.row((), item))
    assert QUARANTINE.read(row) == item


class _WithMore(HoldState):
    comment: str = ""


class _WithLess(Struct):
    currency: str | None


def test_a_field_without_a_column_is_an_error() -> None:
    with pytest.raises(MappingError, match="holds has no column comment"):
        Fields(Hold, _WithMore)


def test_a_column_without_a_field_is_an_error() -> None:
    with pytest.raises(MappingError, match="holds: nothing has the columns amount, captured, is_unvalued, reference"):
        RowMapping(("strategy_id", "client_order_id"), Fields(Hold, _WithLess))


def test_an_unstored_field_before_a_stored_one_is_an_error() -> None:
    with pytest.raises(MappingError, match="unstored fields are its last ones"):
        Fields(Hold, HoldState, unstored=("currency",))
