"""Rules of the equity curve, over curves of any form: what thinning keeps, what a drawdown is, what runs are."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.database import Database
from app.database.embedded import EmbeddedServer
from app.principal import LOCAL
from app.resolvers import Context
from app.settings import FixedLimits, Settings
from graphql_schema.caller import Caller
from graphql_schema.http.application import GraphQLEndpoint
from graphql_schema.schema import schema
from tests.conftest import execute
from tests.differential.aggregates import instant, trimmed
from tests.differential.equity import Point, curve_of, deepest, longest_run, thinned

pytestmark = pytest.mark.anyio

START = 1_640_995_200_000_000_000
DATABASE = "equity_curves"
DOCUMENT = """query ($f: PerformanceFilter!, $n: Int) { performance(filter: $f, granularity: FILL, points: $n) {
  trades longestWinningRun longestLosingRun largestWin largestLoss equityCount
  maxDrawdown maxDrawdownStart maxDrawdownTrough maxDrawdownEnd
  equity { ts netPnl cumulativeNetPnl drawdown maxDrawdown } } }"""

Changes = Sequence[tuple[int, Decimal]]

gaps = st.sampled_from([0, 0, 1, 7, 10**9, 3_600 * 10**9, 86_400 * 10**9])
pnls = st.decimals(-20, 20, places=1) | st.sampled_from([Decimal(0), Decimal("0.000000000000000001"), Decimal(10**20)])
changes = st.lists(st.tuples(gaps, pnls), min_size=1, max_size=60)
# Drawn before the test runs: what hypothesis raises in a coroutine would end the event loop's runner.
curve_and_order = changes.flatmap(
    lambda curve_changes: st.tuples(st.just(curve_changes), st.permutations(range(len(curve_changes))))
)


@pytest.fixture(scope="session")
def curves_url(server: EmbeddedServer, template: str) -> Iterator[str]:
    """The URL of a database in which each curve is one strategy's."""
    maintenance = server.url_of("postgres")
    asyncio.run(execute(maintenance, f"CREATE DATABASE {DATABASE} TEMPLATE {template} STRATEGY FILE_COPY"))
    yield server.url_of(DATABASE)
    asyncio.run(execute(maintenance, f"DROP DATABASE {DATABASE} WITH (FORCE)"))


@pytest.fixture(scope="session")
async def curves(curves_url: str) -> AsyncIterator[Database]:
    database = await Database.open(curves_url)
    yield database
    await database.close()


PLANS = GraphQLEndpoint(schema._schema, Settings(), FixedLimits()).documents.find(DOCUMENT).operation(None).plans


async def query_performance(database: Database, strategy_id: UUID, points: int, **span: str) -> dict[str, Any]:
    variables = {"f": {"strategyId": {"eq": str(strategy_id)}, **span}, "n": points}
    assert PLANS is not None
    answer = await PLANS.answer(variables, Caller(Context(database), LOCAL))
    assert isinstance(answer, bytes), answer
    (found,) = orjson.loads(answer)["performance"]
    return dict(found)


async def insert_curve(database: Database, curve_changes: Changes, order: Sequence[int]) -> UUID:
    """A strategy whose fills made these changes, written in that order; each closes a trade that was worth as much."""
    strategy_id = uuid4()
    numbers, instants, nets = (
        list(order),
        [curve_changes[number][0] for number in order],
        [curve_changes[number][1] for number in order],
    )
    async with database.unit_of_work() as work:
        for statement in (_FILLS, _TRADES):
            await work.execute(statement, strategy_id, numbers, instants, nets)
        await work.execute(_SUMS, strategy_id)
        await work.commit()
    return strategy_id


