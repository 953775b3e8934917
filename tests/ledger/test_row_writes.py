"""Rows are stored unchanged, by a statement and by COPY."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.json import Decoder

from app.database import Database
from app.ledger.storage import writing
from app.ledger.storage.queries import BatchQuery, fetch_all_at_once
from app.ledger.storage.row_mapping import array_literal
from app.ledger.storage.writing import Delete, Insert, Merge, Update, write
from app.models.instruments import Signal
from app.models.orders import QuarantinedEvent

pytestmark = pytest.mark.anyio

STRATEGY = UUID(int=7)
SIGNALS = ("strategy_id", "signal_id", "instrument_id", "name", "value", "ts_event", "ts_init")
EVENTS = ("strategy_id", "event_id", "variant", "client_order_id", "ts_event", "code", "reason")

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", "null", "\\N", "\\.", '"', "\\", "a,b", "\n", "\r\n", "\t", "]\n[", "\\n", '\\"', "\x1f", "\x7f", "{}", "'"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
SOME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(params=["one statement", "COPY"])
def write_method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of writing new rows, which are chosen by the number of rows."""
    monkeypatch.setattr(writing, "_TOGETHER_MAX", 10**6 if request.param == "one statement" else 0)
    return str(request.param)


@given(
    rows=st.lists(
        st.tuples(st.none() | TEXT, TEXT, JSON.filter(lambda value: value is not None)), min_size=1, max_size=6
    )
)
@SOME
async def test_texts_and_documents_round_trip(
    database: Database, write_method: str, rows: list[tuple[str | None, str, Any]]
) -> None:
    values = [
        (str(STRATEGY), str(uuid4()), instrument, name, orjson.dumps(value).decode(), place, 0)
        for place, (instrument, name, value) in enumerate(rows)
    ]
    async with database.unit_of_work() as work:
        await write(work, [Insert(Signal, SIGNALS, values)])
        stored = await work.fetch("SELECT instrument_id, name, value::text FROM signals ORDER BY ts_event")
    assert [(row[0], row[1], orjson.loads(row[2])) for row in stored] == rows


@given(texts=st.lists(TEXT, max_size=5))
@SOME
async def test_an_array_literal_round_trips(database: Database, texts: list[str]) -> None:
    async with database.read() as connection:
        assert await connection.fetchval("SELECT $1::text::text[]", array_literal(texts)) == texts


async def test_inserts_updates_deletes_and_merges_run_together(database: Database, write_method: str) -> None:
    def row(event: int, code: str, reason: str = "why") -> tuple[Any, ...]:
        return (str(STRATEGY), str(UUID(int=event)), 0, "O-1", 1, code, reason)

    async with database.unit_of_work() as work:
        await write(work, [Insert(QuarantinedEvent, EVENTS, [row(1, "A"), row(2, "A"), row(3, "A")])])
        await write(
            work,
            [
                Insert(QuarantinedEvent, EVENTS, [row(5, "A")]),
                Update(QuarantinedEvent, EVENTS, [row(1, "B", "changed")]),
                Delete(QuarantinedEvent, EVENTS[:3], [row(2, "")[:3]]),
                Merge(QuarantinedEvent, EVENTS, [row(3, "C"), row(4, "D")]),
            ],
        )
        stored = await work.fetch("SELECT event_id, code, reason FROM quarantined_events ORDER BY event_id")
    assert [(row["event_id"].int, row["code"], row["reason"]) for row in stored] == [
        (1, "B", "changed"),
        (3, "C", "why"),
        (4, "D", "why"),
        (5, "A", "why"),
    ]


class _Number(Struct):
    n: Decimal


async def test_batched_queries_keep_their_arguments_and_every_digit(database: Database) -> None:
    numbers = Decoder(list[_Number])
    digits = "123456789012345678901234567890.123456789012345678901234567890"
    one = BatchQuery("SELECT $1::numeric + $2::numeric AS n", [Decimal(digits), Decimal(0)], numbers, lambda rows: rows)
    other = BatchQuery("SELECT $1::numeric AS n WHERE $2", [Decimal("1.10"), False], numbers, len)
    async with database.read() as connection:
        assert await fetch_all_at_once(connection, one, other, one) == [
            [_Number(Decimal(digits))],
            0,
            [_Number(Decimal(digits))],
        ]
