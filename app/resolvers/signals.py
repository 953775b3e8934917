"""Signals."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads import Answer, Want, answer
from app.reads.catalogue import SIGNAL
from app.resolvers.context import Context


async def list_signals(context: Context, principal: Principal, want: Want, values: Sequence[Any] = ()) -> Answer:
    """Signals, newest first."""
    return await answer(context.database, principal, SIGNAL, want, values)
