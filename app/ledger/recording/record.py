"""Records engine events: one batch in one transaction, all or nothing.

incoming events ─> admission (lock, drop duplicates, number) ─> orders (lifecycle) ─> positions (money) ─> holds
                                                                      │                    │               │
           order_events, quarantine, orders, fills, positions, totals, holds, budgets, journal, changes <──┘
"""

import logging
import time
from collections.abc import Collection, Iterable, Sequence
from decimal import localcontext

import asyncpg
from sqlalchemy import delete, select

from app.database import Database, WriteConnection
from app.errors import DatabaseUnavailable
from app.ledger.batch import (
    Admitted,
    Arrival,
    BatchResult,
    Incoming,
    OrderKey,
    PositionChanges,
    Quarantine,
    Rejected,
    SignalArrival,
)
from app.ledger.folding import totals
from app.ledger.folding.order_loading import quarantine_of
from app.ledger.folding.orders import OrderChanges, move_orders
from app.ledger.folding.reconciliation import book_and_reconcile
from app.ledger.holds.budgets import BudgetBook, BudgetKey
from app.ledger.holds.holds import HoldChanges, reserve
from app.ledger.holds.revaluation import value_waiting
from app.ledger.recording.dedup import admit
from app.ledger.recording.own_events import event_write
from app.ledger.recording.signals import add_signals
from app.ledger.storage.locks import lock_strategies
from app.ledger.storage.queries import is_any_of, parameter, sql
from app.ledger.storage.row_mapping import key_of, table_of
from app.ledger.storage.row_writes import add_instruments, feed_write, order_writes, position_writes, strategy_write
from app.ledger.storage.rows import QUARANTINED
from app.ledger.storage.writing import CANNOT_BE_STORED, Delete, Insert, Merge, TableWrite, write
from app.models.orders import OutdatedOrder, QuarantinedEvent
from app.rules.enums import QuarantineCode
from app.rules.events import POSITION_EVENTS
from app.rules.money import EXACT

_FEW = 50
"""For so few events, planning the statements again would take longer than running them."""

_LOG = logging.getLogger("purser.ledger")


async def record_events(database: Database, incoming: Sequence[Incoming]) -> BatchResult:
    """Record events in one transaction. Events recorded before change nothing. Raises DatabaseUnavailable.

    If PostgreSQL cannot store an event, the batch is recorded in halves, so that only this event is rejected.
    """
    try:
        async with database.unit_of_work(is_planned_once=len(incoming) <= _FEW) as work:
            recorded = await record_in(work, incoming)
            await work.commit()
    except CANNOT_BE_STORED as error:
        if len(incoming) > 1:
            middle = len(incoming) // 2
            first = await record_events(database, incoming[:middle])
            return first + await record_events(database, incoming[middle:])
        message = f"PostgreSQL cannot store the event: {error}"
        return BatchResult(
            rejected=[Rejected(item.place, item.event.event_id, "CANNOT_BE_STORED", message) for item in incoming]
        )
    if recorded.assumed:
        names = ", ".join(sorted(recorded.assumed)[:10])
        _LOG.warning("fills in %s are valued as linear, multiplier 1: the instruments are not recorded", names)
    if recorded.discrepancies:
        _LOG.warning("%d reports of positions differ from the ledger; see discrepancies", recorded.discrepancies)
    if recorded.revaluable:
        await value_waiting_orders(database, recorded.revaluable)
    return recorded


async def value_waiting_orders(database: Database, instrument_ids: Collection[str]) -> None:
    """Value orders of any strategy that wait for these instruments, in a transaction of its own.

    Two strategies may meet an instrument at once, one by a fill and one by an order. Each values after its own commit,
    so one of them sees the other. Authorization is correct without this.
    """
    try:
        await value_waiting(database, instrument_ids)
    except (DatabaseUnavailable, asyncpg.PostgresError):
        _LOG.warning("orders in %s are valued at their next event", ", ".join(sorted(instrument_ids)), exc_info=True)


async def record_in(work: WriteConnection, incoming: Sequence[Incoming]) -> BatchResult:
    """Record events in the caller's transaction. Commits nothing."""
    admitted = await admit(work, incoming)
    if not (admitted.arrivals or admitted.conflicts or admitted.signals):
        return BatchResult(duplicates=admitted.duplicates)
    return await apply_admitted(work, admitted)


