"""Performance in plain Python and Decimals: fill by fill, without stored totals or slices."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from app.models.orders import Fill, Position
from tests.differential.aggregates import ZERO, instant, parts_of, trimmed
from tests.differential.rows import Rows

NANOSECONDS = 10**9
POINTS_DEFAULT = 1000


@dataclass(frozen=True)
class PerformanceArguments:
    """The arguments of `performance`. Instants are in nanoseconds."""

    start: int | None = None
    end: int | None = None
    by: tuple[str, ...] = ()
    granularity: str = "DAY"
    zone: str = "UTC"
    points: int | None = None
    days: int = 365

    def has(self, ts: int) -> bool:
        return (self.start is None or ts >= self.start) and (self.end is None or ts < self.end)


@dataclass
class Point:
    ts: int
    net: Decimal
    cumulative: Decimal
    drawdown: Decimal
    worst: Decimal


def performance(
    rows: Rows, names: Mapping[Any, str], arguments: PerformanceArguments, matches: Any, is_recorded: Any
) -> list[dict[str, Any]]:
    """The result of `performance` over these rows; `matches` tests the filter."""
    keys = [{"STRATEGY": "strategy_id", "INSTRUMENT": "instrument_id"}[name] for name in dict.fromkeys(arguments.by)]

    def group(row: Any) -> tuple[Any, ...]:
        return (*(getattr(row, key) for key in keys), row.currency)

    parts = [part for part in parts_of(rows[Fill]) if arguments.has(part.ts_event) and matches(part)]
    closed = [row for row in rows[Position] if row.ts_closed is not None]
    trades = [row for row in closed if arguments.has(row.ts_closed) and matches(row)]
    answer = []
    for values, group_parts in groupby(sorted(parts, key=group), group):
        own = list(group_parts)
        found = dict(zip((*keys, "currency"), values, strict=True))
        strategy_id = found.get("strategy_id")
        answer.append(
            {
                "currency": found["currency"],
                "strategyId": strategy_id and str(strategy_id),
                "strategyName": names.get(strategy_id),
                "instrumentId": found.get("instrument_id"),
                **trade_statistics([row for row in trades if group(row) == values]),
                "valuation": "RECORDED" if all(map(is_recorded, own)) else "ASSUMED",
                **equity(own, arguments),
            }
        )
    return answer


def trade_statistics(closed: list[Position]) -> dict[str, Any]:
    closed.sort(key=lambda row: (row.ts_closed, row.last_ts_init, row.last_trade_seq, row.last_seq, row.strategy_id))
    nets = [row.realized_pnl - row.total_fees for row in closed]
    wins, losses = [net for net in nets if net > 0], [net for net in nets if net < 0]
    won, lost = sum(wins, ZERO), sum(losses, ZERO)
    return {
        "trades": len(nets),
        "winningTrades": len(wins),
        "losingTrades": len(losses),
        "winRate": len(wins) / len(nets) if nets else None,
        "profitFactor": float(won) / float(-lost) if lost else None,
        "expectancy": _average(won + lost, len(nets)),
        "averageWin": _average(won, len(wins)),
        "averageLoss": _average(lost, len(losses)),
        "largestWin": trimmed(max(wins)) if wins else None,
        "largestLoss": trimmed(min(losses)) if losses else None,
        "longestWinningRun": longest_run(net > 0 for net in nets),
        "longestLosingRun": longest_run(net < 0 for net in nets),
    }


def longest_run(flags: Iterable[bool]) -> int:
    return max((len(list(run)) for flag, run in groupby(flags) if flag), default=0)


def equity(parts: list[Any], arguments: PerformanceArguments) -> dict[str, Any]:
    parts.sort(key=lambda part: (part.ts_event, part.ts_init, part.trade_seq, part.seq, part.strategy_id))
    curve = curve_of([(part.ts_event, part.pnl - part.fee) for part in parts])
    gross, fees = sum((part.pnl for part in parts), ZERO), sum((part.fee for part in parts), ZERO)
    listed = (
        curve if arguments.granularity == "FILL" else bars_of(curve, arguments.granularity, ZoneInfo(arguments.zone))
    )
    points = listed
    if arguments.granularity == "FILL" or arguments.points is not None:
        points = thinned(listed, curve, POINTS_DEFAULT if arguments.points is None else arguments.points)
    return {
        **ratios(curve, ZoneInfo(arguments.zone), arguments.days),
        **deepest(curve),
        "grossPnl": trimmed(gross),
        "totalFees": format(fees, "f"),
        "netPnl": trimmed(gross - fees),
        "equityCount": len(listed),
        "equity": [
            {
                "ts": instant(point.ts),
                "netPnl": trimmed(point.net),
                "cumulativeNetPnl": trimmed(point.cumulative),
                "drawdown": trimmed(point.drawdown),
                "maxDrawdown": trimmed(point.worst),
            }
            for point in points
        ],
    }


def curve_of(changes: Iterable[tuple[int, Decimal]]) -> list[Point]:
    """A point for each change, given as (instant, net PnL) in order."""
    points, total, highest = [], ZERO, ZERO
    for ts, net in changes:
        total += net
        highest = max(highest, total)
        points.append(Point(ts, net, total, highest - total, highest - total))
    return points


def bars_of(curve: list[Point], granularity: str, zone: ZoneInfo) -> list[Point]:
    bars = []
    for ts, within in groupby(curve, lambda point: bar_of(point.ts, granularity, zone)):
        own = list(within)
        worst = max(point.drawdown for point in own)
        bars.append(Point(ts, sum((one.net for one in own), ZERO), own[-1].cumulative, own[-1].drawdown, worst))
    return bars


def bar_of(ts: int, granularity: str, zone: ZoneInfo) -> int:
    """The start of the bar that contains the instant: the first instant of its hour, day, week or month in the zone."""
    local = datetime.fromtimestamp(ts // NANOSECONDS, UTC).astimezone(zone)
    if granularity == "HOUR":
        begins = local - timedelta(minutes=local.minute, seconds=local.second)
        return int(begins.replace(fold=local.fold).timestamp()) * NANOSECONDS
    day = local.date()
    if granularity == "WEEK":
        day -= timedelta(days=day.weekday())
    if granularity == "MONTH":
        day = day.replace(day=1)
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * NANOSECONDS


def thinned(listed: list[Point], curve: list[Point], points: int) -> list[Point]:
    """The lowest and the highest point of each slice, both ends and the deepest trough."""
    if len(listed) <= points:
        return listed
    first, last = curve[0].ts, curve[-1].ts
    slices = max((points - 3) // 2, 1)
    width = (last - first) // slices + 1
    lowest: dict[int, Point] = {}
    highest: dict[int, Point] = {}
    for point in listed:
        place = max(point.ts - first, 0) // width
        if place not in lowest or point.cumulative < lowest[place].cumulative:
            lowest[place] = point
        if place not in highest or point.cumulative > highest[place].cumulative:
            highest[place] = point
    trough = max(listed, key=lambda point: point.worst)
    ends = [listed[0], listed[-1], *([trough] if trough.worst else [])]
    extremes = sorted(
        [*lowest.values(), *highest.values()],
        key=lambda point: (
            point.cumulative != max(one.cumulative for one in listed),
            point.cumulative != min(one.cumulative for one in listed),
            listed.index(point),
        ),
    )
    chosen = {id(point): point for point in [*ends, *extremes]}
    chosen_ids = set(list(chosen)[:points])
    return [point for point in listed if id(point) in chosen_ids]


def deepest(curve: list[Point]) -> dict[str, Any]:
    trough = max(range(len(curve)), key=lambda place: curve[place].drawdown)
    found: dict[str, Any] = {"maxDrawdown": trimmed(curve[trough].drawdown)}
    if not curve[trough].drawdown:
        return {**found, "maxDrawdownStart": None, "maxDrawdownTrough": None, "maxDrawdownEnd": None}
    peaks = [point.ts for point in curve[:trough] if not point.drawdown]
    ends = [point.ts for point in curve[trough:] if not point.drawdown]
    return {
        **found,
        "maxDrawdownStart": instant(peaks[-1] if peaks else curve[0].ts),
        "maxDrawdownTrough": instant(curve[trough].ts),
        "maxDrawdownEnd": instant(ends[0]) if ends else None,
    }


def ratios(curve: list[Point], zone: ZoneInfo, days: int) -> dict[str, float | None]:
    """Sharpe and Sortino by definition, with 300 digits."""
    values = list(_daily(curve, zone))
    if len(values) < 2:
        return {"sharpeRatio": None, "sortinoRatio": None}
    with localcontext(prec=300):
        mean = sum(values, ZERO) / len(values)
        deviation = (sum(((value - mean) ** 2 for value in values), ZERO) / (len(values) - 1)).sqrt()
        downside = (sum((min(value, ZERO) ** 2 for value in values), ZERO) / len(values)).sqrt()
        year = Decimal(days).sqrt()
        return {
            # Equal values would leave a deviation from rounding errors of the mean.
            "sharpeRatio": _rounded(mean / deviation * year) if len(set(values)) > 1 else None,
            "sortinoRatio": _rounded(mean / downside * year) if downside else None,
        }


def _daily(curve: list[Point], zone: ZoneInfo) -> Iterator[Decimal]:
    made: dict[date, Decimal] = {}
    for point in curve:
        day = datetime.fromtimestamp(point.ts // NANOSECONDS, UTC).astimezone(zone).date()
        made[day] = made.get(day, ZERO) + point.net
    for number in range((max(made) - min(made)).days + 1):
        yield made.get(min(made) + timedelta(days=number), ZERO)


def _rounded(value: Decimal) -> float:
    return float(value.quantize(Decimal("1e-12"), ROUND_HALF_UP))


def _average(total: Decimal, count: int) -> str | None:
    if not count:
        return None
    with localcontext(prec=200):
        return trimmed((total / count).quantize(Decimal("1e-18"), ROUND_HALF_UP))
