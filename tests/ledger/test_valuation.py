"""Valuation is never a guess: unknown and late instruments, discrepancies, orders that block grants."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from app.database import Database
from app.errors import InstrumentInUse
from app.ledger.administration.instruments import record_instruments
from app.ledger.commands import Verdict
from app.principal import LOCAL
from app.rules.enums import DenyCode
from app.rules.valuation import InstrumentDefinition
from tests.events import published
from tests.ledger.authorizing import STRATEGY_ID, allocate, authorize, command, prepare, register, reserved
from tests.ledger.state import broken_invariants, record, unprotected
from tests.ledger.test_record import rows

pytestmark = pytest.mark.anyio

XBT = "XBTUSD.BITMEX"
INVERSE = InstrumentDefinition(
    instrument_id=XBT,
    base_currency="BTC",
    quote_currency="USD",
    settlement_currency="BTC",
    is_inverse=True,
    kind="CryptoPerpetual",
)


def lines(*events: dict[str, Any]) -> list[bytes]:
    return [json.dumps(event, default=str).encode() for event in events]


def xbt(kind: str, n: int, **fields: Any) -> dict[str, Any]:
    given = {"instrument_id": XBT, "currency": "USD", "commission": "0.00000000 BTC", "quantity": "1000"}
    return published(kind, n, **{**given, **fields})


def order(n: int, **fields: Any) -> list[dict[str, Any]]:
    """The three events of an order that was submitted and accepted, from the n-th on."""
    return [
        xbt(kind, n + i, **fields) for i, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderAccepted"))
    ]


def bought_and_sold() -> list[dict[str, Any]]:
    """1,000 are bought at 10,000 and 600 of them sold at 12,500: a profit of 0.012 BTC."""
    return [
        *order(1, client_order_id="O-1"),
        xbt("OrderFilled", 4, client_order_id="O-1", last_qty="1000", last_px="10000"),
        *order(5, client_order_id="O-2", order_side="SELL", quantity="600"),
        xbt("OrderFilled", 8, client_order_id="O-2", order_side="SELL", last_qty="600", last_px="12500"),
    ]


def report(kind: str, n: int, ts: int, **fields: Any) -> dict[str, Any]:
    """A report of the position after the fill at `ts` seconds."""
    instant = ts * 1_000_000_000
    event = {
        "type": kind,
        "trader_id": "TRADER-001",
        "strategy_id": "EMACross-000",
        "instrument_id": XBT,
        "position_id": "P-1",
        "opening_order_id": "O-1",
        "entry": "BUY",
        "event_id": f"00000000-0000-4000-8000-{n:012}",
        "ts_event": instant,
        "ts_init": instant,
    }
    return {**event, **fields}


REPORTS = [
    report("PositionOpened", 1, 4, quantity="1000", avg_px_open=10000.0, realized_pnl="0.00000000 BTC"),
    report(
        "PositionChanged",
        2,
        8,
        quantity="400",
        avg_px_open=10000.0,
        avg_px_close=12500.0,
        realized_pnl="0.01200000 BTC",
    ),
]


async def define_instruments(database: Database, *definitions: InstrumentDefinition) -> None:
    async with database.unit_of_work() as work:
        await record_instruments(work, LOCAL, definitions)
        await work.commit()


async def position_amounts(database: Database) -> list[tuple[Any, ...]]:
    found = await rows(database, "SELECT realized_pnl, currency, cost, fills FROM positions ORDER BY n")
    return [tuple(row) for row in found]


@pytest.mark.parametrize("is_late", [False, True])
async def test_an_inverse_instrument_is_valued_in_its_base_currency(database: Database, is_late: bool) -> None:
    if not is_late:
        await define_instruments(database, INVERSE)
    await record(database, lines(*bought_and_sold()))
    if is_late:
        assert await position_amounts(database) == [(Decimal(1_500_000), "USD", Decimal(4_000_000), 2)]
        await define_instruments(database, INVERSE)
    assert await position_amounts(database) == [(Decimal("0.012"), "BTC", Decimal("0.04"), 2)]
    totals = await rows(database, "SELECT currency, sum(realized_pnl) FROM fill_sums GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in totals] == [("BTC", Decimal("0.012"))]
    assert await reserved(database, "BTC") == (0, Decimal("0.04"))
    assert await reserved(database, "USD") == (0, 0)
    assert await broken_invariants(database) == []


async def test_a_late_instrument_record_is_in_feed_journal_and_audit_log(database: Database) -> None:
    await register(database, "TRADER-001", "EMACross-000")
    await allocate(database, Decimal(10_000_000), "USD")
    await record(database, lines(*bought_and_sold()))
    before = (await rows(database, "SELECT max(id) FROM changes"))[0][0]
    await define_instruments(database, INVERSE)
    [entry] = await rows(database, "SELECT * FROM budget_journal ORDER BY version DESC LIMIT 1")
    assert (entry["reason"], entry["reserved_before"], entry["reserved_after"]) == ("REVALUED", 4_000_000, 0)
    changed_entities = await rows(database, f"SELECT DISTINCT entity FROM changes WHERE id > {before} ORDER BY 1")
    assert [row["entity"] for row in changed_entities] == ["audit", "budget", "fill", "position"]
    [audited] = await rows(database, "SELECT action, before FROM audit_entries ORDER BY id DESC LIMIT 1")
    assert (audited["action"], audited["before"]) == ("instrument.record", None)
    assert await broken_invariants(database) == []


async def test_a_contradiction_of_a_recorded_instrument_is_refused(database: Database) -> None:
    await define_instruments(database, INVERSE)
    await record(database, lines(*bought_and_sold()))
    wrong = InstrumentDefinition(instrument_id=XBT, quote_currency="USD", settlement_currency="USD")
    with pytest.raises(InstrumentInUse):
        await define_instruments(database, wrong)
    assert (await position_amounts(database))[0][1] == "BTC"


async def test_engine_reports_disagree_with_assumed_terms_until_the_instrument_is_recorded(
    database: Database,
) -> None:
    await record(database, lines(*bought_and_sold(), *REPORTS))
    found = await rows(database, "SELECT kind, ledger_value, engine_value FROM discrepancies ORDER BY ts_event")
    assert [tuple(row) for row in found] == [("CURRENCY", "USD", "BTC")] * 2
    assert [number for invariant, _ in await broken_invariants(database) if (number := invariant.number)] == [7]
    await define_instruments(database, INVERSE)
    assert await rows(database, "SELECT * FROM discrepancies") == []
    [(reconciliation,)] = await rows(database, "SELECT reconciliation FROM positions")
    assert reconciliation == "AGREES"
    assert await broken_invariants(database) == []


async def test_a_wrong_recorded_multiplier_causes_a_discrepancy_and_changes_no_amount(
    database: Database,
) -> None:
    wrong = InstrumentDefinition(
        instrument_id=XBT,
        base_currency="BTC",
        quote_currency="USD",
        settlement_currency="BTC",
        multiplier=Decimal(10),
        is_inverse=True,
    )
    await define_instruments(database, wrong)
    await record(database, lines(*bought_and_sold(), *REPORTS))
    found = await rows(database, "SELECT kind, ledger_value, engine_value FROM discrepancies")
    assert [tuple(row) for row in found] == [("REALIZED_PNL", "0.12000000", "0.01200000")]
    assert (await position_amounts(database))[0][0] == Decimal("0.12")


@pytest.mark.parametrize("arrangement", range(6))
async def test_reports_agree_in_any_order_of_arrival(database: Database, arrangement: int) -> None:
    await define_instruments(database, INVERSE)
    events = bought_and_sold()
    batches: Sequence[list[dict[str, Any]]] = (
        [[*REPORTS], events],
        [events, [*REPORTS]],
        [[REPORTS[1]], events[:4], [REPORTS[0]], events[4:]],
        [events[:4], [REPORTS[0]], events[4:], [REPORTS[1]]],
        [events[:3], events[4:], [*REPORTS], events[3:4]],
        [[event] for event in (*reversed(events), *REPORTS)],
    )[arrangement]
    for batch in batches:
        await record(database, lines(*batch))
    assert await rows(database, "SELECT * FROM discrepancies") == []
    assert await rows(database, "SELECT reconciliation FROM positions") == [("AGREES",)]
    assert await broken_invariants(database) == []


async def test_a_report_that_no_fill_explains_is_a_discrepancy(database: Database) -> None:
    await define_instruments(database, INVERSE)
    await record(database, lines(*bought_and_sold()[:4], *REPORTS))
    found = await rows(database, "SELECT kind, ledger_value, engine_value FROM discrepancies")
    assert [tuple(row) for row in found] == [("FILL_MISSING", None, "400")]


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM discrepancies",
        "UPDATE positions SET reconciliation = 'AGREES'",
        "UPDATE instruments SET is_inverse = true, settlement_currency = 'BTC'",
        "UPDATE fills SET settlement_currency = 'EUR'",
        "UPDATE fills SET notional = notional + 1",
        "UPDATE strategies SET deducts_base_fees = true",
    ],
)
async def test_verify_finds_changed_valuations(database: Database, tampering: str) -> None:
    buy = xbt("OrderFilled", 4, client_order_id="O-1", last_qty="1000", last_px="10000", commission="1.0 BTC")
    events = bought_and_sold()
    await record(database, lines(*events[:3], buy, *events[4:], *REPORTS))
    before = await broken_invariants(database)
    async with unprotected(database) as work:
        await work.execute(tampering)
        await work.commit()
    assert await broken_invariants(database) != before


def waiting_order(n: int, **fields: Any) -> list[dict[str, Any]]:
    return order(n, **{"client_order_id": f"O-{n}", "options": {"price": "10000"}, **fields})


async def test_an_open_order_in_an_unknown_instrument_blocks_grants(database: Database) -> None:
    await prepare(database)
    await record(database, lines(*waiting_order(1)))
    [verdict] = await authorize(database, command("new", quantity="1"))
    assert isinstance(verdict, Verdict)
    assert verdict.deny_code is DenyCode.UNVALUED_ORDER
    assert verdict.reason == (
        f"UNVALUED_ORDER: the hold of open order O-1 is unknown: record instrument {XBT}, or end the order"
    )
    assert await broken_invariants(database) == []
    await define_instruments(database, INVERSE)
    [verdict] = await authorize(database, command("other", quantity="1"))
    assert isinstance(verdict, Verdict)
    assert verdict.deny_code is None
    assert (await reserved(database, "BTC"))[0] == Decimal("0.1")
    assert await broken_invariants(database) == []


async def test_authorization_values_a_waiting_order_once_its_instrument_is_known(
    database: Database,
) -> None:
    """As after the race: the instrument is known, and the step after its commit did not see the order."""
    await prepare(database)
    await allocate(database, Decimal(1_000), "USD")
    await record(database, lines(*waiting_order(1, options={"price": "1"}, quantity="900")))
    async with unprotected(database) as work:
        await work.execute(
            "INSERT INTO instruments (instrument_id, quote_currency, settlement_currency) VALUES ($1, 'USD', 'USD')",
            XBT,
        )
        await work.commit()
    [too_much] = await authorize(database, command("x", quantity="200", price="1", instrument_id=XBT))
    assert isinstance(too_much, Verdict)
    assert (too_much.deny_code, (await reserved(database, "USD"))[0]) == (DenyCode.BUDGET_EXCEEDED, 900)
    assert await broken_invariants(database) == []


async def test_a_reducing_order_is_granted_while_another_order_is_unvalued(database: Database) -> None:
    await prepare(database)
    await record(
        database,
        lines(
            *(
                published(kind, n, quantity="1")
                for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderFilled"), 101)
            )
        ),
    )
    await record(database, lines(*waiting_order(1)))
    [verdict] = await authorize(database, command("out", side="SELL", quantity="1"))
    assert isinstance(verdict, Verdict)
    assert verdict.deny_code is None


async def test_an_order_without_a_price_is_unvalued_until_its_fill(database: Database) -> None:
    await prepare(database)
    await define_instruments(database, INVERSE)
    await record(database, lines(*order(1, client_order_id="O-1", order_type="MARKET", options={})))
    [row] = await rows(database, "SELECT * FROM holds")
    assert (row["is_unvalued"], row["unit_price"], row["currency"]) == (True, None, "BTC")
    await allocate(database, Decimal(1), "BTC")
    [verdict] = await authorize(database, command("n", quantity="1", price="10", instrument_id=XBT))
    assert isinstance(verdict, Verdict)
    assert verdict.deny_code is DenyCode.UNVALUED_ORDER
    await record(database, lines(xbt("OrderFilled", 9, client_order_id="O-1", last_qty="400", last_px="8000")))
    [row] = await rows(database, "SELECT * FROM holds")
    assert (row["is_unvalued"], row["remaining"], row["captured"]) == (False, Decimal("0.075"), Decimal("0.05"))
    assert await broken_invariants(database) == []


async def test_verify_finds_an_unvalued_hold_marked_as_valued(database: Database) -> None:
    await record(database, lines(*waiting_order(1)))
    async with unprotected(database) as work:
        await work.execute("UPDATE holds SET is_unvalued = false")
        await work.commit()
    assert [invariant.number for invariant, _ in await broken_invariants(database)] == [2]


async def test_verify_finds_a_grant_beside_an_unvalued_order(database: Database) -> None:
    await prepare(database)
    await authorize(database, command("early", quantity="1"))
    await record(database, lines(*waiting_order(1)))
    assert await broken_invariants(database) == []
    async with unprotected(database) as work:
        await work.execute("UPDATE order_events SET seq = seq + 100 WHERE type = 'AuthorizationGranted'")
        await work.commit()
    assert 4 in [invariant.number for invariant, _ in await broken_invariants(database)]


def deducted_run() -> list[dict[str, Any]]:
    """Events of newer engines, which deduct a fee in BTC from the position."""
    spot = {"instrument_id": "BTCUSDT.BINANCE", "currency": "USDT", "position_id": "P-9"}
    buy = published(
        "OrderFilled",
        3,
        client_order_id="O-1",
        last_qty="0.201324",
        last_px="36011.95",
        commission="0.00020132 BTC",
        **spot,
    )
    sell = published(
        "OrderFilled",
        6,
        client_order_id="O-2",
        order_side="SELL",
        last_qty="0.100000",
        last_px="36100.00",
        commission="3.61000000 USDT",
        **spot,
    )
    orders = [
        published(
            kind,
            n,
            client_order_id=name,
            order_side=side,
            order_type="MARKET",
            quantity="0.201324" if name == "O-1" else "0.100000",
            options={},
            **spot,
        )
        for n, kind, name, side in (
            (1, "OrderInitialized", "O-1", "BUY"),
            (2, "OrderSubmitted", "O-1", "BUY"),
            (4, "OrderInitialized", "O-2", "SELL"),
            (5, "OrderSubmitted", "O-2", "SELL"),
        )
    ]
    shared = {"instrument_id": "BTCUSDT.BINANCE", "position_id": "P-9"}
    opened = report(
        "PositionOpened", 11, 3, quantity="0.201123", avg_px_open=36011.95, realized_pnl="0.00000000 USDT", **shared
    )
    changed = report(
        "PositionChanged",
        12,
        6,
        quantity="0.101123",
        avg_px_open=36011.95,
        avg_px_close=36100.0,
        realized_pnl="5.19500000 USDT",
        **shared,
    )
    return [*orders[:2], buy, opened, *orders[2:], sell, changed]


@pytest.mark.parametrize("cut", [8, 3, 4, 1])
async def test_positions_follow_an_engine_that_deducts_base_fees(database: Database, cut: int) -> None:
    events = deducted_run()
    for start in range(0, len(events), cut):
        await record(database, lines(*events[start : start + cut]))
    assert await rows(database, "SELECT * FROM discrepancies") == []
    [position] = await rows(database, "SELECT signed_qty, peak_qty, realized_pnl FROM positions")
    assert tuple(position) == (Decimal("0.101123"), Decimal("0.201123"), Decimal("8.805"))
    [(deducts,)] = await rows(database, f"SELECT deducts_base_fees FROM strategies WHERE strategy_id = '{STRATEGY_ID}'")
    assert deducts
    assert await broken_invariants(database) == []
