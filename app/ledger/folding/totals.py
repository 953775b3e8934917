"""Totals: the amounts that a batch adds to the stored sums."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from operator import add

from app.database import WriteConnection
from app.ledger.batch import BookedFill, PositionChanges
from app.ledger.folding.orders import OrderChange
from app.ledger.storage.row_mapping import Row, columns_of
from app.ledger.storage.writing import ADD, ADD_TRIMMED, GREATEST, LEAST, Merge
from app.models.totals import FillSum, FillTotal, OrderTotal, PositionTotal, SignalTotal, TradeTotal

_ZERO = Decimal(0)
_DAY_NS = 86_400 * 1_000_000_000

_FILL_SUMS = (
    *((name, ADD) for name in ("fills", "quantity", "notional", "total_fees")),
    ("realized_pnl", ADD_TRIMMED),
    ("first_ts", LEAST),
    ("last_ts", GREATEST),
)
_RESULTS = (*((name, ADD) for name in ("trades", "wins", "losses")), ("profit", ADD_TRIMMED), ("loss", ADD_TRIMMED))
_AMOUNTS = "fills, quantity, notional, realized_pnl, total_fees, first_ts, last_ts"
_SUMMED = "sum(fills), sum(quantity), sum(notional), trim_scale(sum(realized_pnl)), sum(total_fees)"
_REBUILD_DAYS = f"""
INSERT INTO fill_totals (strategy_id, day, instrument_id, currency, side, {_AMOUNTS})
SELECT strategy_id, day, instrument_id, currency, side, {_SUMMED}, min(ts_event), max(ts_event) FROM (
    SELECT strategy_id, (timestamp 'epoch' + (ts_event / 1000000000) * interval '1 second')::date AS day,
           instrument_id, part.* , side, ts_event
    FROM fills CROSS JOIN LATERAL (VALUES
        (settlement_currency, 1, last_qty, notional, realized_pnl, 0),
        (commission_currency, 0, 0, 0, 0, commission)
    ) part(currency, fills, quantity, notional, realized_pnl, total_fees)
    WHERE instrument_id = ANY($1)
) parts GROUP BY 1, 2, 3, 4, 5
"""
_REBUILD_SUMS = f"""
INSERT INTO fill_sums (strategy_id, instrument_id, currency, side, {_AMOUNTS})
SELECT strategy_id, instrument_id, currency, side, {_SUMMED}, min(first_ts), max(last_ts)
FROM fill_totals WHERE instrument_id = ANY($1) GROUP BY 1, 2, 3, 4
"""


def order_counts(orders: Iterable[OrderChange]) -> Merge:
    """Counts orders under their new status instead of the old one."""
    counts: Counter[Row] = Counter()
    for change in orders:
        counts[change.key[0], change.state.instrument_id, change.state.status] += 1
        if (before := change.before) is not None:
            counts[change.key[0], before.instrument_id, before.status] -= 1
    return _counts(OrderTotal, "orders", counts)


def position_counts(changes: PositionChanges) -> Merge:
    """Counts positions under their new status instead of the old one."""
    counts: Counter[Row] = Counter()
    for (strategy_id, _, _), record, sign in changes.moves():
        counts[strategy_id, record.instrument_id, record.state.status] += sign
    return _counts(PositionTotal, "positions", counts)


def trade_sums(changes: PositionChanges) -> Merge:
    """Counts positions that closed, and takes back closings that were recomputed. Run under `localcontext(EXACT)`."""
    sums: dict[tuple[str, date, str], list[Decimal | int]] = {}
    for (strategy_id, _, _), record, sign in changes.moves():
        state = record.state
        if state.ts_closed is None:
            continue
        key = (strategy_id, _day_of(state.ts_closed // _DAY_NS), state.currency)
        row = sums.setdefault(key, [0, 0, 0, _ZERO, _ZERO])
        net = state.net_pnl
        added = (sign, sign * (net > 0), sign * (net < 0), sign * max(net, _ZERO), sign * max(-net, _ZERO))
        row[:] = map(add, row, added)
    rows = [(*key, *row) for key, row in sums.items() if any(row)]
    return Merge(TradeTotal, columns_of(TradeTotal), rows, combined=_RESULTS)


def signal_counts(signals: Iterable[tuple[str, str]]) -> Merge:
    """Counts new signals, given as (strategy_id, name)."""
    return _counts(SignalTotal, "signals", Counter(signals))


def fill_sums(changes: PositionChanges) -> list[Merge]:
    """Adds new fills and the changes of revised fills, by day and overall.

    Revised fills must be valued as before; `rebuild_fill_sums` is for instruments with new terms.
    """
    sums: dict[tuple[str, date, str, str, str], list[Decimal | int]] = {}
    for booked in changes.fills:
        fill = booked.fill
        row = _sum_row(sums, booked, booked.outcome.settlement_currency)
        row[0] += 1
        row[1] += fill.last_qty
        row[2] += booked.outcome.notional
        row[3] += booked.outcome.realized_pnl
        _sum_row(sums, booked, fill.commission_currency)[4] += fill.commission
    for booked in changes.revised:
        if booked.before is not None:
            row = _sum_row(sums, booked, booked.outcome.settlement_currency)
            row[3] += booked.outcome.realized_pnl - booked.before.realized_pnl
    overall: dict[tuple[str, str, str, str], list[Decimal | int]] = {}
    for (strategy_id, _, instrument_id, currency, side), row in sums.items():
        key = (strategy_id, instrument_id, currency, side)
        known = overall.setdefault(key, [0, _ZERO, _ZERO, _ZERO, _ZERO, row[5], row[6]])
        known[:] = [*map(add, known[:5], row[:5]), min(known[5], row[5]), max(known[6], row[6])]
    return [
        Merge(FillTotal, columns_of(FillTotal), [(*key, *row) for key, row in sums.items()], combined=_FILL_SUMS),
        Merge(FillSum, columns_of(FillSum), [(*key, *row) for key, row in overall.items()], combined=_FILL_SUMS),
    ]


async def rebuild_fill_sums(work: WriteConnection, instrument_ids: Sequence[str]) -> None:
    """Rebuild the sums of all fills in the instruments, after the revalued fills are written."""
    for table in ("fill_totals", "fill_sums"):
        await work.execute(f"DELETE FROM {table} WHERE instrument_id = ANY($1)", instrument_ids)
    await work.execute(_REBUILD_DAYS, instrument_ids)
    await work.execute(_REBUILD_SUMS, instrument_ids)


def _counts(model: type[OrderTotal | PositionTotal | SignalTotal], name: str, counts: Mapping[Row, int]) -> Merge:
    rows = [(*key, count) for key, count in counts.items() if count]
    return Merge(model, columns_of(model), rows, combined=((name, ADD),))


def _sum_row(
    sums: dict[tuple[str, date, str, str, str], list[Decimal | int]], booked: BookedFill, currency: str
) -> list[Decimal | int]:
    ts = booked.fill.ts_event
    key = (booked.strategy_id, _day_of(ts // _DAY_NS), booked.instrument_id, currency, booked.fill.side)
    row = sums.get(key)
    if row is None:
        row = sums[key] = [0, _ZERO, _ZERO, _ZERO, _ZERO, ts, ts]
    row[5] = min(row[5], ts)
    row[6] = max(row[6], ts)
    return row


@lru_cache(maxsize=4096)
def _day_of(days: int) -> date:
    return datetime.fromtimestamp(days * 86_400, UTC).date()
