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

from app.feed import Change
from app.reads import Key
from app.reads.catalogue import AUDIT_ENTRY, BUDGET, FILL, ORDER, POSITION, STRATEGY
from graphql_schema.caller import Info
from graphql_schema.live.events import EventSource, follow
from graphql_schema.types.administration import AuditEntry
from graphql_schema.types.fields import argument, described
from graphql_schema.types.trading import (
    Budget,
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
        "Go on after this cursor, of an event or of `feedCursor`: nothing is missed, nothing comes twice. From now on "
        "unless given."
    ),
]

_CURSOR = "The place of the event; for `after`."


@strawberry.type(description="A strategy was made, or may do something else now.")
class StrategyChange:
    """A strategy was made, or may do something else now."""

    cursor: str = described(_CURSOR)
    strategy: Strategy = described("The strategy, as it stands when the event is sent.")


@strawberry.type(description="An order was made, or changed.")
class OrderChange:
    """An order was made, or changed."""

    cursor: str = described(_CURSOR)
    order: Order = described("The order, as it stands when the event is sent.")


@strawberry.type(description="A fill was recorded, or computed anew.")
class FillChange:
    """A fill was recorded, or computed anew."""

    cursor: str = described(_CURSOR)
    fill: Fill = described("The fill, as it stands when the event is sent.")


@strawberry.type(description="A position was opened, or changed.")
class PositionChange:
    """A position was opened, or changed."""

    cursor: str = described(_CURSOR)
    position: Position = described("The position, as it stands when the event is sent.")


@strawberry.type(description="A budget was set, used, or taken away.")
class BudgetChange:
    """A budget was set, used, or taken away."""

    cursor: str = described(_CURSOR)
    strategy_id: UUID = described("Whose it is.")
    currency: str = described("What it is in.")
    budget: Budget | None = described("The budget, as it stands when the event is sent; null where it was taken away.")


@strawberry.type(description="Somebody changed something.")
class AuditChange:
    """Somebody changed something."""

    cursor: str = described(_CURSOR)
    entry: AuditEntry = described("The entry.")


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
    strategy_id: Annotated[UUID | None, argument("Only this strategy's.")] = UNSET,
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


@strawberry.type(description="Everything that can be followed, over a WebSocket (`graphql-transport-ws`).")
class Subscription:
    """Everything that can be followed."""

    strategies: AsyncGenerator[StrategyChange, None] = strawberry.subscription(
        resolver=_strategies,
        description="Strategies that are made, and strategies whose `state` or `ownState` changes, also by a change of "
        "`tradingState`. A filter is asked of the strategy as it is sent.",
    )
    orders: AsyncGenerator[OrderChange, None] = strawberry.subscription(
        resolver=_orders, description="Orders that are made or change. A filter is asked of the order as it is sent."
    )
    fills: AsyncGenerator[FillChange, None] = strawberry.subscription(
        resolver=_fills,
        description="Fills that are recorded, or computed anew because an earlier one came late or the instrument was "
        "recorded.",
    )
    positions: AsyncGenerator[PositionChange, None] = strawberry.subscription(
        resolver=_positions,
        description="Positions that are opened or change. A filter is asked of the position as it is sent.",
    )
    budgets: AsyncGenerator[BudgetChange, None] = strawberry.subscription(
        resolver=_budgets, description="Budgets that are set, used or taken away, and what their fills realize."
    )
    audit_log: AsyncGenerator[AuditChange, None] = strawberry.subscription(
        resolver=_audit_log, description="What people and keys change, as they do."
    )
