"""Purser's own events in an order's history: authorizations, releases, and resolutions of quarantined events."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec

from app.database import WriteConnection
from app.event_codec import decode_stored
from app.ledger.batch import Arrival, OrderKey
from app.ledger.storage.locks import LockedStrategy
from app.ledger.storage.queries import array_source, arrays_of, look_up
from app.ledger.storage.rows import EVENT_COLUMNS, event_row
from app.ledger.storage.writing import Insert, TableWrite
from app.models.orders import OrderEvent
from app.rules.events import AnyDecision, AnyOwnEvent

_IDS = array_source("strategy_id uuid", "event_id uuid")
_DECISIONS = look_up("order_events", _IDS, "t.strategy_id, t.client_order_id, t.payload", also="variant = 0")
_json = msgspec.json.Encoder().encode


AUTHORIZATION, RELEASE, QUARANTINE = "authorization", "release", "quarantine"


def own_event_id(*parts: str) -> str:
    """The id of Purser's one event of a kind on an order, or of an action on a quarantined event, from what names it.

    A UUID of version 8 (RFC 9562), built by hand: `uuid5` takes four times as long, and each order needs one.
    """
    name = "\n".join(("purser", *parts)).encode("utf-8", "replace")
    digits = blake2b(name, digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


async def load_decisions(work: WriteConnection, orders: Iterable[OrderKey]) -> dict[OrderKey, AnyDecision]:
    """The earlier decisions on these orders."""
    rows = await work.fetch(_DECISIONS, *arrays_of((key[0], own_event_id(AUTHORIZATION, *key)) for key in orders))
    decisions: dict[OrderKey, AnyDecision] = {}
    for row in rows:
        event = decode_stored(row["payload"])
        assert isinstance(event, AnyDecision)
        decisions[str(row["strategy_id"]), row["client_order_id"]] = event
    return decisions


def numbered(strategy_id: str, strategy: LockedStrategy, event: AnyOwnEvent) -> Arrival:
    """The event with the strategy's next number. Advances `strategy.event_seq`."""
    strategy.event_seq += 1
    return Arrival(strategy_id, strategy.event_seq, event, _json(event).decode())


def event_write(arrivals: Sequence[Arrival]) -> TableWrite:
    """Numbered events as rows of `order_events`."""
    return Insert(OrderEvent, EVENT_COLUMNS, arrivals, event_row)
