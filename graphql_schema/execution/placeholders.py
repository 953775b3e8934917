"""Placeholders: stand-ins for the values of variables while an operation plan is compiled.

An argument that holds a placeholder becomes a parameter of the statement; `bind` makes the parameters of one request.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.reads.ordering import read_node_id


class NotPlannable(Exception):
    """The operation has no plan; ordinary execution answers."""


@dataclass(slots=True, eq=False)  # not frozen: made for each value of each request
class Placeholder:
    """Stands for the value at `index` among a request's values. `constraint` is the value's part of the plan's key."""

    index: int
    constraint: Hashable = None


@dataclass(frozen=True, slots=True, eq=False)
class DerivedValues:
    """Stands for several values, which `derive(*sources)` computes when the sources are bound, or raises an error."""

    derive: Callable[..., Sequence[Any]]
    sources: tuple[Any, ...]


_FOLLOWING = object()
"""Stands for the second and each further of some derived values."""


def derive(function: Callable[..., Sequence[Any]], *sources: Any, count: int) -> Sequence[Any]:
    """The `count` values of `function(*sources)`: computed now, or when bound if a source holds a placeholder."""
    if not placeholders_in(sources):
        return function(*sources)
    return [DerivedValues(function, sources), *[_FOLLOWING] * (count - 1)]


def bind(template: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """The template with a request's values in place of placeholders and derived values."""
    bound: list[Any] = []
    for item in template:
        if type(item) is Placeholder:
            bound.append(values[item.index])
        elif type(item) is DerivedValues:
            bound += item.derive(*bind(item.sources, values))
        elif type(item) is list:
            bound.append(bind(item, values))
        elif item is not _FOLLOWING:
            bound.append(item)
    return bound


def placeholders_in(value: Any) -> set[int]:
    """The indices of all placeholders inside a value."""
    match value:
        case Placeholder():
            return {value.index}
        case DerivedValues():
            return placeholders_in(value.sources)
        case dict():
            return placeholders_in(list(value.values()))
        case list() | tuple():
            return set().union(*map(placeholders_in, value))
        case _:
            return set()


_DAY_NANOSECONDS = 86_400 * 10**9


def unconstrained(_: Any) -> None:
    """Most values never change a statement."""


def is_midnight(instant: int | Placeholder) -> bool:
    """Whether an instant is a midnight in UTC: then totals by day can answer."""
    if isinstance(instant, Placeholder):
        return bool(instant.constraint)
    return instant % _DAY_NANOSECONDS == 0


def is_utc(zone: str | Placeholder) -> bool:
    """Whether a time zone is UTC: then totals by day can answer."""
    return bool(zone.constraint) if isinstance(zone, Placeholder) else zone in ("UTC", "Etc/UTC")


def entity_of(node_id: str | Placeholder) -> str:
    """The name of the entity that a node id belongs to. Raises NodeIdInvalid."""
    if not isinstance(node_id, Placeholder):
        return read_node_id(node_id)[0].name
    if node_id.constraint is None:
        raise NotPlannable
    return str(node_id.constraint)


PARAMETER_SCALARS: Mapping[str, Callable[[Any], Hashable]] = {
    "String": unconstrained,
    "ID": entity_of,
    "Decimal": unconstrained,
    "DateTime": is_midnight,
    "UUID": unconstrained,
    "TimeZone": is_utc,
}
"""Scalars whose values become parameters, and the constraint of a value. Values of all other scalars and of
enumerations are constraints themselves."""
