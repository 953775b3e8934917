"""The demonstration: recordings of real backtests that come with the package."""

import asyncio
import gzip
from collections import deque
from pathlib import Path
from uuid import UUID

import orjson

from app.cli.importing import run_import
from app.database import PoolLimits
from app.database.upgrade import connect
from app.errors import OperationRefused

RECORDINGS = Path(__file__).parents[1] / "demo"


def import_demo_unless_there_is_data(url: str, limits: PoolLimits) -> None:
    """Fill a database that has no strategies yet, or finish an import that was cut off; leave any other alone.

    Raises DatabaseUnavailable, OperationRefused where the package has no recordings.
    """
    recordings = sorted(RECORDINGS.glob("*.jsonl.gz"))
    if not recordings:
        raise OperationRefused(f"This installation has no demonstration in {RECORDINGS}; leave out --demo.")
    if asyncio.run(_is_wanted(url, recordings)):
        run_import(url, limits, recordings)


async def _is_wanted(url: str, recordings: list[Path]) -> bool:
    ends = [_first_and_last_event(path) for path in recordings]
    connection = await connect(url)
    try:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM strategies)"):
            return True
        found = await connection.fetch(
            "SELECT event_id FROM order_events WHERE event_id = ANY($1)", [event for pair in ends for event in pair]
        )
    finally:
        await connection.close()
    known = {row["event_id"] for row in found}
    was_begun = any(first in known for first, _ in ends)
    return was_begun and not all(last in known for _, last in ends)


def _first_and_last_event(recording: Path) -> tuple[UUID, UUID]:
    with gzip.open(recording) as lines:
        first = next(lines)
        (last,) = deque(lines, maxlen=1)
    return _event_id(first), _event_id(last)


def _event_id(line: bytes) -> UUID:
    return UUID(orjson.loads(line)["event_id"])
