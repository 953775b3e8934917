"""From a field's arguments to what its entity takes: `ListArgs` for a connection, `Grouping` or `Span` for sums."""

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any

from graphql import GraphQLField, GraphQLInputObjectType, get_named_type
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.utils.str_converters import to_camel_case

from app.errors import BadInputError, PageTooLarge
from app.reads.catalogue.fill import FILL
from app.reads.catalogue.performance import PERFORMANCE
from app.reads.entity import Entity
from app.reads.ordering import read_cursor, total_order
from app.reads.query import (
    And,
    Arguments,
    Compare,
    Condition,
    Granularity,
    Grouping,
    ListArgs,
    Not,
    Op,
    Or,
    Page,
    Slot,
    SortKey,
    Span,
)
from graphql_schema.execution.placeholders import derive, is_midnight, is_utc

_OTHERWISE = {"order_type": "type"}


def python_name(declared: Any) -> str:
    """The name in Python of a declared field, without the underscore that keywords need (`in_`)."""
    definition = declared.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    name: str = definition.python_name
    return name.rstrip("_")


def client_name(name: str) -> str:
    """The name in GraphQL of an input's field, as a client wrote it."""
    return _OTHERWISE.get(name) or to_camel_case(name)


PAGE_SIZE = 100
PAGE_SIZE_MAX = 1000
FILTER_PARTS_MAX = 400
"""Most parts of one filter: comparisons, and filters inside it."""
FILTER_DEPTH_MAX = 20
"""Deepest nesting of `and`, `or` and `not`."""
SORT_KEYS_MAX = 8


class ListArgsReader:
    """Reads the arguments of one connection; values go to the end of `values`."""

    def __init__(self, entity: Entity, values: list[Any], *, by_day: bool = False) -> None:
        """`by_day`: write instants at midnight so that totals by day can answer."""
        self._entity = entity
        self._by_day = by_day
        self._values = values
        self._parts = 0

    def read(self, field: GraphQLField, arguments: Mapping[str, Any]) -> ListArgs:
        """The listing. Raises BadInputError, CursorInvalid, PageTooLarge."""
        where = self.condition(field, arguments)
        order = tuple(
            SortKey(key["field"].value, key["direction"].value == "DESC") for key in arguments.get("orderBy") or ()
        )
        if len(order) > SORT_KEYS_MAX:
            raise BadInputError(f"orderBy takes at most {SORT_KEYS_MAX} keys.")
        return ListArgs(where, order, self._page(order, arguments))

    def condition(self, field: GraphQLField, arguments: Mapping[str, Any]) -> Condition | None:
        """The condition of the filter. Raises BadInputError."""
        given = arguments.get("filter")
        if given is None:
            return None
        filter_type = get_named_type(field.args["filter"].type)
        assert isinstance(filter_type, GraphQLInputObjectType)
        return self._condition(filter_type, given)

    def _page(self, order: tuple[SortKey, ...], arguments: Mapping[str, Any]) -> Page:
        first, last = arguments.get("first"), arguments.get("last")
        if first is not None and last is not None:
            raise BadInputError("Give `first` or `last`, not both.")
        size = last if last is not None else first if first is not None else PAGE_SIZE
        if size < 0:
            raise BadInputError("`first` and `last` must not be negative.")
        if size > PAGE_SIZE_MAX:
            raise PageTooLarge(size, PAGE_SIZE_MAX)
        after, before = (self._place(order, arguments.get(name)) for name in ("after", "before"))
        return Page(size, after=after, before=before, is_backward=last is not None)

    def _place(self, order: tuple[SortKey, ...], cursor: str | None) -> tuple[Slot, ...] | None:
        if cursor is None:
            return None
        read = partial(read_cursor, self._entity, order)
        place = derive(read, cursor, count=len(total_order(self._entity, order)))
        return tuple(self._slot(value) for value in place)

    def _condition(self, type_: GraphQLInputObjectType, given: Mapping[str, Any], depth: int = 0) -> Condition:
        if depth > FILTER_DEPTH_MAX:
            raise BadInputError(f"A filter is nested at most {FILTER_DEPTH_MAX} deep.")
        self._count_part()
        conditions: list[Condition] = []
        for name, value in given.items():
            if value is None:
                continue
            declared = type_.fields[name]
            match python_name(declared):
                case "and":
                    conditions.append(And(tuple(self._condition(type_, part, depth + 1) for part in value)))
                case "or":
                    conditions.append(Or(tuple(self._condition(type_, part, depth + 1) for part in value)))
                case "not":
                    conditions.append(Not(self._condition(type_, value, depth + 1)))
                case field:
                    conditions.extend(self.comparisons(field, get_named_type(declared.type), value))
        return And(tuple(conditions))

    def comparisons(self, field: str, type_: Any, value: Any) -> list[Condition]:
        """The conditions of one field of a filter, given its input type. Raises BadInputError."""
        if not isinstance(type_, GraphQLInputObjectType):
            return [self._compare(field, Op.EQ, value)]
        return [
            self._compare(field, Op[python_name(type_.fields[name]).upper()], operand)
            for name, operand in value.items()
            if operand is not None
        ]

    def _compare(self, field: str, op: Op, value: Any) -> Compare:
        self._count_part()
        if isinstance(value, Enum):
            return Compare(field, op, names=(str(value.value),))
        if isinstance(value, list) and value and isinstance(value[0], Enum):
            # Sorted: the same names in another order are the same statement.
            return Compare(field, op, names=tuple(sorted({str(name.value) for name in value})))
        if self._by_day and op in (Op.GTE, Op.LT) and f"{field}_midnight" in self._entity.filters:
            field = f"{field}_midnight" if is_midnight(value) else field
        return Compare(field, op, self._slot(value))

    def _count_part(self) -> None:
        self._parts += 1
        if self._parts > FILTER_PARTS_MAX:
            raise BadInputError(f"A filter has at most {FILTER_PARTS_MAX} parts: comparisons, and filters inside it.")

    def _slot(self, value: Any) -> Slot:
        self._values.append(value)
        return len(self._values) - 1


POINTS_MIN, POINTS_MAX = 2, 5_000
"""Bounds of how many points a curve is thinned out to."""
ANNUALIZATION_DAYS_MAX = 366


def read_aggregate_args(
    entity: str, field: GraphQLField, given: Mapping[str, Any], values: list[Any]
) -> Arguments | None:
    """The arguments of an entity, None if it takes none; appends to `values`. Raises BadInputError."""
    match entity:
        case "FillSummary":
            return Grouping(ListArgsReader(FILL, values, by_day=True).condition(field, given), _groups(given))
        case "Performance":
            return _span(field, given, values)
        case _:
            return None


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
    """The condition on rows, besides lying in the span."""
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
