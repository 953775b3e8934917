"""From the arguments of a field that is worked out to what its noun takes: a `Grouping` or a `Span`."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLField

from app.errors import BadInputError
from app.reads import Arguments, Bucket, Grouping, Slot, Span
from app.reads.catalogue import FILL
from graphql_schema.listing import DAY_NANOSECONDS, ListingReader


def read_arguments(noun: str, field: GraphQLField, given: Mapping[str, Any], values: list[Any]) -> Arguments | None:
    """What the noun takes; values go to the end of `values`. Raises BadInputError."""
    reader = _READERS.get(noun)
    return reader(field, given, values) if reader else None


def _grouping(field: GraphQLField, given: Mapping[str, Any], values: list[Any]) -> Grouping:
    where = ListingReader(FILL, values, by_day=True).condition(field, given)
    return Grouping(where, tuple(dict.fromkeys(group.value for group in given.get("groupBy") or ())))


def _span(_: GraphQLField, given: Mapping[str, Any], values: list[Any]) -> Span:
    def slot(value: Any) -> Slot | None:
        if value is None:
            return None
        values.append(value)
        return len(values) - 1

    start, end = given.get("from"), given.get("to")
    edges = [edge for edge in (start, end) if edge is not None]
    if edges != sorted(edges):
        raise BadInputError("`from` is not after `to`.")
    is_whole_days = all(edge % DAY_NANOSECONDS == 0 for edge in edges)
    return Span(Bucket[given["bucket"].name], slot(given.get("currency")), slot(start), slot(end), is_whole_days)


_READERS: dict[str, Callable[[GraphQLField, Mapping[str, Any], list[Any]], Arguments]] = {
    "FillSummary": _grouping,
    "Performance": _span,
}
