"""Events that Purser adds to an order's history itself: authorizations, releases, and what became of quarantine."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from app.database import WriteConnection
from app.event_codec import decode_stored
from app.ledger.batch import OrderKey
from app.ledger.storage.locks import LockedStrategy
from app.ledger.storage.queries import array_source, join_by
from app.ledger.storage.row_mapping import Row
from app.ledger.storage.rows import EVENT_COLUMNS, own_event_row
from app.ledger.storage.writing import Insert, TableWrite
from app.models import OrderEvent
from app.rules.events import AnyOwnEvent, AuthorizationGranted

_DECISIONS = f"""
SELECT e.strategy_id, e.client_order_id, e.payload FROM {array_source("strategy_id uuid", "event_id uuid")} k
{join_by("order_events", "e", "k", "strategy_id", "event_id", also="variant = 0")}
"""


def decision_id(strategy_id: str, client_order_id: str) -> str:
    """The id of the one event that says whether the order may leave."""
    return _derived("authorization", strategy_id, client_order_id)


def release_id(strategy_id: str, client_order_id: str) -> str:
    """The id of the one event that says that the order was given up."""
    return _derived("release", strategy_id, client_order_id)


def resolution_id(strategy_id: str, event_id: str, variant: int, action: str) -> str:
    """The id of the one event that says that an event in quarantine was resolved so."""
    return _derived(f"quarantine\n{action}", strategy_id, f"{event_id}\n{variant}")


def _derived(kind: str, strategy_id: str, client_order_id: str) -> str:
    """As a version 8 UUID (RFC 9562), by hand: `uuid5` takes four times as long, and each order needs one."""
    name = f"purser\n{kind}\n{strategy_id}\n{client_order_id}".encode("utf-8", "replace")
    digits = blake2b(name, digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


async def load_decisions(work: WriteConnection, orders: Iterable[OrderKey]) -> dict[OrderKey, AuthorizationGranted]:
    """What was decided about these orders before."""
    ids = [(key[0], decision_id(*key)) for key in orders]
    rows = await work.fetch(_DECISIONS, *map(list, zip(*ids, strict=True)))
    decisions: dict[OrderKey, AuthorizationGranted] = {}
    for row in rows:
        event = decode_stored(row["payload"])
        assert isinstance(event, AuthorizationGranted)
        decisions[str(row["strategy_id"]), row["client_order_id"]] = event
    return decisions


def numbered_row(strategy_id: str, strategy: LockedStrategy, event: AnyOwnEvent) -> Row:
    """The event as the next of its strategy."""
    strategy.event_seq += 1
    return own_event_row(strategy_id, strategy.event_seq, event)


def event_write(rows: Sequence[Row]) -> TableWrite:
    """Numbered events, to be written."""
    return Insert(OrderEvent, EVENT_COLUMNS, rows)
