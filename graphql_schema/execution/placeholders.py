"""Placeholders: stand-ins for the values of variables while an operation plan is compiled.

An argument that holds a placeholder becomes a parameter of the statement. `binder` makes the function that turns the
values of one request into the parameters of one statement.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


class NotPlannable(Exception):
    """The operation has no plan; ordinary execution answers."""


@dataclass(frozen=True, slots=True, eq=False)
class Placeholder:
    """Stands for the value at `index` among a request's values. `constraint` is what the plan's key says of it."""

    index: int
    constraint: Hashable = None


@dataclass(frozen=True, slots=True, eq=False)
class DerivedValues:
    """`count` values that `derive(*sources)` computes when the sources are bound. It may raise a domain error."""

    derive: Callable[..., Sequence[Any]]
    sources: tuple[Any, ...]
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class DerivedValue:
    """One of the derived values. All of them follow each other, in order."""

    values: DerivedValues
    index: int


def derive(function: Callable[..., Sequence[Any]], *sources: Any, count: int) -> Sequence[Any]:
    """The `count` values of `function(*sources)`: computed now, or when bound if a source holds a placeholder."""
    if not placeholders_in(sources):
        return function(*sources)
    derived = DerivedValues(function, sources, count)
    return [DerivedValue(derived, index) for index in range(count)]


Bind: TypeAlias = Callable[[Sequence[Any]], Sequence[Any]]
"""From the values of a request to the parameters of a statement."""


def binder(template: Sequence[Any]) -> Bind:
    """How parameters are made: each item is a constant, a placeholder, a derived value, or a list of such."""
    if all(type(item) is Placeholder for item in template):
        indices = [item.index for item in template]
        return lambda values: [values[index] for index in indices]
    # The first of some derived values stands for all of them.
    parts = [_part(item) for item in template if not (type(item) is DerivedValue and item.index)]

    def bind(values: Sequence[Any]) -> list[Any]:
        parameters: list[Any] = []
        for part in parts:
            parameters += part(values)
        return parameters

    return bind


def placeholders_in(value: Any) -> set[int]:
    """The indices of all placeholders inside a value."""
    match value:
        case Placeholder():
            return {value.index}
        case DerivedValue():
            return placeholders_in(value.values.sources)
        case dict():
            return placeholders_in(list(value.values()))
        case list() | tuple():
            return set().union(*map(placeholders_in, value))
        case _:
            return set()


def _part(item: Any) -> Callable[[Sequence[Any]], list[Any]]:
    match item:
        case Placeholder(index=index):
            return lambda values: [values[index]]
        case DerivedValue(values=derived):
            sources = binder(derived.sources)
            return lambda values: [*derived.derive(*sources(values))]
        case list() if placeholders_in(item):
            items = binder(item)
            return lambda values: [items(values)]
        case _:
            return lambda _: [item]
