"""Revalues everything in an instrument whose terms became known or were corrected, and orders without a value.

    instruments ─> positions and fills ─> discrepancies ─> totals ─> holds ─> budgets, journal, change feed

The transaction that records the instrument does all of this. `value_waiting` is a convenience: authorization values
the orders of its strategies before it grants anything.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, localcontext
from time import time_ns

from sqlalchemy import delete, select, true, update

from app.database import Database, WriteConnection
from app.ledger.batch import OrderKey, PositionChanges
from app.ledger.folding.orders import OrderChange, load_states
from app.ledger.folding.positions import START, recompute, valuations_of
from app.ledger.folding.reconciliation import reconcile
from app.ledger.folding.totals import rebuild_fill_sums
from app.ledger.holds.budgets import BudgetBook
from app.ledger.holds.exposure import Market, UnvaluedOrder, load_holds, load_last_prices
from app.ledger.holds.holds import reserve, value_ended
from app.ledger.storage.locks import LockedStrategy, lock_all_strategies, lock_strategies
from app.ledger.storage.queries import is_any_of, sql
from app.ledger.storage.row_mapping import table_of
from app.ledger.storage.row_writes import feed_write, moved_position_writes, revised_fill_write
from app.ledger.storage.rows import HOLD_STATE, HOLDS
from app.ledger.storage.writing import Update, write
from app.models.administration import Strategy
from app.models.instruments import PendingRevaluation
from app.models.orders import OPEN, Hold, Position
from app.rules.enums import JournalReason
from app.rules.money import EXACT
from app.rules.valuation import Valuation, assumed

_PLACES, _STRATEGIES, _INSTRUMENTS = table_of(Position).c, table_of(Strategy), table_of(PendingRevaluation)
_KEY = (_PLACES.strategy_id, _PLACES.position_id)
_POSITIONS = sql(select(*_KEY).distinct().where(is_any_of(_PLACES.instrument_id, 1)).order_by(*_KEY))
_OPEN_ORDERS = f"""
SELECT strategy_id::text, client_order_id FROM orders
WHERE instrument_id = ANY($1) AND {OPEN} ORDER BY ts_init, client_order_id
"""
_ENDED_HOLDS = f"""
SELECT o.instrument_id, h.* FROM orders o
JOIN holds h ON h.strategy_id = o.strategy_id AND h.client_order_id = o.client_order_id
WHERE o.instrument_id = ANY($1) AND NOT ({OPEN}) AND h.currency IS NOT NULL
"""
_WAITING = f"""
SELECT h.strategy_id::text, h.client_order_id, o.instrument_id, {OPEN} AS is_open FROM holds h
JOIN orders o ON o.strategy_id = h.strategy_id AND o.client_order_id = h.client_order_id
JOIN instruments i ON i.instrument_id = o.instrument_id
WHERE h.currency IS NULL ORDER BY o.ts_init, h.client_order_id
"""
_TRADED = sql(select(_PLACES.instrument_id).distinct().where(is_any_of(_PLACES.strategy_id, 1)))
_IS_NAMED = is_any_of(_STRATEGIES.c.strategy_id, 1)
_NOTE_DEDUCTING = sql(update(_STRATEGIES).values(deducts_base_fees=true()).where(_IS_NAMED))
_PENDING = sql(select(_INSTRUMENTS.c.instrument_id).order_by(_INSTRUMENTS.c.instrument_id))
_DONE = sql(delete(_INSTRUMENTS).where(is_any_of(_INSTRUMENTS.c.instrument_id, 1)))


async def revalue(
    work: WriteConnection, strategies: Mapping[str, LockedStrategy], before: Mapping[str, Valuation | None]
) -> None:
    """Revalue everything in these instruments by their stored terms; `before` has the previous valuations.

    `strategies` are all strategies, locked. Commits nothing.
    """
    instruments = sorted(before)
    with localcontext(EXACT):
        positions, deducting = await _revalue_positions(work, strategies, instruments)
        if deducting:
            # With the base currency known, reports may show that an engine deducts base fees everywhere.
            for strategy_id in deducting:
                strategies[strategy_id].deducts_base_fees = True
            await work.execute(_NOTE_DEDUCTING, sorted(deducting))
            traded = await work.fetch(_TRADED, sorted(deducting))
            instruments = sorted({*instruments, *(row["instrument_id"] for row in traded)})
            positions, _ = await _revalue_positions(work, strategies, instruments)
        await rebuild_fill_sums(work, instruments)
        known = {one: valuation for one, valuation in before.items() if valuation is not None}
        keys = [(row[0], row[1]) for row in await work.fetch(_OPEN_ORDERS, instruments)]
        await _rehold(work, keys, positions, valued_before=known)
        await _convert_ended(work, instruments, known)
        waiting = await _waiting(work, instruments)
        await _value_ended(work, [key for key, is_open in waiting.items() if not is_open])


async def _revalue_positions(
    work: WriteConnection, strategies: Mapping[str, LockedStrategy], instruments: Sequence[str]
) -> tuple[PositionChanges, set[str]]:
    """Recompute all positions in the instruments and write their fills, but not the positions themselves.

    Also returns the strategies whose engine turns out to deduct base fees.
    """
    deducting: set[str] = set()
    total = PositionChanges(valuations=await valuations_of(instruments).fetch(work))
    for strategy_id, position_id in await work.fetch(_POSITIONS, instruments):
        key = (str(strategy_id), position_id)
        deducts = strategies[key[0]].deducts_base_fees
        changes = PositionChanges(valuations=total.valuations)
        await recompute(work, key, [], changes, deducts_base_fees=deducts, since=START)
        compared = await reconcile(work, {}, changes, strategies)
        deducting |= compared.deducting
        changes.records = {place: record for place, record in changes.records.items() if record.is_changed}
        await write(work, [revised_fill_write(changes), *compared.writes(), feed_write(positions=changes)])
        total.records |= changes.records
        total.removed |= changes.removed
    return total, deducting


async def _rehold(
    work: WriteConnection,
    keys: Sequence[OrderKey],
    positions: PositionChanges,
    *,
    valued_before: Mapping[str, Valuation] | None = None,
    prices: Mapping[Market, Decimal] | None = None,
) -> bool:
    """Update and write the holds of open orders and the reservations of positions. Returns whether any hold changed."""
    states, _ = await load_states(work, keys)
    orders = [OrderChange(key, states[key], 0, states[key]) for key in keys]
    concerned = {key[0] for key in keys} | {place[0] for place in (*positions.records, *positions.removed)}
    book = await BudgetBook.of(sorted(concerned), time_ns()).fetch(work)
    holds = await reserve(
        work, orders, positions, book, JournalReason.REVALUED, valued_before=valued_before, prices=prices
    )
    feed = feed_write(orders=[*holds.new, *holds.moved], budgets=book.changed)
    await write(work, [*moved_position_writes(positions), *holds.writes(), *book.writes(), feed])
    return bool(holds.new or holds.moved)


async def _convert_ended(work: WriteConnection, instruments: Sequence[str], before: Mapping[str, Valuation]) -> None:
    """Convert the holds of ended orders to the new valuation."""
    after = await valuations_of(instruments).fetch(work)
    changed = [one for one in instruments if one not in before or before[one].terms != after[one].terms]
    if not changed:
        return
    rows = []
    for row in await work.fetch(_ENDED_HOLDS, changed):
        hold, instrument_id = HOLD_STATE.read(row), row["instrument_id"]
        hold.convert(before.get(instrument_id, assumed(row["currency"])), after[instrument_id])
        rows.append(HOLDS.row((str(row["strategy_id"]), row["client_order_id"]), hold))
    await write(work, [Update(Hold, HOLDS.columns, rows)])


async def _value_ended(work: WriteConnection, keys: Sequence[OrderKey]) -> None:
    """Void the holds of orders that ended before their instruments were known."""
    if not keys:
        return
    states, _ = await load_states(work, keys)
    holds = await load_holds(work, keys)
    valuations = await valuations_of({states[key].instrument_id for key in keys}).fetch(work)
    for key in keys:
        value_ended(key, states[key], holds[key], valuations[states[key].instrument_id])
    rows = [HOLDS.row(key, holds[key]) for key in keys]
    await write(work, [Update(Hold, HOLDS.columns, rows), feed_write(orders=keys)])


async def value_open_orders(work: WriteConnection, unvalued: Sequence[UnvaluedOrder]) -> bool:
    """Value open orders whose hold was unknown, if their instrument or a last price is known now.

    Their strategies must be locked. Returns whether any order was valued. Writes; commits nothing.
    """
    known = await valuations_of({order.instrument_id for order in unvalued}).fetch(work)
    prices = await load_last_prices(work, {(order.strategy_id, order.instrument_id) for order in unvalued})
    keys = [
        (order.strategy_id, order.client_order_id)
        for order in unvalued
        if order.instrument_id in known
        and (order.currency is None or (order.strategy_id, order.instrument_id) in prices)
    ]
    if not keys:
        return False
    with localcontext(EXACT):
        return await _rehold(work, keys, PositionChanges(), prices=prices)


async def value_waiting(database: Database, instrument_ids: Collection[str] | None = None) -> None:
    """Value orders, open or ended, whose instrument has become known since. `instrument_ids` None: any instrument."""
    async with database.unit_of_work() as work:
        waiting = await _waiting(work, instrument_ids)
        if not waiting:
            return
        strategies = await lock_strategies(work, {strategy_id for strategy_id, _ in waiting})
        # An order of another strategy may have arrived meanwhile. Its writer values it.
        found = await _waiting(work, instrument_ids)
        is_open = {key: still_open for key, still_open in found.items() if key[0] in strategies}
        with localcontext(EXACT):
            await _value_ended(work, [key for key, still_open in is_open.items() if not still_open])
            await _rehold(work, [key for key, still_open in is_open.items() if still_open], PositionChanges())
            await work.commit()


async def _waiting(work: WriteConnection, instrument_ids: Collection[str] | None) -> dict[OrderKey, bool]:
    """Orders in known instruments whose holds have no currency, and whether they are open."""
    rows = await work.fetch(_WAITING)
    return {
        (row["strategy_id"], row["client_order_id"]): row["is_open"]
        for row in rows
        if instrument_ids is None or row["instrument_id"] in instrument_ids
    }


async def revalue_pending(database: Database) -> None:
    """Recompute what an earlier release stored by older rules, once after an upgrade of the schema."""
    async with database.unit_of_work() as work:
        if not await work.fetch(_PENDING):
            return
        strategies = await lock_all_strategies(work)
        pending = [row["instrument_id"] for row in await work.fetch(_PENDING)]
        known = await valuations_of(pending).fetch(work)
        await revalue(work, strategies, {one: known.get(one) for one in pending})
        await work.execute(_DONE, pending)
        await work.commit()
