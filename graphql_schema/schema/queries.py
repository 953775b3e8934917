"""The root of all queries. The arguments are declared here; the read of each field is in `execution.root_fields`."""

from typing import Annotated
from uuid import UUID

import strawberry

from graphql_schema.schema.inputs import (
    FILLS,
    ORDERS,
    PERFORMANCE,
    POSITIONS,
    AuditFilter,
    DiscrepancyFilter,
    FillFilter,
    InstrumentFilter,
    QuarantineFilter,
    StrategyFilter,
)
from graphql_schema.types.administration import AuditEntry, Budget, GlobalTradingState
from graphql_schema.types.enums import FillGroup
from graphql_schema.types.fields import FORWARD, PAGE, argument, matching, object_type, read_field
from graphql_schema.types.relay import Connection, Node
from graphql_schema.types.statistics import FillSummary, Performance, Summary
from graphql_schema.types.trading import Discrepancy, Fill, Instrument, Order, OrderEvent, Position, Signal, Strategy


@object_type
class Query:
    """The queries."""

    node: Node | None = read_field(
        "Any object by its id; null if it does not exist.",
        id=Annotated[strawberry.ID, argument("An id from any earlier answer.")],
    )
    strategies: Connection[Strategy] = read_field("Strategies, newest first.", filter=matching(StrategyFilter), **PAGE)
    strategy: Strategy | None = read_field(
        "One strategy, by id or by name; null if it does not exist.",
        id=Annotated[UUID | None, argument("The strategy's id.")],
        name=Annotated[
            str | None, argument("The strategy's name; refused if several traders have a strategy of that name.")
        ],
    )
    trading_state: GlobalTradingState = read_field("The trading state that applies to all strategies.")
    orders: Connection[Order] = read_field("Orders; by default newest first.", **ORDERS)
    order: Order | None = read_field(
        "One order by the engine's order id; null if it does not exist.",
        client_order_id=Annotated[str, argument("The engine's order id.")],
        strategy_id=Annotated[
            UUID | None, argument("The strategy's id; required if several strategies have an order with that id.")
        ],
    )
    fills: Connection[Fill] = read_field("Fills; by default newest first.", **FILLS)
    fills_summary: FillSummary = read_field(
        "Totals over fills. Read from kept totals if the filter uses only strategy, instrument, side, "
        "currency, and `tsEvent` with `gte` and `lt` at midnight UTC.",
        filter=matching(FillFilter),
        group_by=Annotated[list[FillGroup] | None, argument("The dimensions to group by.")],
    )
    performance: list[Performance] = read_field(
        "Performance over strategies and instruments, together or by group, always by currency. Sums "
        "over whole days in UTC are read from kept totals; drawdowns and single points are computed over "
        "all fills of the span.",
        **PERFORMANCE,
    )
    positions: Connection[Position] = read_field("Positions, most recently opened first.", **POSITIONS)
    signals: Connection[Signal] = read_field("Signals, newest first.", **PAGE)
    budgets: list[Budget] = read_field(
        "Budgets, oldest first.",
        strategy_id=Annotated[UUID | None, argument("Only budgets of this strategy.")],
        currency=Annotated[str | None, argument("Only budgets in this currency.")],
    )
    budget: Budget | None = read_field(
        "One budget; null if the strategy has none in the currency.",
        strategy_id=Annotated[UUID, argument("The strategy.")],
        currency=Annotated[str, argument("The budget's currency.")],
    )
    registry: list[Budget] = read_field("All budgets, oldest first.")
    audit_log: Connection[AuditEntry] = read_field("The audit log, newest first.", filter=matching(AuditFilter), **PAGE)
    quarantined_events: Connection[OrderEvent] = read_field(
        "Events that are stored but not applied, newest first, including dismissed ones.",
        filter=matching(QuarantineFilter),
        **FORWARD,
    )
    instruments: Connection[Instrument] = read_field(
        "Instruments that were recorded or traded, by id.", filter=matching(InstrumentFilter), **PAGE
    )
    discrepancies: Connection[Discrepancy] = read_field(
        "Figures that differ between the engine's reports of positions and the ledger, newest first.",
        filter=matching(DiscrepancyFilter),
        **PAGE,
    )
    feed_cursor: str = read_field(
        "The current position in the change feed. A subscription `after` it sends every change that is "
        "not included in the answer to the same query."
    )
    summary: Summary = read_field("Counts over the whole ledger.")