_ROWS = "unnest($2::bigint[], $3::bigint[], $4::numeric[]) AS made (number, ts, net)"
# The venue's number orders fills of one instant, whatever order they were written in and arrived in.
_FILLS = f"""
INSERT INTO fills SELECT $1, gen_random_uuid(), 'T-' || number, 'O', NULL, 'A', 'BTC.X', 'P', 1, 0, 'BUY', 1, 1, 'USDT',
    0, 'USDT', 'MAKER', net, ts, ts, number, -number, 'USDT', 1
FROM {_ROWS}
"""
_TRADES = f"""
INSERT INTO positions SELECT $1, 'P' || number, 1, 'A', 'BTC.X', 'CLOSED', 'BUY', 'FLAT', 0, 1, 0, 1, 1, 1, 1, 'USDT',
    net, 0, 0, ts, 0, 0, 0, ts, ts, number, 0
FROM {_ROWS}
"""
_SUMS = """
INSERT INTO fill_sums SELECT strategy_id, instrument_id, currency, side, count(*), sum(last_qty),
    sum(last_qty * last_px), sum(realized_pnl), sum(commission), min(ts_event), max(ts_event)
FROM fills WHERE strategy_id = $1 GROUP BY 1, 2, 3, 4
"""


def at_instants(curve_changes: Changes) -> list[tuple[int, Decimal]]:
    """With instants in place of the gaps between them."""
    ts, found = START, []
    for gap, pnl in curve_changes:
        ts += gap
        found.append((ts, pnl))
    return found


def point_fields(point: Point) -> dict[str, str]:
    return {
        "ts": instant(point.ts),
        "netPnl": trimmed(point.net),
        "cumulativeNetPnl": trimmed(point.cumulative),
        "drawdown": trimmed(point.drawdown),
        "maxDrawdown": trimmed(point.worst),
    }


@given(curve_and_order=curve_and_order, points=st.integers(2, 40))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
async def test_random_curves_follow_the_rules(
    curves: Database, curve_and_order: tuple[Changes, list[int]], points: int
) -> None:
    curve_changes, order = curve_and_order
    instants = at_instants(curve_changes)
    strategy_id = await insert_curve(curves, instants, order)
    found = await query_performance(curves, strategy_id, points)
    # From kept totals and from the fills alone.
    assert await query_performance(curves, strategy_id, points, **{"from": instant(START - 1)}) == found
    with localcontext(prec=200):
        check(found, instants, points)


def check(found: dict[str, Any], curve_changes: Changes, points: int) -> None:
    curve, nets = curve_of(curve_changes), [pnl for _, pnl in curve_changes]
    assert found["equity"] == [point_fields(point) for point in thinned(curve, curve, points)]
    check_thinning(found["equity"], [point_fields(point) for point in curve], points)
    check_drawdown(found, curve)
    assert found["trades"] == found["equityCount"] == len(nets)
    assert found["longestWinningRun"] == longest_run(net > 0 for net in nets)
    assert found["longestLosingRun"] == longest_run(net < 0 for net in nets)
    assert found["largestWin"] == (trimmed(max(nets)) if max(nets) > 0 else None)
    assert found["largestLoss"] == (trimmed(min(nets)) if min(nets) < 0 else None)


def check_thinning(equity: list[dict[str, str]], all_points: list[dict[str, str]], points: int) -> None:
    """Said without the reference's own reckoning."""
    assert len(equity) == len(all_points) if len(all_points) <= points else len(equity) <= points
    assert equity[0] == all_points[0]
    assert equity[-1] == all_points[-1]
    # Chosen among all, none changed, in their order.
    rest = iter(all_points)
    assert all(point in rest for point in equity)
    if points >= 5:
        for name in ("cumulativeNetPnl", "drawdown"):
            values, kept = ([Decimal(point[name]) for point in listed] for listed in (all_points, equity))
            assert (max(values), name) == (max(kept), name)
        assert min(Decimal(point["cumulativeNetPnl"]) for point in all_points) in {
            Decimal(point["cumulativeNetPnl"]) for point in equity
        }


def check_drawdown(found: dict[str, Any], curve: list[Point]) -> None:
    assert {name: found[name] for name in found if name.startswith("maxDrawdown")} == deepest(curve)
    depth = Decimal(found["maxDrawdown"])
    totals = [Decimal(0), *(point.cumulative for point in curve)]
    # By its definition: the most that any later point is below an earlier one.
    assert depth == max(high - low for place, high in enumerate(totals) for low in totals[place:])
    if depth:
        assert found["maxDrawdownStart"] <= found["maxDrawdownTrough"] <= (found["maxDrawdownEnd"] or "3")
