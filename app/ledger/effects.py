"""What recording and authorizing have in common: orders, positions and the change feed, to be written."""

from collections.abc import Iterable, Sequence

from app.database import WriteConnection
from app.ledger import totals
from app.ledger.arrival import OrderKey
from app.ledger.budgets import BudgetKey
from app.ledger.orders import OrderChange
from app.ledger.positions import PositionChanges
from app.ledger.rows import FILL_COLUMNS, ORDER_COLUMNS, POSITION_COLUMNS, fill_row, order_row, position_row
from app.ledger.writing import Insert, Merge, Part, array_source, delete, insert, upsert
from app.models import Change, Fill, Order, Position

_REVISED = array_source(
    "strategy_id uuid", "event_id uuid", "realized_pnl numeric", "position_n integer", "flip_qty numeric"
)
_ADD_INSTRUMENTS = """
INSERT INTO instruments (instrument_id, quote_currency, settlement_currency)
SELECT id, currency, currency FROM unnest($1::text[], $2::text[]) s(id, currency) ORDER BY id
ON CONFLICT (instrument_id) DO NOTHING
"""
_REVISE_FILLS = f"""
UPDATE fills f SET realized_pnl = s.realized_pnl, position_n = s.position_n, flip_qty = s.flip_qty
FROM {_REVISED} s WHERE f.strategy_id = s.strategy_id AND f.event_id = s.event_id
"""


def order_parts(orders: Sequence[OrderChange]) -> list[Part]:
    """Orders as they stand now, and how many there are of each status."""
    return [
        Insert(Order, ORDER_COLUMNS, [order_row(change) for change in orders if change.status_before is None]),
        Merge(Order, ORDER_COLUMNS, [order_row(change) for change in orders if change.status_before is not None]),
        totals.order_counts(orders),
    ]


async def write_positions(work: WriteConnection, changes: PositionChanges) -> None:
    """New fills, what they did to positions, and the totals of both."""
    if not changes.fills:
        return
    if changes.new_instruments:
        await work.execute(_ADD_INSTRUMENTS, list(changes.new_instruments), list(changes.new_instruments.values()))
    fills = [fill_row(booked, booked.event) for booked in changes.fills if booked.event is not None]
    await insert(work, Fill, FILL_COLUMNS, fills)
    if changes.revised:
        revised = [(booked.strategy_id, booked.event_id, *booked.effect) for booked in changes.revised]
        await work.execute(_REVISE_FILLS, *[[str(value) for value in column] for column in zip(*revised, strict=True)])
    new = [position_row(key, life) for key, life in changes.lives.items() if life.before is None]
    moved = [position_row(key, life) for key, life in changes.lives.items() if life.before is not None]
    await delete(work, Position, [(*key, life.state.n) for *key, life in changes.removed])
    await insert(work, Position, POSITION_COLUMNS, new)
    await upsert(work, Position, POSITION_COLUMNS, moved)
    await totals.add_fills(work, changes)
    await totals.add_positions(work, changes)
    await totals.add_trades(work, changes)


def feed_part(
    *,
    strategies: Iterable[str] = (),
    orders: Iterable[OrderKey] = (),
    positions: PositionChanges | None = None,
    budgets: Iterable[BudgetKey] = (),
    signals: Iterable[tuple[str, str]] = (),
) -> Part:
    """The change feed: one row for each thing that this transaction made or changed."""
    rows: list[tuple[str, str, str]] = []
    rows += [(strategy_id, "strategy", strategy_id) for strategy_id in strategies]
    rows += [(strategy_id, "order", client_order_id) for strategy_id, client_order_id in orders]
    if positions is not None:
        rows += [(booked.strategy_id, "fill", booked.event_id) for booked in (*positions.fills, *positions.revised)]
        rows += [(key[0], "position", f"{key[1]}:{key[2]}") for key in positions.lives]
        rows += [(key[0], "position", f"{key[1]}:{life.state.n}") for *key, life in positions.removed]
    rows += [(strategy_id, "budget", currency) for strategy_id, currency in budgets]
    rows += [(strategy_id, "signal", signal_id) for strategy_id, signal_id in signals]
    return Insert(Change, ("strategy_id", "entity", "key"), rows)
