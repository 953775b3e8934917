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
    list[PerformanceGroup] | None, argument("What groups are made by, besides the currency.")
]
InTimeZone: TypeAlias = Annotated[TimeZone | None, argument("The time zone of bars and daily values; by default UTC.")]
PointsWanted: TypeAlias = Annotated[
    int | None,
    argument(
        "The most points of one equity curve, from 2 to 5000. By default a curve of fills has at most 1000 and a curve "
        "of bars has all."
    ),
]
Annualized: TypeAlias = Annotated[
    int, argument("How many days make a year, for `sharpeRatio` and `sortinoRatio`; from 1 to 366.")
]


async def of_strategy(
    info: Info,
    currency: Annotated[str | None, argument("Only this one.")] = UNSET,
    from_: Annotated[Instant | None, argument("From then on; from the beginning unless said.", "from")] = UNSET,
    to: Annotated[Instant | None, argument("Before then; until now unless said.")] = UNSET,
    bucket: Annotated[
        TimeBucket, argument("How long one point of the equity curve lasts, where `granularity` is not given.")
    ] = TimeBucket.DAY,
    instrument_id: Annotated[StringFilter | None, argument("Only these instruments.")] = UNSET,
    group_by: GroupedBy = UNSET,
    granularity: Annotated[Granularity | None, argument("What one point of the equity curve stands for.")] = UNSET,
    time_zone: InTimeZone = UNSET,
    points: PointsWanted = UNSET,
    annualization_days: Annualized = 365,
) -> list[Performance]:
    """What one strategy made."""
    return await read(info)


async def list_performance(
    info: Info,
    filter: Annotated[PerformanceFilter | None, argument("Only these.")] = UNSET,
    group_by: GroupedBy = UNSET,
    granularity: Annotated[Granularity, argument("What one point of the equity curve stands for.")] = Granularity.DAY,
    time_zone: InTimeZone = UNSET,
    points: PointsWanted = UNSET,
    annualization_days: Annualized = 365,
) -> list[Performance]:
    """What fills and trades made."""
    return await read(info)
