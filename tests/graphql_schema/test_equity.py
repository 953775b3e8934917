"""Equity by fill: drawdowns within a day, bars of time zones, thinning, statistics, groups, costs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from app.database import Database
from app.models.administration import Strategy
from tests.reads.rows import BTC, EMA, ETH, MAKER, TRADER, fill, insert, order, position
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

Own = tuple[FastAPI, Client]


def at(text: str) -> int:
    """The instant in nanoseconds of a UTC time like "2022-01-01 10:00"."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


async def insert_fills(database: Database, *changes: tuple[str | int, str], **more: Any) -> None:
    """Inserts fills of one strategy with these realized amounts and instants, in order, without commissions."""
    rows: list[Any] = [Strategy(strategy_id=EMA, name="EMA", trader_id=TRADER, created_at=0), order("A", 1)]
    for number, (instant, pnl) in enumerate(changes, 1):
        ts = at(instant) if isinstance(instant, str) else instant
        values = {"ts_event": ts, "ts_init": ts, "commission": Decimal(0), "realized_pnl": Decimal(pnl)}
        rows.append(fill("A", number, **{**values, **more}))
    await insert(database, rows)


async def performance(client: Client, fields: str, arguments: str = "", **variables: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.query(f"{{ performance{arguments} {{ {fields} }} }}", **variables))[
        "performance"
    ]
    return found


def closed_position(n: int, pnl: str, ts: int, **more: Any) -> Any:
    """A closed position with that net PnL."""
    values = {"status": "CLOSED", "side": "FLAT", "realized_pnl": Decimal(pnl), "total_fees": Decimal(0)}
    return position("P", n, **{"n": n, **values, "ts_closed": ts, "last_ts_event": ts, **more})


async def test_a_drawdown_within_a_day_is_counted(own: Own, database: Database) -> None:
    await insert_fills(database, ("2022-01-01 09:00", "1000"), ("2022-01-01 17:00", "-1000"), ("2022-01-02 09:00", "1"))
    fields = "maxDrawdown equity { ts netPnl cumulativeNetPnl drawdown maxDrawdown }"
    document = f'{{ strategy(name: "EMA") {{ performance {{ {fields} }} }} }}'
    (by_strategy,) = (await own[1].query(document))["strategy"]["performance"]
    assert by_strategy["maxDrawdown"] == "1000"
    assert [tuple(point.values())[1:] for point in by_strategy["equity"]] == [
        ("0", "0", "1000", "1000"),
        ("1", "1", "999", "999"),
    ]
    assert await performance(own[1], fields) == [by_strategy]


async def test_fills_of_one_instant_are_ordered_by_the_venue(own: Own, database: Database) -> None:
    await insert_fills(database, *((at("2022-01-01 09:00"), pnl) for pnl in ("5", "-8", "4", "-1")))
    fields = "maxDrawdown maxDrawdownStart maxDrawdownTrough maxDrawdownEnd equity { cumulativeNetPnl drawdown }"
    (found,) = await performance(own[1], fields, "(granularity: FILL)")
    assert [tuple(point.values()) for point in found["equity"]] == [("5", "0"), ("-3", "8"), ("1", "4"), ("0", "5")]
    instant = "2022-01-01T09:00:00.000000000Z"
    assert tuple(found.values())[:4] == ("8", instant, instant, None)


async def test_a_drawdown_lasts_from_its_peak_until_the_peak_is_reached_again(own: Own, database: Database) -> None:
    pnls = ("10", "-3", "3", "-7", "-1", "5", "3", "2", "-4")
    await insert_fills(database, *((f"2022-01-01 {hour:02}:00", pnl) for hour, pnl in enumerate(pnls, 1)))
    fields = "maxDrawdown maxDrawdownStart maxDrawdownTrough maxDrawdownEnd"
    (found,) = await performance(own[1], fields)
    assert found["maxDrawdown"] == "8"
    assert [found[name][11:13] for name in fields.split()[1:]] == ["03", "05", "07"]


