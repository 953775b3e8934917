"""The audit log."""

from collections.abc import Sequence
from typing import Any

from app.principal import Principal
from app.reads import Answer, ReadQuery, answer
from app.reads.catalogue import AUDIT_ENTRY
from app.resolvers.context import Context


async def list_audit_entries(
    context: Context, principal: Principal, query: ReadQuery, values: Sequence[Any] = ()
) -> Answer:
    """Audit entries, newest first."""
    return await answer(context.database, principal, AUDIT_ENTRY, query, values)
