"""What can be subscribed to.

An event has the changed row as JSON (`JsonByAlias`) in the place of the object that its type declares: the executor
takes it as it is.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, TypeAlias, cast
from uuid import UUID

import strawberry
from strawberry import UNSET

from app.feed.changes import Change
from app.reads import Key
from app.reads.catalogue import AUDIT_ENTRY, BUDGET, FILL, ORDER, POSITION, STRATEGY
from graphql_schema.caller import Info
from graphql_schema.live.events import EventSource, follow
from graphql_schema.types.administration import AuditEntry, Budget
from graphql_schema.types.fields import argument, described, object_type
from graphql_schema.types.trading import (
    Fill,
    FillsWanted,
    Order,
    OrdersWanted,
    Position,
    PositionsWanted,
    StrategiesWanted,
    Strategy,
)

Resumed: TypeAlias = Annotated[
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


_STRATEGIES = EventSource("strategy", STRATEGY, lambda change: (change.strategy_id,), "strategy")
_ORDERS = EventSource("order", ORDER, lambda change: (change.strategy_id, change.key), "order")
_FILLS = EventSource("fill", FILL, lambda change: (change.strategy_id, UUID(change.key)), "fill")
_POSITIONS = EventSource("position", POSITION, _position_key, "position")
_BUDGETS = EventSource("budget", BUDGET, lambda change: (change.strategy_id, change.key), "budget", has_deletions=True)
_AUDIT_LOG = EventSource("audit", AUDIT_ENTRY, lambda change: (int(change.key),), "entry")


async def _strategies(
    info: Info, filter: StrategiesWanted = UNSET, after: Resumed = UNSET
) -> AsyncGenerator[StrategyChange, None]:
    async with aclosing(follow(info, _STRATEGIES)) as events:
        async for followed, row in events:
            yield StrategyChange(cursor=followed.cursor, strategy=cast(Strategy, row))


async def _orders(
    info: Info, filter: OrdersWanted = UNSET, after: Resumed = UNSET
) -> AsyncGenerator[OrderChange, None]:
    async with aclosing(follow(info, _ORDERS)) as events:
        async for followed, row in events:
            yield OrderChange(cursor=followed.cursor, order=cast(Order, row))


async def _fills(info: Info, filter: FillsWanted = UNSET, after: Resumed = UNSET) -> AsyncGenerator[FillChange, None]:
    async with aclosing(follow(info, _FILLS)) as events:
        async for followed, row in events:
            yield FillChange(cursor=followed.cursor, fill=cast(Fill, row))


async def _positions(
    info: Info, filter: PositionsWanted = UNSET, after: Resumed = UNSET
) -> AsyncGenerator[PositionChange, None]:
    async with aclosing(follow(info, _POSITIONS)) as events:
        async for followed, row in events:
            yield PositionChange(cursor=followed.cursor, position=cast(Position, row))


async def _budgets(
    info: Info,
    strategy_id: Annotated[UUID | None, argument("Only budgets of this strategy.")] = UNSET,
    after: Resumed = UNSET,
) -> AsyncGenerator[BudgetChange, None]:
    async with aclosing(follow(info, _BUDGETS)) as events:
        async for followed, row in events:
            change = followed.change
            yield BudgetChange(
                cursor=followed.cursor,
                strategy_id=change.strategy_id,
                currency=change.key,
                budget=cast(Budget, row),
            )


async def _audit_log(info: Info, after: Resumed = UNSET) -> AsyncGenerator[AuditChange, None]:
    async with aclosing(follow(info, _AUDIT_LOG)) as events:
        async for followed, row in events:
            yield AuditChange(cursor=followed.cursor, entry=cast(AuditEntry, row))


@object_type
class Subscription:
    """The subscriptions, over WebSocket (`graphql-transport-ws`)."""

    strategies: AsyncGenerator[StrategyChange, None] = strawberry.subscription(
        resolver=_strategies,
        description="Strategies that are registered, or whose `state` or `ownState` changes. The filter applies to "
        "the strategy when the event is sent.",
    )
    orders: AsyncGenerator[OrderChange, None] = strawberry.subscription(
        resolver=_orders,
        description="Orders that are created or change. The filter applies to the order when the event is sent.",
    )
    fills: AsyncGenerator[FillChange, None] = strawberry.subscription(
        resolver=_fills,
        description="Fills that are recorded, or recomputed because of a late fill or a recorded instrument.",
    )
    positions: AsyncGenerator[PositionChange, None] = strawberry.subscription(
        resolver=_positions,
        description="Positions that are opened or change. The filter applies to the position when the event is sent.",
    )
    budgets: AsyncGenerator[BudgetChange, None] = strawberry.subscription(
        resolver=_budgets, description="Budgets that are set, used or deleted, or whose fills realize PnL."
    )
    audit_log: AsyncGenerator[AuditChange, None] = strawberry.subscription(
        resolver=_audit_log, description="Entries of the audit log as they are written."
    )
