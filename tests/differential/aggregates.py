"""Aggregates of fills, in plain Python."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from app.models.orders import Fill

ZERO = Decimal(0)
COLUMNS = {
    "STRATEGY": ("strategy_id", "strategyId"),
    "INSTRUMENT": ("instrument_id", "instrumentId"),
    "SIDE": ("side", "side"),
    "CURRENCY": ("currency", "currency"),
    "DAY": ("day", "day"),
}


def parts_of(fills: Iterable[Fill]) -> list[Any]:
    """A fill, and a separate part for its commission if that is in another currency."""
    parts = []
    for fill in fills:
        is_same = fill.commission_currency == fill.settlement_currency
        own = {
            "fills": 1,
            "quantity": fill.last_qty,
            "notional": fill.notional,
            "pnl": fill.realized_pnl,
        }
        row = {**fill.model_dump(), "currency": fill.settlement_currency, "day": _day(fill.ts_event)}
        parts.append(SimpleNamespace(**{**row, **own}, fee=fill.commission if is_same else ZERO))
        if not is_same:
            nothing = {"fills": 0, "quantity": ZERO, "notional": ZERO, "pnl": ZERO, "fee": fill.commission}
            parts.append(SimpleNamespace(**{**row, "currency": fill.commission_currency, **nothing}))
    return parts


def summary_of_fills(
    fills: Iterable[Fill], is_wanted: Callable[[Any], bool], by: list[str], is_recorded: Callable[[Any], bool]
) -> dict[str, Any]:
    """The result of `fillsSummary`."""

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
        "firstTs": instant(min(instants)) if instants else None,
        "lastTs": instant(max(instants)) if instants else None,
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


def trimmed(value: Decimal) -> str:
    """The number without trailing zeros."""
    text = format(value or ZERO, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


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


def _day(ts: int) -> datetime:
    return datetime.fromtimestamp(ts // 10**9, UTC).replace(hour=0, minute=0, second=0)


def _shown(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%S}.000000000Z" if isinstance(value, datetime) else str(value)


def instant(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{ts % 10**9:09}Z"
