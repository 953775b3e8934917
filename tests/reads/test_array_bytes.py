"""A JSON array built as text has the bytes of PostgreSQL's own JSON functions."""

from collections.abc import AsyncIterator

import pytest

from app.database import Database
from app.models.administration import Strategy
from app.reads.compiled import compile_statement
from app.reads.compiler import Compiler
from app.reads.entity import ENTITIES
from app.reads.query import ALL_ROWS, Amounts, Selection
from tests.reads.rows import SECOND, START, TRADER, UNKNOWN, insert, ledger, order

pytestmark = pytest.mark.anyio

HOSTILE = "\"\\/\b\f\n\r\t\x01\x1f\x7f'{}[],:é☂😀\u2028 null"
LISTED = sorted(name for name, entity in ENTITIES.items() if entity.model is not None and entity.sorts)


@pytest.fixture
async def hostile_database(database_url: str) -> AsyncIterator[Database]:
    """The sample ledger, and rows whose texts have all characters that JSON escapes."""
    database = await Database.open(database_url)
    texts = ("account_id", "venue_order_id", "instrument_id", "position_id", "deny_reason", "trader_id")
    denied = order(
        HOSTILE, 900, strategy_id=UNKNOWN, status="DENIED", tags=[HOSTILE, ""], **dict.fromkeys(texts, HOSTILE)
    )
    strategy = Strategy(strategy_id=UNKNOWN, name=HOSTILE, trader_id=TRADER, created_at=START + 900 * SECOND)
    await insert(database, [*ledger(), strategy, denied])
    yield database
    await database.close()


@pytest.mark.parametrize("amounts", list(Amounts), ids=lambda amounts: amounts.name)
async def test_arrays_have_equal_bytes_for_every_field_of_every_entity(
    hostile_database: Database, amounts: Amounts
) -> None:
    written_bytes = b""
    for name in LISTED:
        entity = ENTITIES[name]
        selection = Selection.of(entity.fields)
        as_json = compile_statement(Compiler(amounts, is_scoped=False).array(entity, selection, ALL_ROWS)).sql
        as_bytes = compile_statement(
            Compiler(amounts, is_scoped=False).array(entity, selection, ALL_ROWS, is_response=True)
        ).sql
        async with hostile_database.read() as connection:
            written = await connection.fetchval(as_bytes)
            assert written == await connection.fetchval(as_json), name
        written_bytes += written
    assert rb'"\"\\/\b\f\n\r\t\u0001\u001f' in written_bytes
    assert b":null" in written_bytes


async def test_arrays_without_rows_or_fields_are_written(hostile_database: Database) -> None:
    entity = ENTITIES["Order"]
    for selection in (Selection(()), Selection.of(["side"])):
        async with hostile_database.read() as connection:
            sql = compile_statement(
                Compiler(Amounts.NUMBER, is_scoped=False).array(entity, selection, ALL_ROWS, is_response=True)
            ).sql
            assert (await connection.fetchval(sql)).startswith(b'[{"side":' if selection.fields else b"[{}, {}")
            assert await connection.fetchval(sql.replace("ORDER BY", "WHERE false ORDER BY", 1)) == b"[]"
