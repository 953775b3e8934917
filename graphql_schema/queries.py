"""The root of all questions. A field says which noun it lists and which resolver answers; `execution` does the rest.

Strawberry is told the type of the answer; what comes is a question (`Ask`), which the executor answers.
"""

from typing import cast

import strawberry
from strawberry import UNSET

from app.reads.catalogue import FILL, ORDER, POSITION, STRATEGY, SUMMARY
from app.resolvers import fills, orders, positions, strategies, summary
from graphql_schema.connections import Connection
from graphql_schema.execution import Ask
from graphql_schema.inputs import FillFilter, FillSort, OrderFilter, OrderSort, PositionFilter, StrategyFilter
from graphql_schema.types import Fill, Order, Position, Strategy, Summary


def _strategies(
    filter: StrategyFilter | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Connection[Strategy]:
    return cast(Connection[Strategy], Ask(STRATEGY, strategies.list_strategies))


def _orders(
    filter: OrderFilter | None = UNSET,
    order_by: list[OrderSort] | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Connection[Order]:
    return cast(Connection[Order], Ask(ORDER, orders.list_orders))


def _fills(
    filter: FillFilter | None = UNSET,
    order_by: list[FillSort] | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Connection[Fill]:
    return cast(Connection[Fill], Ask(FILL, fills.list_fills))


def _positions(
    filter: PositionFilter | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Connection[Position]:
    return cast(Connection[Position], Ask(POSITION, positions.list_positions))


def _summary() -> Summary:
    return cast(Summary, Ask(SUMMARY, summary.get_summary))


@strawberry.type(description="Everything that can be asked.")
class Query:
    """Everything that can be asked."""

    strategies: Connection[Strategy] = strawberry.field(
        resolver=_strategies, description="Strategies, the newest first."
    )
    orders: Connection[Order] = strawberry.field(
        resolver=_orders, description="Orders, newest first unless `orderBy` says otherwise."
    )
    fills: Connection[Fill] = strawberry.field(
        resolver=_fills, description="Fills, newest first unless `orderBy` says otherwise."
    )
    positions: Connection[Position] = strawberry.field(
        resolver=_positions, description="Positions, the one opened last first."
    )
    summary: Summary = strawberry.field(resolver=_summary, description="How much of everything there is.")
