"""Sums of fills and performance of strategies, from stored totals where possible."""

from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI

from app.database import Database
from app.models.administration import Strategy
from app.reads.catalogue.administration import STRATEGY
from app.reads.catalogue.fill import FILL_SUMMARY
from app.reads.compiled import compiled_query
from app.reads.query import Compare, Granularity, Grouping, Op, ReadQuery, ResultFormat, Selected, Selection, Span
from tests.reads.rows import EMA, START, TRADER, fill, insert, order, position
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

DAY = 86_400
DAYS = ["2022-01-01T00:00:00.000000000Z", "2022-01-02T00:00:00.000000000Z", "2022-01-03T00:00:00.000000000Z"]


async def insert_three_days(database: Database) -> None:
    """Three days: +10 with 1 of fees, -30 with 1, +25 with 1 in another currency; one winner and one loser closed."""
    fills = [
        fill("A", number, ts_event=START + (number - 1) * DAY * 10**9 + 5, realized_pnl=Decimal(pnl), **changes)
        for number, pnl, changes in (
            (1, "10.000", {"commission": Decimal(1)}),
            (2, "-30.0", {"commission": Decimal("1.0"), "side": "SELL"}),
            (3, "25", {"commission": Decimal("0.01"), "commission_currency": "BNB"}),
        )
    ]
    closed = [
        position(
            "P", n, n=n, status="CLOSED", side="FLAT", realized_pnl=Decimal(pnl), total_fees=Decimal("1"), ts_closed=ts
        )
        for n, pnl, ts in ((1, "10", START + 5), (2, "-4.5", START + DAY * 10**9), (3, "1", START + 7))
    ]
    strategy = Strategy(strategy_id=EMA, name="EMA", trader_id=TRADER, created_at=START)
    await insert(database, [strategy, order("A", 1), *fills, *closed])


async def performance(client: Client, fields: str, arguments: str = "") -> list[dict[str, Any]]:
    document = f'{{ strategy(name: "EMA") {{ performance{arguments} {{ {fields} }} }} }}'
    found: list[dict[str, Any]] = (await client.query(document))["strategy"]["performance"]
    return found


async def test_performance_has_daily_points(own: tuple[FastAPI, Client], database: Database) -> None:
    await insert_three_days(database)
    fields = "currency trades winRate profitFactor expectancy maxDrawdown grossPnl totalFees netPnl"
    bnb, usdt = await performance(own[1], fields + " equity { ts netPnl cumulativeNetPnl drawdown }")
    # Of the three trades one won 9, one lost 5.5, and one only paid its fees.
    assert usdt == {
        "currency": "USDT",
        "trades": 3,
        "winRate": 1 / 3,
        "profitFactor": 9 / 5.5,
        "expectancy": "1.166666666666666667",
        "maxDrawdown": "31",
        "grossPnl": "5",
        "totalFees": "2.0",
        "netPnl": "3",
        "equity": [
            {"ts": DAYS[0], "netPnl": "9", "cumulativeNetPnl": "9", "drawdown": "0"},
            {"ts": DAYS[1], "netPnl": "-31", "cumulativeNetPnl": "-22", "drawdown": "31"},
            {"ts": DAYS[2], "netPnl": "25", "cumulativeNetPnl": "3", "drawdown": "6"},
        ],
    }
    assert (bnb["currency"], bnb["trades"], bnb["winRate"], bnb["expectancy"]) == ("BNB", 0, None, None)
    assert (bnb["profitFactor"], bnb["netPnl"], bnb["maxDrawdown"]) == (None, "-0.01", "0.01")


async def test_performance_is_limited_to_a_span(own: tuple[FastAPI, Client], database: Database) -> None:
    await insert_three_days(database)
    spans = {
        f'(from: "{DAYS[1]}", to: "{DAYS[2]}")': ("-31", 1),
        f'(from: "2022-01-01T00:00:00.000000006Z", to: "{DAYS[1]}")': (None, None),
        '(from: "2022-01-01T00:00:00.000000005Z", to: "2022-01-01T00:00:00.000000006Z")': ("9", 1),
        '(bucket: HOUR, to: "2022-01-02T00:00:00Z")': ("9", 2),
        '(bucket: MONTH, currency: "USDT")': ("3", 3),
        '(bucket: WEEK, currency: "EUR")': (None, None),
    }
    for arguments, (net, trades) in spans.items():
        found = [
            one for one in await performance(own[1], "currency netPnl trades", arguments) if one["currency"] == "USDT"
        ]
        assert [(one["netPnl"], one["trades"]) for one in found] == ([(net, trades)] if net else []), arguments