async def apply_admitted(work: WriteConnection, admitted: Admitted, anew: Iterable[OrderKey] = ()) -> BatchResult:
    """Apply numbered events of locked strategies and write the changes; fold the orders in `anew` again."""
    with localcontext(EXACT):
        reports = [new for new in admitted.arrivals if type(new.event) in POSITION_EVENTS]
        news = (new for new in admitted.arrivals if type(new.event) not in POSITION_EVENTS)
        orders = await move_orders(work, news, anew)
        positions, reconciled = await book_and_reconcile(work, orders.fills, reports, admitted.strategies)
        book = await BudgetBook.of(admitted.strategies, time.time_ns()).fetch(work)
        holds = await reserve(work, orders.orders, positions, book)
        conflicts = [_conflict(arrival) for arrival in admitted.conflicts]
        orders.quarantined += conflicts
        await add_instruments(work, positions)
        signals = await add_signals(work, admitted.signals)
        feed = feed_write(
            strategies=admitted.new_strategies,
            orders=[*[change.key for change in orders.orders], *holds.moved],
            positions=positions,
            budgets=sorted({*book.changed, *_paid(positions)}),
            signals=signals.new,
        )
        writes = [
            *_event_writes(admitted, orders),
            *position_writes(positions),
            *reconciled.writes(),
            *signals.writes,
            *order_writes(orders.orders),
            totals.order_counts(orders.orders),
            strategy_write(admitted.strategies),
            *holds.writes(),
            *book.writes(),
            feed,
        ]
        await write(work, writes)
    quarantined = len(orders.quarantined)
    stored = len(admitted.arrivals) + len(admitted.conflicts)
    return BatchResult(
        accepted=stored - quarantined + len(signals.new),
        duplicates=admitted.duplicates + len(admitted.signals) - len(signals.new) - len(signals.conflicting),
        quarantined=quarantined,
        rejected=[_rejected(signal) for signal in signals.conflicting],
        assumed=set(positions.new_instruments),
        discrepancies=len({row[:2] for row in reconciled.found}),
        revaluable={*positions.new_instruments, *_unvalued_instruments(orders, holds)},
    )


def _unvalued_instruments(orders: OrderChanges, holds: HoldChanges) -> set[str]:
    """The unknown instruments of new orders, which could not be valued."""
    unvalued = {key for key, hold in holds.new.items() if hold.currency is None}
    return {change.state.instrument_id for change in orders.orders if change.key in unvalued} if unvalued else set()


def _paid(positions: PositionChanges) -> set[BudgetKey]:
    """The budgets whose realized PnL or fees changed."""
    booked_fills = (*positions.fills, *positions.revised)
    paid = {(booked.strategy_id, booked.outcome.settlement_currency) for booked in booked_fills}
    return paid | {(booked.strategy_id, booked.fill.commission_currency) for booked in positions.fills}


def _conflict(arrival: Arrival) -> Quarantine:
    key = (arrival.strategy_id, arrival.client_order_id)
    reason = "an event with this event_id and other content was recorded before"
    return quarantine_of(key, arrival.event, QuarantineCode.CONFLICTING_CONTENT, reason, arrival.variant)


def _rejected(signal: SignalArrival) -> Rejected:
    """A conflicting signal is rejected: it has no order, so it cannot be quarantined."""
    reason = "a signal with this event_id and other content was recorded before"
    return Rejected(signal.place, signal.event.event_id, QuarantineCode.CONFLICTING_CONTENT.value, reason)


def _event_writes(admitted: Admitted, orders: OrderChanges) -> list[TableWrite]:
    new = [QUARANTINED.row((), item) for item in orders.quarantined]
    revised = [QUARANTINED.row((), item) for item in orders.requarantined]
    return [
        event_write((*admitted.arrivals, *admitted.conflicts)),
        Delete(QuarantinedEvent, key_of(QuarantinedEvent), orders.released),
        Insert(QuarantinedEvent, QUARANTINED.columns, new),
        Merge(QuarantinedEvent, QUARANTINED.columns, revised),
    ]


_TOGETHER = 500
_OUTDATED = table_of(OutdatedOrder)
_STRATEGY_ID, _ORDER_ID = _OUTDATED.c.strategy_id, _OUTDATED.c.client_order_id
_IN_STRATEGY = _OUTDATED.c.strategy_id == parameter(1)
_STRATEGIES = sql(select(_STRATEGY_ID).distinct().order_by(_STRATEGY_ID))
_ORDERS = sql(select(_ORDER_ID).where(_IN_STRATEGY).order_by(_ORDER_ID).limit(parameter(2)))
_DONE = sql(delete(_OUTDATED).where(_IN_STRATEGY, is_any_of(_ORDER_ID, 2)))


async def refold_outdated(database: Database) -> int:
    """Fold all outdated orders again; returns their number. May be repeated. Raises DatabaseUnavailable."""
    async with database.read() as connection:
        strategy_ids = [str(row["strategy_id"]) for row in await connection.fetch(_STRATEGIES)]
    count = 0
    for strategy_id in strategy_ids:
        while (folded := await _refold_some(database, strategy_id)) > 0:
            count += folded
    return count


async def _refold_some(database: Database, strategy_id: str) -> int:
    async with database.unit_of_work() as work:
        strategies = await lock_strategies(work, [strategy_id])
        rows = await work.fetch(_ORDERS, strategy_id, _TOGETHER)
        client_order_ids = [row["client_order_id"] for row in rows]
        if not client_order_ids:
            return 0
        keys = [(strategy_id, client_order_id) for client_order_id in client_order_ids]
        recorded = await apply_admitted(work, Admitted(strategies), keys)
        await work.execute(_DONE, strategy_id, client_order_ids)
        await work.commit()
    if recorded.revaluable:
        await value_waiting_orders(database, recorded.revaluable)
    return len(client_order_ids)
