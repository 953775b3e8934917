"""From the arguments of a field that is worked out to what its noun takes: a `Grouping` or a `Span`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import GraphQLField

from app.errors import BadInputError
from app.reads import Arguments, Bucket, Grouping, Slot, Span
from app.reads.catalogue import FILL
from graphql_schema.holes import worked_out
from graphql_schema.listing import ListingReader
from graphql_schema.told import is_midnight


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

    currency, start, end = (given.get(name) for name in ("currency", "from", "to"))
    is_whole_days = all(is_midnight(edge) for edge in (start, end) if edge is not None)
    if start is not None and end is not None:
        start, end = worked_out(_in_order, start, end, count=2)
    return Span(Bucket[given["bucket"].name], slot(currency), slot(start), slot(end), is_whole_days)


def _in_order(start: int, end: int) -> Sequence[int]:
    if start > end:
        raise BadInputError("`from` is not after `to`.")
    return start, end


_READERS: dict[str, Callable[[GraphQLField, Mapping[str, Any], list[Any]], Arguments]] = {
    "FillSummary": _grouping,
    "Performance": _span,
}