async def test_the_first_peak_of_a_span_is_zero(own: Own, database: Database) -> None:
    await insert_fills(database, ("2022-01-01 01:00", "50"), ("2022-01-02 02:00", "-5"), ("2022-01-02 03:00", "-6"))
    fields = "maxDrawdown maxDrawdownStart maxDrawdownTrough maxDrawdownEnd"
    (found,) = await performance(own[1], fields, '(filter: {from: "2022-01-02T00:00:00Z"})')
    assert tuple(found.values()) == ("11", "2022-01-02T02:00:00.000000000Z", "2022-01-02T03:00:00.000000000Z", None)
    (rising,) = await performance(own[1], fields, '(filter: {to: "2022-01-02T00:00:00Z"})')
    assert tuple(rising.values()) == ("0", None, None, None)


async def test_equity_is_defined_without_fills_and_for_one_fill(own: Own, database: Database) -> None:
    fields = """currency trades winRate averageWin largestLoss longestLosingRun sharpeRatio sortinoRatio maxDrawdown
      equityCount equity { ts }"""
    assert await performance(own[1], fields, '(granularity: FILL, timeZone: "Asia/Tokyo", points: 2)') == []
    await insert_fills(database, ("2022-01-01 12:00", "-1"))
    (found,) = await performance(own[1], fields, "(granularity: FILL, points: 2)")
    assert tuple(found.values())[:-1] == ("USDT", 0, None, None, None, 0, None, None, "1", 1)


async def test_a_commission_counts_in_its_own_currency(own: Own, database: Database) -> None:
    paid = {"commission": Decimal("0.5"), "commission_currency": "BNB"}
    await insert_fills(database, ("2022-01-01 12:00", "3"), ("2022-01-01 13:00", "-1"), **paid)
    fields = "currency netPnl maxDrawdown equity { netPnl cumulativeNetPnl }"
    bnb, usdt = await performance(own[1], fields, "(granularity: FILL)")
    assert (bnb["currency"], bnb["netPnl"], bnb["maxDrawdown"]) == ("BNB", "-1", "1")
    assert [point["netPnl"] for point in bnb["equity"]] == ["-0.5", "-0.5"]
    assert (usdt["netPnl"], usdt["maxDrawdown"]) == ("2", "1")
    assert [point["cumulativeNetPnl"] for point in usdt["equity"]] == ["3", "2"]


DST: list[tuple[str, str, Sequence[str], Sequence[str]]] = [
    # Berlin: the days on which the clocks change have 23 and 25 hours.
    (
        *("Europe/Berlin", "DAY"),
        ("2022-03-26 22:59", "2022-03-26 23:00", "2022-03-27 21:59", "2022-03-27 22:00"),
        ("2022-03-25T23", "2022-03-26T23", "2022-03-26T23", "2022-03-27T22"),
    ),
    (
        *("Europe/Berlin", "DAY"),
        ("2022-10-29 22:00", "2022-10-30 22:59", "2022-10-30 23:00"),
        ("2022-10-29T22", "2022-10-29T22", "2022-10-30T23"),
    ),
    # The clocks show two o'clock twice, in two hours.
    (
        *("Europe/Berlin", "HOUR"),
        ("2022-10-30 00:30", "2022-10-30 01:30", "2022-10-30 02:30"),
        ("2022-10-30T00", "2022-10-30T01", "2022-10-30T02"),
    ),
    (
        *("Europe/Berlin", "WEEK"),
        ("2022-03-27 21:59", "2022-03-27 22:00"),
        ("2022-03-20T23", "2022-03-27T22"),
    ),
    (
        *("Europe/Berlin", "MONTH"),
        ("2022-03-31 21:59", "2022-03-31 22:00"),
        ("2022-02-28T23", "2022-03-31T22"),
    ),
    # Havana's clocks go back to midnight: the day begins with the first one. In spring there is no midnight.
    (
        *("America/Havana", "DAY"),
        ("2022-11-06 03:59", "2022-11-06 04:30", "2022-11-06 05:30", "2022-11-07 05:00"),
        ("2022-11-05T04", "2022-11-06T04", "2022-11-06T04", "2022-11-07T05"),
    ),
    (
        *("America/Havana", "DAY"),
        ("2022-03-13 04:59", "2022-03-13 05:00"),
        ("2022-03-12T05", "2022-03-13T05"),
    ),
    ("Asia/Kolkata", "HOUR", ("2022-01-01 00:29", "2022-01-01 00:30"), ("2021-12-31T23:30", "2022-01-01T00:30")),
    ("Australia/Lord_Howe", "DAY", ("2022-04-02 13:30", "2022-04-03 13:30"), ("2022-04-02T13:00", "2022-04-03T13:30")),
]


