"""Assumptions are reported to the operator: in the log, by `purser verify` and in `/metrics`."""

import logging

import pytest

from app.cli.verifying import run_verify
from app.database import Database, PoolLimits
from app.ledger.verify.verification import ValuationCounts, count_valuations
from app.rules.valuation import InstrumentDefinition
from tests.events import published
from tests.ledger.assumptions import ASSUMED, events_with_assumptions
from tests.ledger.state import record
from tests.ledger.test_valuation import INVERSE, define_instruments, lines

pytestmark = pytest.mark.anyio


async def test_the_log_warns_of_assumed_terms_and_of_discrepancies(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "purser.ledger"):
        await record(database, lines(*events_with_assumptions()))
    assert [entry.getMessage() for entry in caplog.records] == [
        f"fills in {ASSUMED} are valued as linear, multiplier 1: the instruments are not recorded",
        "2 reports of positions differ from the ledger; see discrepancies",
    ]
    caplog.clear()
    await define_instruments(database, INVERSE)
    await record(database, lines(*events_with_assumptions()))
    assert caplog.records == []


async def test_the_counts_change_when_the_instrument_is_recorded(database: Database) -> None:
    await record(database, lines(*events_with_assumptions()))
    async with database.read() as connection:
        before = await count_valuations(connection)
    await define_instruments(database, INVERSE)
    async with database.read() as connection:
        after = await count_valuations(connection)
    assert before == ValuationCounts(
        instruments_recorded=0,
        instruments_assumed=1,
        fills_assumed=2,
        orders_unvalued=1,
        discrepancies=2,
        events_quarantined=1,
    )
    assert after == ValuationCounts(
        instruments_recorded=1,
        instruments_assumed=0,
        fills_assumed=0,
        orders_unvalued=1,
        discrepancies=0,
        events_quarantined=1,
    )


async def test_verify_prints_the_counts_last(
    database: Database, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await record(database, lines(*events_with_assumptions()))
    assert await run_verify(database_url, PoolLimits()) == 1, "discrepancies are broken"
    printed = capsys.readouterr().out.splitlines()
    assert printed[-2:] == [
        "valuation: 0 instruments recorded, 1 assumed with 2 fills; 1 open orders not valued, 2 discrepancies, "
        "1 events quarantined",
        f"audit: 0 entries, head 0:{'0' * 64}",
    ]
    await define_instruments(database, INVERSE)
    assert await run_verify(database_url, PoolLimits()) == 0
    assert capsys.readouterr().out.splitlines()[-2] == (
        "valuation: 1 instruments recorded, 0 assumed with 0 fills; 1 open orders not valued, 0 discrepancies, "
        "1 events quarantined"
    )


async def test_verify_notes_fills_in_another_currency_than_their_instrument(
    database: Database, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No formula is right for them: either the instrument or the fill is wrong."""
    fill = published("OrderFilled", 3, last_qty="10", last_px="100", currency="USD")
    await record(database, lines(published("OrderInitialized", 1), published("OrderSubmitted", 2), fill))
    quoted = InstrumentDefinition(instrument_id=fill["instrument_id"], quote_currency="EUR", settlement_currency="EUR")
    await define_instruments(database, quoted)
    assert await run_verify(database_url, PoolLimits()) == 0
    assert (
        f"note: 1 fills of {fill['instrument_id']} name USD; it is quoted in EUR, by which they are valued\n"
        in capsys.readouterr().out
    )
