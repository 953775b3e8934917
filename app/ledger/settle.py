"""Holds that waited for an instrument to become known, or whose instrument is valued otherwise now."""

from collections.abc import Iterable
from decimal import localcontext
from time import time_ns

from app.database import Database, WriteConnection
from app.ledger.budgets import BudgetBook
from app.ledger.effects import feed_part
from app.ledger.holds import tie_up
from app.ledger.locks import lock_strategies
from app.ledger.orders import OrderChange, load_states
from app.ledger.positions import PositionChanges
from app.ledger.writing import write
from app.models.order import OPEN
from app.rules.enums import JournalReason
from app.rules.money import EXACT

_STRATEGIES = f"SELECT DISTINCT strategy_id FROM orders WHERE instrument_id = ANY($1) AND {OPEN}"
_ORDERS = f"""
SELECT strategy_id, client_order_id FROM orders
WHERE instrument_id = ANY($1) AND strategy_id = ANY($2) AND {OPEN} ORDER BY ts_init, client_order_id
"""
_WAITING = f"""
SELECT DISTINCT o.instrument_id FROM instruments i JOIN orders o ON o.instrument_id = i.instrument_id AND {OPEN}
JOIN holds h ON h.strategy_id = o.strategy_id AND h.client_order_id = o.client_order_id WHERE h.currency IS NULL
"""


async def settle(work: WriteConnection, instrument_ids: Iterable[str]) -> None:
    """Value the open orders of these instruments anew. Locks their strategies; commits nothing."""
    instruments = list(instrument_ids)
    concerned = [str(row["strategy_id"]) for row in await work.fetch(_STRATEGIES, instruments)]
    if not concerned:
        return
    await lock_strategies(work, concerned)
    keys = [
        (str(row["strategy_id"]), row["client_order_id"]) for row in await work.fetch(_ORDERS, instruments, concerned)
    ]
    if not keys:
        return
    states, _ = await load_states(work, keys)
    orders = [OrderChange(key, states[key], 0, states[key].status, states[key].instrument_id) for key in keys]
    with localcontext(EXACT):
        book = await BudgetBook.load(work, concerned, time_ns())
        holds = await tie_up(work, orders, PositionChanges(), book, JournalReason.REVALUED)
        feed = feed_part(orders=[*holds.new, *holds.moved], budgets=book.changed)
        await write(work, [*holds.parts(), *book.parts(), feed])


async def settle_waiting(database: Database) -> None:
    """Place what still waits though its instrument is known: whoever made it known may have been cut off."""
    async with database.unit_of_work() as work:
        waiting = [row["instrument_id"] for row in await work.fetch(_WAITING)]
        if waiting:
            await settle(work, waiting)
            await work.commit()
