"""Recorded runs of every kind equal the state of the engine, whenever their instruments are recorded."""

import json
from decimal import Decimal
from typing import Any

import pytest

from app.database import Database
from app.ledger.administration.instruments import record_instruments
from app.principal import LOCAL
from app.rules.valuation import InstrumentDefinition
from tests.ledger.state import DATA, broken_invariants, lines_of, record

pytestmark = pytest.mark.anyio

KINDS = ("basefee", "contingent", "inverse", "multiplier", "quote", "reconciled", "several", "spot")
PLACES = Decimal("1e-8")


def truth_of(kind: str) -> dict[str, Any]:
    return json.loads((DATA / f"dev_{kind}.truth.json").read_text())  # type: ignore[no-any-return]


def lines_of_events(kind: str) -> list[bytes]:
    """The recording without account states, which are not ledger events."""
    return [line for line in lines_of(f"dev_{kind}") if b'"type":"AccountState"' not in line]


def instruments_of(kind: str) -> list[InstrumentDefinition]:
    return [
        InstrumentDefinition(
            instrument_id=one["instrumentId"],
            base_currency=one["baseCurrency"],
            quote_currency=one["quoteCurrency"],
            settlement_currency=one["settlementCurrency"],
            multiplier=Decimal(one["multiplier"]),
            is_inverse=one["isInverse"],
        )
        for one in truth_of(kind)["instruments"]
    ]


async def record_definitions(database: Database, definitions: list[InstrumentDefinition]) -> None:
    async with database.unit_of_work() as work:
        await record_instruments(work, LOCAL, definitions)
        await work.commit()


@pytest.mark.parametrize("when", ["before", "middle", "after"])
@pytest.mark.parametrize("kind", KINDS)
async def test_amounts_equal_those_of_the_engine(database: Database, kind: str, when: str) -> None:
    lines = lines_of_events(kind)
    parts = {"before": [0], "middle": [len(lines) // 2], "after": [len(lines)]}[when]
    place = 0
    for end in (*parts, len(lines)):
        for first in range(place, end, 611):
            await record(database, lines[first : min(first + 611, end)])
        if end == parts[0] and place == 0:
            await record_definitions(database, instruments_of(kind))
        place = end
    await assert_engine_truth(database, kind)
    assert await broken_invariants(database) == []


async def assert_engine_truth(database: Database, kind: str) -> None:
    """Compares positions, realized PnL, fees and notional, each in the engine's currency."""
    truth = truth_of(kind)
    async with database.read() as connection:

        async def found(sql: str) -> dict[str, Any]:
            return {row[0]: row[1] for row in await connection.fetch(sql)}

        joined = "JOIN strategies s USING (strategy_id)"
        gross = await found(
            f"SELECT s.name || '|' || settlement_currency, sum(realized_pnl) FROM fills {joined} GROUP BY 1"
        )
        fees = await found(
            f"SELECT s.name || '|' || commission_currency, sum(commission) FROM fills {joined} GROUP BY 1"
        )
        notional = await found(
            f"SELECT s.name || '|' || settlement_currency, sum(notional) FROM fills {joined} GROUP BY 1"
        )
        opened = await connection.fetch(f"SELECT * FROM positions p {joined} WHERE status = 'OPEN'")
        closed = await found(f"SELECT s.name, count(*) FROM positions p {joined} WHERE status = 'CLOSED' GROUP BY 1")
        discrepancies = await connection.fetchval("SELECT count(*) FROM discrepancies")
    zero = Decimal(0)
    assert {key: gross.get(key, zero).quantize(PLACES) for key in truth["gross_realized_pnl"]} == {
        key: Decimal(value) for key, value in truth["gross_realized_pnl"].items()
    }
    assert {key: value for key, value in fees.items() if value} == {
        key: Decimal(value) for key, value in truth["fees"].items() if Decimal(value)
    }
    if "notional_by_strategy_and_currency" in truth:
        expected = {key: Decimal(value) for key, value in truth["notional_by_strategy_and_currency"].items()}
        assert {key: value.quantize(PLACES) for key, value in notional.items()} == expected
    assert {
        f"{row['name']}|{row['position_id']}": (row["signed_qty"], row["avg_px_open"].quantize(PLACES))
        for row in opened
    } == {
        key: (Decimal(one["signed_qty"]), Decimal(one["avg_px_open"])) for key, one in truth["positions_open"].items()
    }
    assert closed == truth["positions_closed_by_strategy"]
    assert discrepancies == 0


@pytest.mark.parametrize("kind", ["quote", "contingent"])
async def test_a_flat_strategy_without_open_orders_reserves_nothing(database: Database, kind: str) -> None:
    await record_definitions(database, instruments_of(kind))
    await record(database, lines_of_events(kind), 97)
    async with database.read() as connection:
        holds = await connection.fetch("SELECT * FROM holds WHERE remaining <> 0 OR is_unvalued")
        reserved = await connection.fetch(
            "SELECT strategy_id, reserved_orders, reserved_positions, (SELECT coalesce(sum(cost), 0) FROM positions p "
            "WHERE p.strategy_id = b.strategy_id AND status = 'OPEN') AS cost FROM budgets b"
        )
    assert holds == []
    assert all((row["reserved_orders"], row["reserved_positions"]) == (0, row["cost"]) for row in reserved)


@pytest.mark.parametrize(
    ("kind", "assumed_wrongly"),
    [("inverse", {"BTC/USD.BITMEX"}), ("multiplier", {"ESH4.GLBX", "AAPL211217C00150000.OPRA"})],
)
async def test_wrongly_assumed_terms_cause_discrepancies_in_every_strategy(
    database: Database, kind: str, assumed_wrongly: set[str]
) -> None:
    await record(database, lines_of_events(kind))
    async with database.read() as connection:
        traded = await connection.fetch("SELECT DISTINCT strategy_id, instrument_id FROM fills")
        found = await connection.fetch("SELECT DISTINCT strategy_id, instrument_id FROM discrepancies")
    expected = {tuple(row) for row in traded if row["instrument_id"] in assumed_wrongly}
    assert {row["instrument_id"] for row in traded} >= assumed_wrongly
    assert {tuple(row) for row in found} == expected
    await record_definitions(database, instruments_of(kind))
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM discrepancies") == 0


async def test_a_wrong_multiplier_causes_a_discrepancy_at_the_first_realized_amount(database: Database) -> None:
    """Earlier reports agree with any multiplier."""
    await record(database, lines_of_events("multiplier"))
    async with database.read() as connection:
        reports = await connection.fetch(
            "SELECT e.strategy_id, e.ts_event, split_part(e.payload->>'realized_pnl', ' ', 1)::numeric AS realized, "
            "d.kind FROM order_events e LEFT JOIN discrepancies d ON d.strategy_id = e.strategy_id "
            "AND d.event_id = e.event_id WHERE e.type LIKE 'Position%' AND e.payload->>'instrument_id' = 'ESH4.GLBX' "
            "ORDER BY e.ts_event"
        )
    first = next(place for place, row in enumerate(reports) if row["realized"] != 0)
    assert first > 0
    assert {row["kind"] for row in reports[:first]} == {None}
    assert reports[first]["kind"] == "REALIZED_PNL"
