"""What administration leaves behind: the audit log, and the state of all trading."""

from uuid import UUID

import strawberry

from app.rules.enums import TradingState
from graphql_schema.types.fields import described
from graphql_schema.types.relay import Node
from graphql_schema.types.scalars import Document, Instant


@strawberry.type(
    description="What all trading may do. It stands beside each strategy's own state, and the stricter one decides."
)
class GlobalTradingState:
    """What all trading may do."""

    state: TradingState = described("What any strategy may do at most.")
    since: Instant | None = described("When it was set; null where it never was set.")
    actor: str | None = described("The key that set it, or `local`; null where it never was set.")


@strawberry.type(description="Who changed what, with before and after.")
class AuditEntry(Node):
    """Who changed what, with before and after."""

    ts: Instant = described("When.")
    actor: str = described("Who.")
    action: str = described("What was done.")
    entity_type: str = described("What kind of thing it was done to.")
    entity_id: str = described("The thing it was done to.")
    strategy_id: UUID | None = described("The strategy it was done to, where it was to one.")
    before: Document | None = described("How the thing stood before; null where it was not there.")
    after: Document | None = described("How it stands since; null where it is gone.")
    request_id: str | None = described("The request that did it.")
    hash: str = described("Chained to the entry before it, so that none can be changed or left out unseen.")