@pytest.mark.parametrize(("zone", "granularity", "instants", "bars"), DST)
async def test_bars_begin_at_the_bounds_of_the_time_zone(
    own: Own, database: Database, zone: str, granularity: str, instants: Sequence[str], bars: Sequence[str]
) -> None:
    await insert_fills(database, *((instant, "1") for instant in instants))
    arguments = f'(timeZone: "{zone}", granularity: {granularity})'
    (found,) = await performance(own[1], "equity { ts netPnl }", arguments)
    expected = {f"{bar}:00:00" if len(bar) == 13 else f"{bar}:00": bars.count(bar) for bar in bars}
    assert {point["ts"][:19]: int(point["netPnl"]) for point in found["equity"]} == expected


async def test_daily_values_use_the_time_zone(own: Own, database: Database) -> None:
    await insert_fills(database, ("2022-01-01 22:00", "4"), ("2022-01-01 23:30", "-1"))
    for zone, ratios in (
        ("UTC", (None, None)),  # one day
        ("Europe/Berlin", (8.105553651664, 40.527768258319)),  # two days: 4, -1
    ):
        (found,) = await performance(own[1], "sharpeRatio sortinoRatio", f'(timeZone: "{zone}")')
        assert tuple(found.values()) == ratios
    (traded,) = await performance(own[1], "sharpeRatio", '(timeZone: "Europe/Berlin", annualizationDays: 252)')
    assert traded == {"sharpeRatio": 6.734983296193}


async def test_days_without_fills_count_as_zero(own: Own, database: Database) -> None:
    await insert_fills(database, ("2022-01-01 12:00", "3"), ("2022-01-03 12:00", "3"))
    (found,) = await performance(own[1], "sharpeRatio sortinoRatio")
    assert found == {"sharpeRatio": 22.060522810366, "sortinoRatio": None}


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "europe/berlin", "CET", "UTC+3", "EST5EDT", "", "Foo/Bar+5", 5])
async def test_an_unknown_time_zone_is_refused(client: Client, zone: Any) -> None:
    document = "query ($z: TimeZone) { performance(timeZone: $z) { currency } }"
    written = f"{{ performance(timeZone: {json.dumps(zone)}) {{ currency }} }}"
    for answer in (await client.graphql(document, z=zone), await client.graphql(written)):
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "VALIDATION_FAILED"
        assert "a TimeZone is UTC or an IANA name" in error["message"]


@pytest.mark.parametrize(
    "arguments", ["points: 1", "points: 5001", "points: -3", "annualizationDays: 0", "annualizationDays: 367"]
)
async def test_numbers_out_of_range_are_refused(client: Client, arguments: str) -> None:
    assert await client.code(f"{{ performance({arguments}) {{ currency }} }}") == "BAD_REQUEST"


async def test_a_span_that_ends_before_it_begins_is_refused(client: Client) -> None:
    span = 'from: "2022-01-02T00:00:00Z", to: "2022-01-01T00:00:00Z"'
    assert await client.code(f"{{ performance(filter: {{{span}}}) {{ currency }} }}") == "BAD_REQUEST"


