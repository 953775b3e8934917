"""Performance: its arguments, at the root and of a strategy."""
# mypy: disable-error-code="no-any-return"
# Strawberry reads the declared type; the executor completes the JSON that `read` returns.

from typing import Annotated, TypeAlias

from strawberry import UNSET

from graphql_schema.caller import Info
from graphql_schema.execution.executor import read
from graphql_schema.schema.inputs import PerformanceFilter, StringFilter
from graphql_schema.types.enums import Granularity, PerformanceGroup, TimeBucket
from graphql_schema.types.fields import argument
from graphql_schema.types.scalars import Instant, TimeZone
from graphql_schema.types.statistics import Performance

GroupedBy: TypeAlias = Annotated[
    list[PerformanceGroup] | None, argument("The dimensions to group by, besides the currency.")
]
InTimeZone: TypeAlias = Annotated[TimeZone | None, argument("The time zone of bars and daily values; by default UTC.")]
PointsWanted: TypeAlias = Annotated[
    int | None,
    argument(
        "The maximum number of points of one equity curve, from 2 to 5000. By default, 1000 for a curve "
        "of fills and unlimited for bars."
    ),
]
Annualized: TypeAlias = Annotated[
    int, argument("The number of days in a year, for `sharpeRatio` and `sortinoRatio`; from 1 to 366.")
]


async def of_strategy(
    info: Info,
    currency: Annotated[str | None, argument("Only this currency.")] = UNSET,
    from_: Annotated[
        Instant | None, argument("At or after this instant; by default from the beginning.", "from")
    ] = UNSET,
    to: Annotated[Instant | None, argument("Before this instant; by default until now.")] = UNSET,
    bucket: Annotated[
        TimeBucket, argument("The granularity of the equity curve if `granularity` is not given.")
    ] = TimeBucket.DAY,
    instrument_id: Annotated[StringFilter | None, argument("Only these instruments.")] = UNSET,
    group_by: GroupedBy = UNSET,
    granularity: Annotated[Granularity | None, argument("What one point of the equity curve represents.")] = UNSET,
    time_zone: InTimeZone = UNSET,
    points: PointsWanted = UNSET,
    annualization_days: Annualized = 365,
) -> list[Performance]:
    """What one strategy made."""
    return await read(info)


async def list_performance(
    info: Info,
    filter: Annotated[PerformanceFilter | None, argument("Only objects that match.")] = UNSET,
    group_by: GroupedBy = UNSET,
    granularity: Annotated[Granularity, argument("What one point of the equity curve represents.")] = Granularity.DAY,
    time_zone: InTimeZone = UNSET,
    points: PointsWanted = UNSET,
    annualization_days: Annualized = 365,
) -> list[Performance]:
    """What fills and trades made."""
    return await read(info)
