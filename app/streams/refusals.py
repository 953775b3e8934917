"""Entries that cannot be recorded: logged, and copied to a stream of their own before they are acknowledged.

The engine may trim its streams at any time, so the copy is what remains. It has the fields of the original, so that it
can be followed like any other stream once the cause is removed.
"""

import logging
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import ResponseError
from redis.typing import EncodableT, FieldT

from app.event_codec import EVENT_BYTES_MAX
from app.ledger.batch import Rejected
from app.streams.entry_merge import Entry
from app.streams.stream_status import name_of

REFUSED_KEY = "purser:refused"
REFUSED_ENTRIES_MAX = 10_000
"""About as many of the latest refusals are kept."""
LOGGED_MAX = 20
"""Refusals of one batch that are logged one by one."""

_LOG = logging.getLogger("purser.stream")


async def keep_refused(client: "Redis", group: str, refused: Sequence[tuple[Entry, Rejected]]) -> None:
    """Log refused entries, and move each to REFUSED_KEY: copied and acknowledged in one transaction.

    Raises RedisError if Redis is lost; if Redis refuses the copies, that is logged.
    """
    for entry, reason in refused[:LOGGED_MAX]:
        event = f" (event {reason.event_id})" if reason.event_id else ""
        _LOG.error("refused %s %s: %s: %s%s", name_of(entry.key), entry.id.decode(), reason.code, reason.message, event)
    if len(refused) > LOGGED_MAX:
        _LOG.error("refused %d more", len(refused) - LOGGED_MAX)
    pipeline = client.pipeline(transaction=True)
    for entry, reason in refused:
        # A refusal that is read again stays where it is.
        if entry.key != REFUSED_KEY.encode():
            pipeline.xadd(REFUSED_KEY, _copy_of(entry, reason), maxlen=REFUSED_ENTRIES_MAX, approximate=True)
        pipeline.xack(entry.key, group, entry.id)
    try:
        await pipeline.execute()
    except ResponseError as error:
        _LOG.error("%d refused entries cannot be copied to %s: %s", len(refused), REFUSED_KEY, error)


def _copy_of(entry: Entry, reason: Rejected) -> dict[FieldT, EncodableT]:
    copy: dict[FieldT, EncodableT] = {"key": entry.key, "id": entry.id}
    copy |= {"code": reason.code, "message": reason.message, "event_id": reason.event_id or ""}
    if entry.topic is not None:
        copy["topic"] = entry.topic
    if entry.payload is not None and len(entry.payload) <= EVENT_BYTES_MAX:
        copy["payload"] = entry.payload
    return copy
