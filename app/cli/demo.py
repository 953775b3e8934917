"""The demonstration: recordings of real backtests that come with the package."""

import asyncio
from pathlib import Path

from app.cli.importing import import_files
from app.database import PoolLimits
from app.database.upgrade import connect
from app.errors import OperationRefused

RECORDINGS = Path(__file__).parents[1] / "demo"


def import_demo_unless_there_is_data(url: str, limits: PoolLimits) -> None:
    """Fill a database that has no strategies yet; any other is left alone.

    Raises BadInputError, DatabaseUnavailable, OperationRefused where the package has no recordings.
    """
    if asyncio.run(_has_strategies(url)):
        return
    recordings = sorted(RECORDINGS.glob("*.jsonl.gz"))
    if not recordings:
        raise OperationRefused(f"This installation has no demonstration in {RECORDINGS}; leave out --demo.")
    asyncio.run(import_files(url, limits, recordings))


async def _has_strategies(url: str) -> bool:
    connection = await connect(url)
    try:
        return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM strategies)"))
    finally:
        await connection.close()
