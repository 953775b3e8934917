"""The arguments of performance: at the root and of a strategy."""

from collections.abc import Mapping
from typing import Annotated, Any

from graphql_schema.schema.inputs import PerformanceFilter, StringFilter
from graphql_schema.types.enums import Granularity, PerformanceGroup, TimeBucket
from graphql_schema.types.fields import argument, matching
from graphql_schema.types.scalars import Instant, TimeZone

_GROUP_BY = Annotated[list[PerformanceGroup] | None, argument("The dimensions to group by, besides the currency.")]
_GRANULARITY = argument("What one point of the equity curve represents.")
_CURVE: Mapping[str, Any] = {
    "time_zone": Annotated[TimeZone | None, argument("The time zone of bars and daily values; by default UTC.")],
    "points": Annotated[
        int | None,
        argument(
            "The maximum number of points of one equity curve, from 2 to 5000. By default, 1000 for a curve "
            "of fills and unlimited for bars."
        ),
    ],
    "annualization_days": (
        Annotated[int, argument("The number of days in a year, for `sharpeRatio` and `sortinoRatio`; from 1 to 366.")],
        365,
    ),
}

STRATEGY_PERFORMANCE: Mapping[str, Any] = {
    "currency": Annotated[str | None, argument("Only this currency.")],
    "from_": Annotated[Instant | None, argument("At or after this instant; by default from the beginning.", "from")],
    "to": Annotated[Instant | None, argument("Before this instant; by default until now.")],
    "bucket": (
        Annotated[TimeBucket, argument("The granularity of the equity curve if `granularity` is not given.")],
        TimeBucket.DAY,
    ),
    "instrument_id": Annotated[StringFilter | None, argument("Only these instruments.")],
    "group_by": _GROUP_BY,
    "granularity": Annotated[Granularity | None, _GRANULARITY],
    **_CURVE,
}
PERFORMANCE: Mapping[str, Any] = {
    "filter": matching(PerformanceFilter),
    "group_by": _GROUP_BY,
    "granularity": (Annotated[Granularity, _GRANULARITY], Granularity.DAY),
    **_CURVE,
}
