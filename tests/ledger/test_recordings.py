"""Recordings of real engine runs: the ledger equals the engine, in any arrangement."""

import gzip
import itertools
import json
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any
from uuid import UUID

import pytest

from app.database import Database
from app.engines import nautilus
from app.ledger.importing import import_file
from app.rules.valuation import InstrumentDefinition
from tests.ledger.authorizing import allocate, register
from tests.ledger.reservations import Reservations
from tests.ledger.state import DATA, RECORDINGS, broken_invariants, digest_of, lines_of, record
from tests.ledger.test_arrangements import between_strategies, one_strategy_after_another, shuffled
from tests.ledger.test_engine_truth import record_definitions

pytestmark = pytest.mark.anyio

TRADERS = {"dev_crypto": "TRADER-001", "dev_fx": "TRADER-002"}
CURRENCIES = {"dev_crypto": "USDT", "dev_fx": "USD"}
DEFINITIONS = {
    recording: InstrumentDefinition(
        instrument_id=name, base_currency=name[:3], quote_currency=currency, settlement_currency=currency
    )
    for (recording, currency), name in zip(CURRENCIES.items(), ("BTCUSDT-PERP.BINANCE", "GBP/USD.SIM"), strict=True)
}


async def test_recordings_equal_the_engine_and_importing_them_changes_nothing(
    database: Database,
) -> None:
    """The budgets are also compared at every checkpoint."""
    for recording in RECORDINGS:
        await _record_with_budgets(database, recording)
    for recording in RECORDINGS:
        await _assert_truth(database, recording)
        await _assert_orders(database, recording)
    assert await broken_invariants(database) == []
    before = await digest_of(database)
    for recording in RECORDINGS:
        truth = _truth(recording)
        again = await import_file(
            database, DATA / f"{recording}.events.jsonl.gz", nautilus.read_message, batch_lines=1_777
        )
        assert (again.lines, again.duplicates, again.accepted) == (truth["lines"], truth["lines"], 0)
    assert await digest_of(database) == before


async def _record_with_budgets(database: Database, recording: str) -> None:
    trader, currency = TRADERS[recording], CURRENCIES[recording]
    strategies = {name.split("|")[0] for name in _truth(recording)["fees"]}
    names = {await register(database, trader, name): name for name in strategies}
    for number, strategy_id in enumerate(sorted(names)):
        # The first budget is exceeded all the time: its orders and fills are recorded all the same.
        await allocate(database, Decimal(1 if number == 0 else 10_000_000), currency, strategy_id)
    reservations, lines = Reservations(), lines_of(recording)
    sizes = itertools.cycle([997, 1, 613, 350, 489])
    place = 0
    while place < len(lines):
        batch = lines[place : (place := place + next(sizes))]
        assert (await record(database, batch)).quarantined == 0
        reservations.read(batch)
        await _assert_reservations(database, names, reservations)
    assert not reservations.open
    found = await _budgets_of(database, names)
    async with database.read() as connection:
        most = await connection.fetchval(
            "SELECT max(reserved_after) FROM budget_journal WHERE strategy_id = ANY($1)", list(names)
        )
    assert {(row["strategy_id"], row["currency"]) for row in found} == {(UUID(key), currency) for key in names}
    assert {(row["reserved_orders"], row["reserved_positions"], row["over_reason"]) for row in found} == {(0, 0, None)}
    assert most > 0


async def _budgets_of(database: Database, strategy_ids: Iterable[str]) -> list[Any]:
    async with database.read() as connection:
        return await connection.fetch("SELECT * FROM budgets WHERE strategy_id = ANY($1)", list(strategy_ids))


@pytest.mark.long
@pytest.mark.parametrize("recording", RECORDINGS)
async def test_an_imported_recording_equals_the_engine(database: Database, recording: str) -> None:
    progress = await import_file(database, DATA / f"{recording}.events.jsonl.gz", nautilus.read_message)
    assert (progress.rejected, progress.quarantined) == (0, 0)
    await _assert_truth(database, recording)
    await _assert_orders(database, recording)
    assert await broken_invariants(database) == []


@pytest.mark.long
@pytest.mark.parametrize("arrange", [between_strategies, one_strategy_after_another, shuffled])
@pytest.mark.parametrize("recording", RECORDINGS)
async def test_recordings_in_any_arrangement_equal_the_engine(database: Database, recording: str, arrange: Any) -> None:
    """The instrument is recorded in the middle."""
    lines = [line for line in lines_of(recording) if b'"type":"AccountState"' not in line]
    of_none = [line for line in lines if b'"strategy_id":' not in line]
    batches = [of_none, *arrange([line for line in lines if b'"strategy_id":' in line], Random(recording))]
    for number, batch in enumerate(batches):
        if number == len(batches) // 2:
            await record_definitions(database, [DEFINITIONS[recording]])
        await record(database, batch)
    await _assert_truth(database, recording)
    await _assert_orders(database, recording)
    assert await broken_invariants(database) == []


