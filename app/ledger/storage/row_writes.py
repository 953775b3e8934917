"""The table writes shared by recording and authorization: orders, positions, fills, the change feed."""

from collections.abc import Iterable, Mapping, Sequence

from app.database import WriteConnection
from app.ledger.batch import OrderKey, PositionChanges
from app.ledger.folding import totals
from app.ledger.folding.orders import OrderChange
from app.ledger.holds.budgets import BudgetKey
from app.ledger.storage.locks import LockedStrategy
from app.ledger.storage.row_mapping import Row, key_of
from app.ledger.storage.rows import CHANGE_COLUMNS, FILLS, ORDERS, POSITIONS, fill_values, position_values
from app.ledger.storage.writing import Delete, Insert, TableWrite, Update
from app.models.administration import ALL, Strategy
from app.models.feed import Change
from app.models.orders import Fill, Order, Position
from app.rules.identity import NO_STRATEGY
from app.rules.positions import FillOutcome

_ADD_INSTRUMENTS = """
INSERT INTO instruments (instrument_id, quote_currency, settlement_currency)
SELECT id, currency, currency FROM unnest($1::text[], $2::text[]) s(id, currency) ORDER BY id
ON CONFLICT (instrument_id) DO NOTHING
"""


def strategy_write(strategies: Mapping[str, LockedStrategy]) -> TableWrite:
    """Changed strategies: the number of the last event, and whether the engine deducts base fees."""
    changed = [(key, one) for key, one in strategies.items() if one.is_changed]
    rows = [(key, one.event_seq, one.deducts_base_fees) for key, one in changed]
    return Update(Strategy, ("strategy_id", "event_seq", "deducts_base_fees"), rows)


def order_writes(orders: Sequence[OrderChange]) -> list[TableWrite]:
    """New and changed orders, without their counts by status (`totals.order_counts`)."""
    new = [change for change in orders if change.before is None]
    moved = [change for change in orders if change.before is not None]
    return [
        Insert(Order, ORDERS.columns, new, _order_row),
        Update(Order, ORDERS.columns, moved, _order_row),
    ]


def _order_row(change: OrderChange) -> Row:
    return ORDERS.row((*change.key, change.waiting), change.state)


def position_writes(changes: PositionChanges) -> list[TableWrite]:
    """New and revised fills, positions, and the totals of both. Run under `localcontext(EXACT)`."""
    if not changes.records and not changes.removed:
        return []
    return [*moved_position_writes(changes), *totals.fill_sums(changes)]


def moved_position_writes(changes: PositionChanges) -> list[TableWrite]:
    """New and revised fills, positions and their totals, without the totals of fills."""
    fills = [fill_values(booked, booked.event) for booked in changes.fills if booked.event is not None]
    new = [position_values(key, record) for key, record in changes.records.items() if record.before is None]
    moved = [position_values(key, record) for key, record in changes.records.items() if record.before is not None]
    return [
        Insert(Fill, FILLS.columns, fills),
        revised_fill_write(changes),
        Delete(Position, key_of(Position), list(changes.removed)),
        Insert(Position, POSITIONS.columns, new),
        Update(Position, POSITIONS.columns, moved),
        totals.position_counts(changes),
        totals.trade_sums(changes),
    ]


def revised_fill_write(changes: PositionChanges) -> TableWrite:
    """Stored fills with a new outcome."""
    rows = [(booked.strategy_id, booked.event_id, *booked.outcome) for booked in changes.revised]
    return Update(Fill, ("strategy_id", "event_id", *FillOutcome._fields), rows)


async def add_instruments(work: WriteConnection, changes: PositionChanges) -> None:
    """Add the instruments of fills whose instrument was unknown. Another transaction may add the same one."""
    if changes.new_instruments:
        await work.execute(_ADD_INSTRUMENTS, list(changes.new_instruments), list(changes.new_instruments.values()))


def feed_write(
    *,
    strategies: Iterable[str] = (),
    orders: Iterable[OrderKey] = (),
    positions: PositionChanges | None = None,
    budgets: Iterable[BudgetKey] = (),
    signals: Iterable[tuple[str, str]] = (),
    keys: Iterable[str] = (),
    is_global_state: bool = False,
) -> TableWrite:
    """Rows of the change feed, one per object that the transaction adds or changes."""
    rows: list[tuple[str, str, str]] = []
    rows += [(strategy_id, "strategy", strategy_id) for strategy_id in strategies]
    rows += [(strategy_id, "order", client_order_id) for strategy_id, client_order_id in dict.fromkeys(orders)]
    if positions is not None:
        rows += [(booked.strategy_id, "fill", booked.event_id) for booked in (*positions.fills, *positions.revised)]
        rows += [(key[0], "position", f"{key[1]}:{key[2]}") for key in (*positions.records, *positions.removed)]
    rows += [(strategy_id, "budget", currency) for strategy_id, currency in budgets]
    rows += [(strategy_id, "signal", signal_id) for strategy_id, signal_id in signals]
    rows += [(str(NO_STRATEGY), "key", key_id) for key_id in keys]
    rows += [(str(NO_STRATEGY), "trading_state", ALL)] if is_global_state else []
    return Insert(Change, CHANGE_COLUMNS, rows)
