"""Statements: one for each query, cached, with totals that equal the number of rows."""

from base64 import b64encode
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from msgspec import json

from app.database import Database
from app.errors import CursorInvalid
from app.principal import LOCAL
from app.reads.catalogue.fill import FILL
from app.reads.catalogue.trading import ORDER, POSITION
from app.reads.compiled import answer, compiled_query
from app.reads.entity import Entity
from app.reads.ordering import read_cursor
from app.reads.query import (
    And,
    Compare,
    ListArgs,
    Not,
    Op,
    Or,
    Page,
    ReadQuery,
    ResultFormat,
    Selected,
    Selection,
    SortKey,
)
from tests.reads.rows import BTC, EMA, ETH, MAKER, START

pytestmark = pytest.mark.anyio

COUNTED = Selection.of(["strategy_id"])
CONDITIONS: list[tuple[str, Op, Any]] = [
    ("strategy_id", Op.EQ, MAKER),
    ("strategy_id", Op.IN, [EMA, MAKER]),
    ("strategy_name", Op.CONTAINS, "cross"),
    ("strategy_name", Op.STARTS_WITH, "100%"),
    ("instrument_id", Op.EQ, ETH),
    ("instrument_id", Op.CONTAINS, "usdt"),
    ("instrument_id", Op.IN, [BTC, ETH]),
    ("status", Op.EQ, "FILLED"),
    ("status", Op.IN, ["OPEN", "ACCEPTED"]),
    ("side", Op.EQ, "SELL"),
    ("currency", Op.EQ, "USDT"),
]


@pytest.mark.parametrize("entity", [ORDER, FILL, POSITION], ids=lambda entity: entity.name)
async def test_the_total_equals_the_number_of_rows(ledger_database: Database, entity: Entity) -> None:
    usable = [condition for condition in CONDITIONS if condition[0] in entity.filters]
    from_totals = from_rows = 0
    for pair in combinations(usable, 2):
        parts = tuple(Compare(field, op, slot) for slot, (field, op, _) in enumerate(pair))
        for where in (And(parts), Or(parts), And((parts[0], Not(parts[1])))):
            query = ReadQuery(COUNTED, list_args=ListArgs(where, page=Page(1000)))
            body, total = await answer(ledger_database, LOCAL, entity, query, [value for _, _, value in pair])
            assert body.count(b"strategy_id") == total, (where, pair)
            assert entity.totals is not None
            uses_totals = entity.totals.model.__tablename__ in compiled_query(entity, query).sql
            assert uses_totals == ({field for field, _, _ in pair} <= entity.totals.filters)
            from_totals, from_rows = from_totals + uses_totals, from_rows + (not uses_totals)
    assert from_totals
    assert from_rows or entity is not ORDER


def test_queries_that_differ_in_values_share_a_statement() -> None:
    queries = [ReadQuery(Selection.of(["side"]), list_args=ListArgs(Compare("side", Op.EQ, 0))) for _ in range(2)]
    assert compiled_query(ORDER, queries[0]) is compiled_query(ORDER, queries[1])


def test_a_statement_contains_only_selected_fields() -> None:
    query = ReadQuery(Selection((Selected("nodes", "nodes", Selection.of(["side"])),)), ResultFormat.CONNECTION)
    sql = compiled_query(ORDER, query).sql
    assert [word for word in ("count", "strategies", "ts_last", "row_number", "order_totals") if word in sql] == []
    assert compiled_query(ORDER, ReadQuery(Selection.of(["side"]), is_counted=False)).sql.count("SELECT") == 3


def test_a_statement_contains_no_values() -> None:
    query = ReadQuery(COUNTED, list_args=ListArgs(And(tuple(Compare("side", op, 0) for op in Op))))
    assert set(compiled_query(ORDER, query).slots) == {0}


async def test_a_statement_formats_only_the_rows_of_its_page(ledger_database: Database) -> None:
    query = ReadQuery(Selection.of(["ts_init", "strategy_name"]), list_args=ListArgs(page=Page(5, offset=0)))
    statement = compiled_query(ORDER, query).sql
    page = statement.index("OFFSET")
    assert "interval" in statement[:page]
    assert "SELECT * \nFROM orders" in statement[statement.rindex("(SELECT", 0, page) :]
    assert (await answer(ledger_database, LOCAL, ORDER, query, [29])).body.count(b"ts_init") == 2


@pytest.mark.parametrize("place", [["x"], [str(2**63)], ["1", "2", "3", "4"], []])
def test_a_cursor_with_wrong_values_is_invalid(place: list[str]) -> None:
    signature = "Order -ts_init,-client_order_id,-strategy_id"
    good = [signature, str(START), "O-1", str(UUID(int=1))]
    assert read_cursor(ORDER, (), b64encode(json.encode(good)).decode()) == [START, "O-1", UUID(int=1)]
    with pytest.raises(CursorInvalid):
        read_cursor(ORDER, (), b64encode(json.encode([signature, *place])).decode())
    with pytest.raises(CursorInvalid):
        read_cursor(ORDER, (SortKey("ts_last"),), b64encode(json.encode(good)).decode())
