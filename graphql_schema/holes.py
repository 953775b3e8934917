"""Holes: what stands for a variable's value while a plan is made, and how the values go in."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias


class NotPlannable(Exception):
    """The document is left to ordinary execution."""


class Hole:
    """The place of one value. It can be handed on; whoever looks at it would tie the plan to one value.

    `told` is what the plan's key has of the value, so it may be looked at.
    """

    __slots__ = ("index", "told")

    def __init__(self, index: int, told: Hashable = None) -> None:
        self.index = index
        self.told = told

    def _looked_at(self, *_: object) -> NoReturn:
        raise NotPlannable

    __bool__ = __str__ = __len__ = __int__ = __float__ = __iter__ = __contains__ = _looked_at
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = __getitem__ = __format__ = __bytes__ = _looked_at
    __eq__ = _looked_at
    __hash__ = None  # type: ignore[assignment]


class ListHole(Hole):
    """The place of a list of values. Strawberry makes a list of its items: one, which is the hole itself."""

    __slots__ = ()

    __len__ = None  # type: ignore[assignment]  # not raising: list() asks

    def __iter__(self) -> Iterator[Hole]:  # type: ignore[override]
        return iter((self,))


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """Values that are worked out of others once these are known: `work_out(*sources)` answers `count`, or raises."""

    work_out: Callable[..., Sequence[Any]]
    sources: tuple[Any, ...]
    count: int

    def slots(self) -> "list[LaterSlot]":
        """Stand-ins for the values; they stay together, in this order."""
        return [LaterSlot(self, index) for index in range(self.count)]


@dataclass(frozen=True, slots=True, eq=False)
class LaterSlot:
    """The place of one of these values."""

    later: Later
    index: int


def worked_out(work_out: Callable[..., Sequence[Any]], *sources: Any, count: int) -> Sequence[Any]:
    """The `count` values that `work_out` makes of the sources: now, or later where one of them is a hole."""
    return Later(work_out, sources, count).slots() if holes_in(sources) else work_out(*sources)


Fill: TypeAlias = Callable[[Sequence[Any]], Sequence[Any]]
"""From the values of a request to the values of a question."""


def filling(template: Sequence[Any]) -> Fill:
    """How the values of a question are made: a sequence of constants, holes, later slots, and lists of such."""
    if all(type(item) is Hole or type(item) is ListHole for item in template):
        indices = [item.index for item in template]
        return lambda values: [values[index] for index in indices]
    parts = [_part(item) for item in template if not (type(item) is LaterSlot and item.index)]

    def fill(values: Sequence[Any]) -> list[Any]:
        filled: list[Any] = []
        for part in parts:
            filled += part(values)
        return filled

    return fill


def holes_in(value: Any) -> set[int]:
    """The indices of all holes inside a value."""
    match value:
        case Hole():
            return {value.index}
        case LaterSlot():
            return holes_in(value.later.sources)
        case dict():
            return set().union(*(holes_in(part) for part in value.values()))
        case list() | tuple():
            return set().union(*(holes_in(part) for part in value))
        case _:
            return set()


def _part(item: Any) -> Callable[[Sequence[Any]], list[Any]]:
    match item:
        case Hole(index=index):
            return lambda values: [values[index]]
        case LaterSlot(later=later):
            # All its slots follow each other; the first stands for them.
            sources = filling(later.sources)
            return lambda values: [*later.work_out(*sources(values))]
        case list() if holes_in(item):
            parts = [_part(part) for part in item]
            return lambda values: [[value for part in parts for value in part(values)]]
        case _:
            return lambda _: [item]