async def test_trade_statistics_are_grouped_by_strategy_and_instrument(own: Own, database: Database) -> None:
    nets = ("1", "2", "-1", "-2", "-3", "0", "-4", "6")
    rows: list[Any] = [
        Strategy(strategy_id=EMA, name="A", trader_id=TRADER, created_at=0),
        Strategy(strategy_id=MAKER, name="B", trader_id=TRADER, created_at=0),
        *(order("A", 1, strategy_id=one) for one in (EMA, MAKER)),
        *(closed_position(n, net, at(f"2022-01-01 {n:02}:00")) for n, net in enumerate(nets, 1)),
        closed_position(1, "-5", at("2022-01-01 03:30"), strategy_id=MAKER, instrument_id=ETH),
        *(fill("A", n, strategy_id=one, instrument_id=traded) for n, one, traded in ((1, EMA, BTC), (2, MAKER, ETH))),
    ]
    await insert(database, rows)
    fields = """strategyName instrumentId trades winningTrades losingTrades averageWin averageLoss largestWin
      largestLoss longestWinningRun longestLosingRun"""
    by_group = await performance(own[1], fields, "(groupBy: [STRATEGY, INSTRUMENT])")
    assert sorted(tuple(one.values()) for one in by_group) == [
        ("A", BTC, 8, 3, 4, "3", "-2.5", "6", "-4", 2, 3),
        ("B", ETH, 1, 0, 1, None, "-5", None, "-5", 0, 1),
    ]
    (together,) = await performance(own[1], fields)
    # B's loss is between those of A: the closing order is that of all strategies.
    assert tuple(together.values()) == (None, None, 9, 3, 5, "3", "-3", "6", "-5", 2, 4)
    (ours,) = await performance(own[1], fields, f'(filter: {{instrumentId: {{eq: "{ETH}"}}}})')
    assert tuple(ours.values())[2:5] == (1, 0, 1)
    document = "{ strategies { nodes { performance(groupBy: [INSTRUMENT]) { instrumentId trades } } } }"
    found = [one["performance"] for one in (await own[1].query(document))["strategies"]["nodes"]]
    assert sorted(one["trades"] for (one,) in found) == [1, 8]


async def test_many_fills_are_thinned_by_default(own: Own, database: Database) -> None:
    start = at("2022-01-01 00:00")
    await insert_fills(database, *((start + number * 10**9, str(number % 7 - 3)) for number in range(1_500)))
    counts = "equityCount equity { ts }"
    (found,) = await performance(own[1], counts, "(granularity: FILL)")
    assert found["equityCount"] == 1_500
    assert 500 < len(found["equity"]) <= 1_000
    (bars,) = await performance(own[1], counts, "(granularity: HOUR)")
    assert (bars["equityCount"], len(bars["equity"])) == (1, 1)
    (all_of_them,) = await performance(own[1], counts, "(granularity: FILL, points: 5000)")
    assert len(all_of_them["equity"]) == all_of_them["equityCount"] == 1_500


@pytest.mark.parametrize(
    ("document", "variables", "cost"),
    [
        ("{ performance { netPnl } }", {}, 1),
        ("{ performance { equity { ts } } }", {}, 2),
        ("{ performance(points: 500) { equity { ts } } }", {}, 501),
        ("{ performance(points: 500) { a: equity { ts } b: equity { ts } } }", {}, 1001),
        ("{ performance(points: 500) { netPnl } }", {}, 1),
        ("{ performance(granularity: FILL) { equity { ts } } }", {}, 1001),
        ("{ performance(groupBy: []) { equity { ts } } }", {}, 2),
        ("{ performance(groupBy: [STRATEGY], points: 500) { equity { ts } } }", {}, 50_100),
        ("query ($n: Int) { performance(points: $n) { equity { ts } } }", {"n": 9}, 10),
        ("query ($n: Int = 7) { performance(points: $n) { equity { ts } } }", {}, 8),
        ("query ($g: Granularity!) { performance(granularity: $g) { equity { ts } } }", {"g": "FILL"}, 1001),
        ("query ($g: Granularity! = FILL) { performance(granularity: $g) { equity { ts } } }", {}, 1001),
        ("query ($g: Granularity!) { performance(granularity: $g) { equity { ts } } }", {"g": "WEEK"}, 2),
        ("query ($b: [PerformanceGroup!]) { performance(groupBy: $b) { netPnl } }", {"b": ["STRATEGY"]}, 100),
        ("{ strategies(first: 10) { nodes { performance(points: 5) { equity { ts } } } } }", {}, 10 * 7),
    ],
)
async def test_requested_points_determine_the_cost(
    client: Client, document: str, variables: dict[str, Any], cost: int
) -> None:
    assert (await client.graphql(document, **variables))["extensions"]["cost"]["requested"] == cost


async def test_a_repeated_group_counts_once(client: Client) -> None:
    twice, once = [
        await performance(client, "strategyId netPnl", f"(groupBy: [{by}])")
        for by in ("STRATEGY, STRATEGY", "STRATEGY")
    ]
    assert twice == once
    assert {UUID(one["strategyId"]) for one in once} == {EMA, MAKER}
