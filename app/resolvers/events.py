"""Engine events."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads import Answer, Want, answer
from app.reads.catalogue import QUARANTINED_EVENT
from app.resolvers.context import Context


async def list_quarantined_events(
    context: Context, principal: Principal, want: Want, values: Sequence[Any] = ()
) -> Answer:
    """Events that are stored but not applied, newest first."""
    return await answer(context.database, principal, QUARANTINED_EVENT, want, values)