async def test_a_field_may_be_selected_twice_with_different_arguments(
    own: tuple[FastAPI, Client], database: Database
) -> None:
    await insert_three_days(database)
    document = """{ strategy(name: "EMA") {
      a: performance(bucket: MONTH, currency: "USDT") { equity { ts } points: equity { netPnl } }
      b: performance(currency: "BNB") { __typename equity { __typename drawdown } }
    } }"""
    assert (await own[1].query(document))["strategy"] == {
        "a": [{"equity": [{"ts": DAYS[0]}], "points": [{"netPnl": "3"}]}],
        "b": [{"__typename": "Performance", "equity": [{"__typename": "EquityPoint", "drawdown": "0.01"}]}],
    }


async def test_a_span_that_ends_before_it_begins_is_refused(client: Client) -> None:
    document = f'{{ strategy(name: "EMA") {{ performance(from: "{DAYS[1]}", to: "{DAYS[0]}") {{ trades }} }} }}'
    assert await client.code(document) == "BAD_REQUEST"


async def test_fills_are_summed_by_group(own: tuple[FastAPI, Client], database: Database) -> None:
    await insert_three_days(database)
    document = """query ($f: FillFilter) {
      fillsSummary(filter: $f, groupBy: [CURRENCY, SIDE]) {
        totalFills buyFills sellFills firstTs groups { currency side day fills quantity realizedPnl totalFees }
      }
      all: fillsSummary(filter: $f) { groups { fills strategyId totalFees } }
    }"""
    answer = await own[1].query(document)
    summary = answer["fillsSummary"]
    assert [summary[name] for name in ("totalFills", "buyFills", "sellFills")] == [3, 2, 1]
    assert [tuple(group.values()) for group in summary["groups"]] == [
        ("BNB", "BUY", None, 0, "0", "0", "0.01"),
        ("USDT", "BUY", None, 2, "0.200", "35", "1"),
        ("USDT", "SELL", None, 1, "0.100", "-30", "1.0"),
    ]
    assert answer["all"]["groups"] == [{"fills": 3, "strategyId": None, "totalFees": "2.01"}]
    nothing = await own[1].query(document, f={"currency": {"eq": "EUR"}})
    assert nothing["fillsSummary"]["groups"] == nothing["all"]["groups"] == []
    assert (nothing["fillsSummary"]["totalFills"], nothing["fillsSummary"]["firstTs"]) == (0, None)


async def test_stored_totals_agree_with_fills(client: Client) -> None:
    """The filter matches every fill, and stored totals do not support it."""
    document = """query ($f: FillFilter) { fillsSummary(filter: $f, groupBy: [DAY, STRATEGY, INSTRUMENT, CURRENCY]) {
        totalFills firstTs lastTs
        groups { day strategyId instrumentId currency fills quantity notional realizedPnl }
    } }"""
    stored = await client.query(document, f={"tsEvent": {"gte": DAYS[0], "lt": DAYS[1]}})
    counted = await client.query(document, f={"clientOrderId": {"contains": ""}})
    assert stored == counted
    assert stored["fillsSummary"]["totalFills"] == 7


@pytest.mark.parametrize(
    ("field", "table"),
    [("currency", "fill_totals"), ("ts_event_midnight", "fill_totals"), ("ts_event", "fills"), ("last_qty", "fills")],
)
def test_a_fills_summary_reads_totals_where_possible(field: str, table: str) -> None:
    grouping = Grouping(Compare(field, Op.GTE, 0), ("day",))
    query = ReadQuery(
        Selection((Selected("groups", "groups", Selection.of(["day"])),)), ResultFormat.ONE, arguments=grouping
    )
    assert f"FROM {table} AS" in compiled_query(FILL_SUMMARY, query).sql


@pytest.mark.parametrize(
    ("span", "fields", "tables"),
    [
        (Span(), ["net_pnl", "trades"], {"fill_sums", "trade_totals"}),
        (Span(Granularity.MONTH, start=0), ["net_pnl", "trades"], {"fill_totals", "trade_totals"}),
        (Span(Granularity.MONTH, start=0), ["equity_count", "sharpe_ratio"], {"fill_totals"}),
        (Span(Granularity.HOUR), ["net_pnl", "trades"], {"fill_sums", "trade_totals"}),
        (Span(Granularity.HOUR), ["equity_count"], {"fill_sums", "fills"}),
        (Span(zone=0), ["equity_count"], {"fill_sums", "fills"}),
        (Span(), ["max_drawdown"], {"fill_sums", "fills"}),
        (Span(), ["longest_losing_run"], {"fill_sums", "positions"}),
        (Span(by=("instrument_id",)), ["trades"], {"fill_sums", "positions"}),
        (Span(start=0, is_whole_days=False), ["net_pnl", "trades"], {"fills", "positions"}),
    ],
)
def test_performance_reads_totals_for_whole_days(span: Span, fields: list[str], tables: set[str]) -> None:
    selected = Selected("performance", "performance", Selection.of(fields), arguments=span)
    sql = compiled_query(STRATEGY, ReadQuery(Selection((selected,)), ResultFormat.EACH)).sql
    known = ("fill_sums", "fill_totals", "trade_totals", "fills", "positions")
    assert {table for table in known if f"FROM {table} AS" in sql} == tables
