"""What can be subscribed to.

An event has the changed row as JSON (`JsonByAlias`) in the place of the object that its type declares: the executor
takes it as it is.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.feed.changes import Change
from app.reads.catalogue.administration import AUDIT_ENTRY, STRATEGY
from app.reads.catalogue.budget import BUDGET
from app.reads.catalogue.fill import FILL
from app.reads.catalogue.trading import ORDER, POSITION
from app.reads.lookups import Key
from graphql_schema.caller import Info
from graphql_schema.live.events import EventSource, follow
from graphql_schema.schema.inputs import FillFilter, OrderFilter, PositionFilter, StrategyFilter
from graphql_schema.types.administration import AuditEntry, Budget
from graphql_schema.types.fields import argument, described, matching, object_type, taking
from graphql_schema.types.trading import Fill, Order, Position, Strategy

_AFTER: Any = Annotated[
    str | None,
    argument(
        "Resume after this cursor, taken from an event or from `feedCursor`: every later change is sent "
        "exactly once. By default, only changes from now on."
    ),
]

_CURSOR = "The event's cursor; pass it as `after` to resume."


@object_type
class StrategyChange:
    """A strategy was registered, or its trading state changed."""

    cursor: str = described(_CURSOR)
    strategy: Strategy = described("The strategy when the event is sent.")


@object_type
class OrderChange:
    """An order was created or changed."""

    cursor: str = described(_CURSOR)
    order: Order = described("The order when the event is sent.")


@object_type
class FillChange:
    """A fill was recorded or recomputed."""

    cursor: str = described(_CURSOR)
    fill: Fill = described("The fill when the event is sent.")


@object_type
class PositionChange:
    """A position was opened or changed."""

    cursor: str = described(_CURSOR)
    position: Position = described("The position when the event is sent.")


@object_type
class BudgetChange:
    """A budget was set, used or deleted."""

    cursor: str = described(_CURSOR)
    strategy_id: UUID = described("The strategy's id.")
    currency: str = described("The budget's currency.")
    budget: Budget | None = described("The budget when the event is sent; null if it was deleted.")


@object_type
class AuditChange:
    """An audited change: a person or an API key changed something."""

    cursor: str = described(_CURSOR)
    entry: AuditEntry = described("The audit entry.")


def _position_key(change: Change) -> Key:
    position_id, _, n = change.key.rpartition(":")
    return (change.strategy_id, int(n), position_id)


SOURCES = {
    "strategies": EventSource("strategy", STRATEGY, lambda change: (change.strategy_id,), "strategy"),
    "orders": EventSource("order", ORDER, lambda change: (change.strategy_id, change.key), "order"),
    "fills": EventSource("fill", FILL, lambda change: (change.strategy_id, UUID(change.key)), "fill"),
    "positions": EventSource("position", POSITION, _position_key, "position"),
    "budgets": EventSource(
        "budget",
        BUDGET,
        lambda change: (change.strategy_id, change.key),
        "budget",
        has_deletions=True,
        more={"strategy_id": lambda change: change.strategy_id, "currency": lambda change: change.key},
    ),
    "auditLog": EventSource("audit", AUDIT_ENTRY, lambda change: (int(change.key),), "entry"),
}
"""What each field of `Subscription` follows, by its GraphQL name."""


def _events(description: str, change_type: type, source: EventSource, **arguments: Any) -> Any:
    """A field whose events are of the type: a cursor, the changed row, and `more` of the change."""

    async def subscribe(info: Info, **_: Any) -> AsyncGenerator[Any, None]:
        async with aclosing(follow(info, source)) as events:
            async for followed, row in events:
                more = {name: read(followed.change) for name, read in source.more.items()}
                yield change_type(cursor=followed.cursor, **{source.node: row}, **more)

    return strawberry.subscription(resolver=taking({**arguments, "after": _AFTER}, subscribe), description=description)


@object_type
class Subscription:
    """The subscriptions, over WebSocket (`graphql-transport-ws`) or server-sent events."""

    strategies: AsyncGenerator[StrategyChange, None] = _events(
        "Strategies that are registered, or whose `state` or `ownState` changes. The filter applies to "
        "the strategy when the event is sent.",
        StrategyChange,
        SOURCES["strategies"],
        filter=matching(StrategyFilter),
    )
    orders: AsyncGenerator[OrderChange, None] = _events(
        "Orders that are created or change. The filter applies to the order when the event is sent.",
        OrderChange,
        SOURCES["orders"],
        filter=matching(OrderFilter),
    )
    fills: AsyncGenerator[FillChange, None] = _events(
        "Fills that are recorded, or recomputed because of a late fill or a recorded instrument.",
        FillChange,
        SOURCES["fills"],
        filter=matching(FillFilter),
    )
    positions: AsyncGenerator[PositionChange, None] = _events(
        "Positions that are opened or change. The filter applies to the position when the event is sent.",
        PositionChange,
        SOURCES["positions"],
        filter=matching(PositionFilter),
    )
    budgets: AsyncGenerator[BudgetChange, None] = _events(
        "Budgets that are set, used or deleted, or whose fills realize PnL.",
        BudgetChange,
        SOURCES["budgets"],
        strategy_id=Annotated[UUID | None, argument("Only budgets of this strategy.")],
    )
    audit_log: AsyncGenerator[AuditChange, None] = _events(
        "Entries of the audit log as they are written.",
        AuditChange,
        SOURCES["auditLog"],
    )
