"""Implements `purser serve --demo`: loads the packaged recordings of backtests, with budgets."""

import asyncio
from pathlib import Path

from app.cli.api_keys import with_context
from app.cli.importing import run_import
from app.database.upgrade import connected
from app.demo.seed import DEMO, ORDERS, request_authorizations, set_up_strategies
from app.errors import OperationRefused
from app.settings import Settings

RECORDINGS = Path(__file__).parents[1] / "demo"

_IS_WANTED = """
SELECT NOT EXISTS (SELECT FROM strategies) OR EXISTS (SELECT FROM audit_entries WHERE actor = $1)
AND NOT EXISTS (SELECT FROM orders WHERE strategy_id = $2 AND client_order_id = $3)
"""


def load_demo(url: str, settings: Settings) -> None:
    """Fill a database without strategies, or finish an interrupted load; change no other database.

    Raises DatabaseUnavailable, OperationRefused if the package has no recordings.
    """
    recordings = sorted(RECORDINGS.glob("*.jsonl.gz"))
    if not recordings:
        raise OperationRefused(f"This installation has no demonstration data in {RECORDINGS}. Omit --demo.")
    if asyncio.run(_is_wanted(url)):
        with_context(url, settings, set_up_strategies)
        run_import(url, settings.pool_limits(), recordings)
        with_context(url, settings, request_authorizations)


async def _is_wanted(url: str) -> bool:
    async with connected(url) as connection:
        last = ORDERS[-1]
        return bool(await connection.fetchval(_IS_WANTED, DEMO.actor, last.strategy, last.client_order_id))
