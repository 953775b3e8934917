"""What can be subscribed to. A field says which entity of the change feed it follows; `live` does the following."""

from collections.abc import AsyncGenerator
from typing import Annotated, TypeAlias
from uuid import UUID

import strawberry
from strawberry import UNSET

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
    strategy_id: Annotated[UUID | None, argument("Only this strategy's.")] = UNSET, after: Resumed = UNSET
) -> AsyncGenerator[BudgetChange, None]:
    raise NotImplementedError
    yield


async def _audit_log(after: Resumed = UNSET) -> AsyncGenerator[AuditChange, None]:
    raise NotImplementedError
    yield


# The resolvers declare the arguments. Nobody calls them: `live` renders the changes of many rows by one statement.
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
