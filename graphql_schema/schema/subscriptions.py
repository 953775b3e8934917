"""What can be subscribed to. A field says which entity of the change feed it follows; `live` does the following."""

from collections.abc import AsyncGenerator
from typing import Annotated, TypeAlias
from uuid import UUID

import strawberry
from strawberry import UNSET

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


async def _strategies(filter: StrategiesWanted = UNSET, after: Resumed = UNSET) -> AsyncGenerator[StrategyChange, None]:
    raise NotImplementedError
    yield


async def _orders(filter: OrdersWanted = UNSET, after: Resumed = UNSET) -> AsyncGenerator[OrderChange, None]:
    raise NotImplementedError
    yield


async def _fills(filter: FillsWanted = UNSET, after: Resumed = UNSET) -> AsyncGenerator[FillChange, None]:
    raise NotImplementedError
    yield


async def _positions(filter: PositionsWanted = UNSET, after: Resumed = UNSET) -> AsyncGenerator[PositionChange, None]:
    raise NotImplementedError
    yield


async def _budgets(
    strategy_id: Annotated[UUID | None, argument("Only budgets of this strategy.")] = UNSET, after: Resumed = UNSET
) -> AsyncGenerator[BudgetChange, None]:
    raise NotImplementedError
    yield


async def _audit_log(after: Resumed = UNSET) -> AsyncGenerator[AuditChange, None]:
    raise NotImplementedError
    yield


# The resolvers declare the arguments. Nobody calls them: `live` renders the changes of many rows by one statement.
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
