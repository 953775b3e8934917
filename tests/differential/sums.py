"""What fills and positions add up to, in plain Python."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from app.models import Fill, Position

ZERO = Decimal(0)
COLUMNS = {
    "STRATEGY": ("strategy_id", "strategyId"),
    "INSTRUMENT": ("instrument_id", "instrumentId"),
    "SIDE": ("side", "side"),
    "CURRENCY": ("currency", "currency"),
    "DAY": ("day", "day"),
}


def parts_of(fills: Iterable[Fill]) -> list[Any]:
    """A fill; and its commission apart, where that is in another currency."""
    parts = []
    for fill in fills:
        is_same = fill.commission_currency == fill.settlement_currency
        own = {
            "fills": 1,
            "quantity": fill.last_qty,
            "notional": fill.notional,
            "pnl": fill.realized_pnl,
        }
        row = {**fill.model_dump(), "currency": fill.settlement_currency, "day": _bucket(fill.ts_event, "DAY")}
        parts.append(SimpleNamespace(**{**row, **own}, fee=fill.commission if is_same else ZERO))
        if not is_same:
            nothing = {"fills": 0, "quantity": ZERO, "notional": ZERO, "pnl": ZERO, "fee": fill.commission}
            parts.append(SimpleNamespace(**{**row, "currency": fill.commission_currency, **nothing}))
    return parts


def summary_of_fills(
    fills: Iterable[Fill], is_wanted: Callable[[Any], bool], by: list[str], is_recorded: Callable[[Any], bool]
) -> dict[str, Any]:
    """`fillsSummary`."""

    def valuation(rows: list[Any]) -> str:
        return "RECORDED" if all(map(is_recorded, rows)) else "ASSUMED"

    parts = [part for part in parts_of(fills) if is_wanted(part)]
    instants = [part.ts_event for part in parts if part.fills]
    keys = [COLUMNS[name] for name in dict.fromkeys(by)]

    def key(part: Any) -> tuple[Any, ...]:
        return tuple(getattr(part, column) for column, _ in keys)

    return {
        "totalFills": len(instants),
        "buyFills": sum(part.fills for part in parts if part.side == "BUY"),
        "sellFills": sum(part.fills for part in parts if part.side == "SELL"),
        "firstTs": _instant(min(instants)) if instants else None,
        "lastTs": _instant(max(instants)) if instants else None,
        "valuation": valuation(parts) if parts else None,
        "groups": [
            {
                **{field: None for _, field in COLUMNS.values()},
                **{field: _shown(value) for (_, field), value in zip(keys, values, strict=True)},
                **_sums(group),
                "valuation": valuation(group),
            }
            for values, group in ((values, list(rows)) for values, rows in groupby(sorted(parts, key=key), key))
        ],
    }


def performance(
    fills: list[Fill], closed: list[Position], currency: str | None, start: int | None, end: int | None, bucket: str
) -> list[dict[str, Any]]:
    """`Strategy.performance`."""

    def is_wanted(row: Any, ts: int) -> bool:
        return (start is None or ts >= start) and (end is None or ts < end) and currency in (None, row.currency)

    parts = [part for part in parts_of(fills) if is_wanted(part, part.ts_event)]
    answer = []
    for name in sorted({part.currency for part in parts}):
        own = [part for part in parts if part.currency == name]
        nets = [
            row.realized_pnl - row.total_fees
            for row in closed
            if row.currency == name and is_wanted(row, row.ts_closed)
        ]
        won, lost = sum((net for net in nets if net > 0), ZERO), -sum((net for net in nets if net < 0), ZERO)
        gross, fees = sum((part.pnl for part in own), ZERO), sum((part.fee for part in own), ZERO)
        equity = _equity(own, bucket)
        answer.append(
            {
                "currency": name,
                "trades": len(nets),
                "winRate": sum(net > 0 for net in nets) / len(nets) if nets else None,
                "profitFactor": float(won) / float(lost) if lost else None,
                "expectancy": _average(won - lost, len(nets)) if nets else None,
                "maxDrawdown": trimmed(max(Decimal(point["drawdown"]) for point in equity)),
                "grossPnl": trimmed(gross),
                "totalFees": format(fees, "f"),
                "netPnl": trimmed(gross - fees),
                "equity": equity,
            }
        )
    return answer


def trimmed(value: Decimal) -> str:
    """Without zeros behind the last digit that means something."""
    text = format(value or ZERO, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _average(total: Decimal, count: int) -> str:
    with localcontext(prec=200):
        return trimmed((total / count).quantize(Decimal("1e-18"), ROUND_HALF_UP))


def _equity(parts: list[Any], bucket: str) -> list[dict[str, str]]:
    points, total, highest = [], ZERO, ZERO
    for ts in sorted({_bucket(part.ts_event, bucket) for part in parts}):
        net = sum((part.pnl - part.fee for part in parts if _bucket(part.ts_event, bucket) == ts), ZERO)
        total += net
        highest = max(highest, total)
        shown = {"netPnl": net, "cumulativeNetPnl": total, "drawdown": highest - total}
        points.append({"ts": _shown(ts), **{name: trimmed(value) for name, value in shown.items()}})
    return points


def _sums(parts: list[Any]) -> dict[str, Any]:
    def total(name: str) -> Decimal:
        return sum((getattr(part, name) for part in parts), ZERO)

    return {
        "fills": sum(part.fills for part in parts),
        "quantity": format(total("quantity"), "f"),
        "notional": format(total("notional"), "f"),
        "realizedPnl": trimmed(total("pnl")),
        "totalFees": format(total("fee"), "f"),
    }


def _bucket(ts: int, bucket: str) -> datetime:
    moment = datetime.fromtimestamp(ts // 10**9, UTC).replace(minute=0, second=0)
    if bucket == "HOUR":
        return moment
    day = moment.replace(hour=0)
    if bucket == "WEEK":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if bucket == "MONTH" else day


def _shown(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%S}.000000000Z" if isinstance(value, datetime) else str(value)


def _instant(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{ts % 10**9:09}Z"
