"""Folds orders that an earlier release folded by other rules: once after an upgrade, before anything else."""

from sqlalchemy import delete, select

from app.database import Database
from app.ledger.batch import Admitted
from app.ledger.recording.record import apply_admitted, value_waiting_orders
from app.ledger.storage.locks import lock_strategies
from app.ledger.storage.queries import is_any_of, parameter, sql
from app.ledger.storage.row_mapping import table_of
from app.models import OutdatedOrder

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