async def _assert_reservations(database: Database, names: dict[str, str], reservations: Reservations) -> None:
    rows = await _budgets_of(database, names)
    orders, costs = reservations.orders(), reservations.costs()
    for row in rows:
        name = names[str(row["strategy_id"])]
        assert row["reserved_orders"] == orders.get(name, 0)
        # The cost of a part of a position is rounded if the quotient is not exact.
        assert abs(Fraction(row["reserved_positions"]) - costs.get(name, Fraction(0))) < Fraction(1, 10**9)
        is_over = row["reserved_orders"] + row["reserved_positions"] > row["allocated"]
        assert (row["over_reason"] is not None) == is_over


def _truth(recording: str) -> dict[str, Any]:
    return json.loads((DATA / f"{recording}.truth.json").read_text())  # type: ignore[no-any-return]


async def _by_strategy(database: Database, trader_id: str, sql: str) -> dict[str, Any]:
    async with database.read() as connection:
        rows = await connection.fetch(f"{sql} AND s.trader_id = $1 GROUP BY 1", trader_id)
    return {row[0]: row[1] for row in rows}


async def _assert_truth(database: Database, recording: str) -> None:
    truth = _truth(recording)
    trader = TRADERS[recording]
    fills = "FROM fills f JOIN strategies s USING (strategy_id) WHERE true"
    currency = f"SELECT s.name || '|' || f.currency, {{}} {fills}"
    orders = "FROM orders o JOIN strategies s USING (strategy_id) WHERE true"
    positions = "FROM positions p JOIN strategies s USING (strategy_id) WHERE"

    async def found(sql: str) -> dict[str, Any]:
        return await _by_strategy(database, trader, sql)

    assert await found(f"SELECT o.status, count(*) {orders}") == truth["orders_by_status"]
    assert sum((await found(f"SELECT o.status, count(*) {orders}")).values()) == truth["distinct_orders"]
    assert await found(f"SELECT s.name || '|' || f.side, count(*) {fills}") == truth["fills_by_strategy_and_side"]
    assert sum((await found(f"SELECT f.side, count(*) {fills}")).values()) == truth["distinct_fills"]
    assert await found(currency.format("sum(last_qty * last_px)")) == _exact(truth["notional_by_strategy_and_currency"])
    gross = await found(currency.format("sum(realized_pnl)"))
    fees = await found(currency.format("sum(commission)"))
    assert gross == _exact(truth["gross_realized_pnl"])
    assert fees == _exact(truth["fees"])
    assert {key: gross[key] - fees[key] for key in gross} == _exact(truth["net_realized_pnl"])
    closed = await found(f"SELECT s.name, count(*) {positions} p.status = 'CLOSED'")
    assert closed == truth["positions_closed_by_strategy"]
    assert await found(f"SELECT s.name, count(*) {positions} p.status = 'OPEN'") == truth["positions_open"]
    kept = "FROM fill_totals t JOIN strategies s USING (strategy_id) WHERE true"
    assert await found(f"SELECT s.name || '|' || t.currency, sum(realized_pnl) {kept}") == gross
    assert await found(f"SELECT s.name || '|' || t.currency, sum(total_fees) {kept}") == fees


async def _assert_orders(database: Database, recording: str) -> None:
    expected = json.loads(gzip.decompress((DATA / f"{recording}.orders.json.gz").read_bytes()))
    async with database.read() as connection:
        rows = await connection.fetch(
            "SELECT o.*, s.name FROM orders o JOIN strategies s USING (strategy_id) WHERE client_order_id = ANY($1)",
            list(expected),
        )
    assert len(rows) == len(expected)
    for row in rows:
        order = expected[row["client_order_id"]]
        price = None if order["price"] is None else Decimal(order["price"])
        found = (
            row["name"],
            row["status"],
            row["side"],
            row["order_type"],
            row["quantity"],
            row["filled_qty"],
            row["price"],
        )
        expected_terms = (order["strategy_id"], order["status"], order["side"], order["type"])
        assert found == (*expected_terms, Decimal(order["quantity"]), Decimal(order["filled_qty"]), price)
        if order["avg_px"] is None:
            assert row["avg_px"] is None
        else:
            # The engine's average price is a float.
            assert abs(row["avg_px"] - Decimal(order["avg_px"])) < Decimal("1e-6")


def _exact(numbers: dict[str, str]) -> dict[str, Decimal]:
    return {key: Decimal(number) for key, number in numbers.items()}
