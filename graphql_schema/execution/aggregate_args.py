"""From the arguments of an aggregated field to what its entity takes: a `Grouping` or a `Span`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import GraphQLField, get_named_type

from app.errors import BadInputError
from app.reads.catalogue.fill import FILL
from app.reads.catalogue.performance import PERFORMANCE
from app.reads.query import And, Arguments, Condition, Granularity, Grouping, Slot, Span
from graphql_schema.execution.list_args import ListArgsReader
from graphql_schema.execution.placeholders import derive, is_midnight, is_utc

POINTS_MIN, POINTS_MAX = 2, 5_000
"""Bounds of how many points a curve is thinned out to."""
ANNUALIZATION_DAYS_MAX = 366


def read_aggregate_args(
    entity: str, field: GraphQLField, given: Mapping[str, Any], values: list[Any]
) -> Arguments | None:
    """The arguments of an entity, None if it takes none; appends to `values`. Raises BadInputError."""
    reader = _READERS.get(entity)
    return reader(field, given, values) if reader else None


def _grouping(field: GraphQLField, given: Mapping[str, Any], values: list[Any]) -> Grouping:
    where = ListArgsReader(FILL, values, by_day=True).condition(field, given)
    return Grouping(where, _groups(given))


def _span(field: GraphQLField, given: Mapping[str, Any], values: list[Any]) -> Span:
    def slot(value: Any) -> Slot | None:
        if value is None:
            return None
        values.append(value)
        return len(values) - 1

    # At the root the span is part of the filter; of a strategy it stands beside the other arguments.
    filter_ = dict(given.get("filter") or {})
    span = filter_ if "filter" in field.args else given
    start, end = span.get("from"), span.get("to")
    narrowed = {name: value for name, value in filter_.items() if name not in ("from", "to")}
    where = _narrowed(field, {**given, "filter": narrowed or None}, values)
    is_whole_days = all(is_midnight(edge) for edge in (start, end) if edge is not None)
    if start is not None and end is not None:
        start, end = derive(_in_order, start, end, count=2)
    zone = given.get("timeZone")
    # Kept among the values even if it is UTC: every placeholder has to become a parameter.
    zone_slot = slot(zone)
    granularity = given.get("granularity") or given["bucket"]
    return Span(
        Granularity[granularity.name],
        where,
        _groups(given),
        slot(start),
        slot(end),
        is_whole_days,
        None if zone is None or is_utc(zone) else zone_slot,
        slot(_within(given, "points", POINTS_MIN, POINTS_MAX)),
        slot(_within(given, "annualizationDays", 1, ANNUALIZATION_DAYS_MAX)),
    )


def _groups(given: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(group.value for group in given.get("groupBy") or ()))


def _narrowed(field: GraphQLField, given: Mapping[str, Any], values: list[Any]) -> Condition | None:
    """What rows must satisfy, besides lying in the span."""
    reader = ListArgsReader(PERFORMANCE, values)
    if "filter" in field.args:
        return reader.condition(field, given)
    conditions: list[Condition] = []
    for name, argument in (("currency", "currency"), ("instrument_id", "instrumentId")):
        if given.get(argument) is not None:
            conditions += reader.comparisons(name, get_named_type(field.args[argument].type), given[argument])
    return And(tuple(conditions)) if conditions else None


def _within(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value: int | None = given.get(name)
    if value is not None and not least <= value <= most:
        raise BadInputError(f"`{name}` is from {least} to {most}, not {value}.")
    return value


def _in_order(start: int, end: int) -> Sequence[int]:
    if start > end:
        raise BadInputError("`from` is not after `to`.")
    return start, end


_READERS: dict[str, Callable[[GraphQLField, Mapping[str, Any], list[Any]], Arguments]] = {
    "FillSummary": _grouping,
    "Performance": _span,
}
