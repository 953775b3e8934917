"""Holes: what stands for a variable's value while a plan is made, and how the values go in."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from app.reads import SortKey, place_length, read_cursor
from app.reads.shape import Shape


class NotPlannable(Exception):
    """The document is left to ordinary execution."""


class Hole:
    """The place of one value. It can be handed on; whoever looks at it would tie the plan to one value."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

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


class CursorSlot:
    """One value of the place that a cursor names, where the cursor is a hole."""

    __slots__ = ("cursor", "index")

    def __init__(self, cursor: "Cursor", index: int) -> None:
        self.cursor, self.index = cursor, index


@dataclass(frozen=True, slots=True, eq=False)
class Cursor:
    """A cursor that is not known yet: whose it is, and in which order it names a place."""

    hole: Hole
    shape: Shape
    order: tuple[SortKey, ...]

    def slots(self) -> list[CursorSlot]:
        """Stand-ins for the values of the place."""
        return [CursorSlot(self, index) for index in range(place_length(self.shape, self.order))]


Fill: TypeAlias = Callable[[Sequence[Any]], Sequence[Any]]
"""From the values of a request to the values of a question."""


def filling(template: Sequence[Any]) -> Fill:
    """How the values of a question are made: a sequence of constants, holes, cursor slots, and lists of such."""
    if all(type(item) is Hole or type(item) is ListHole for item in template):
        indices = [item.index for item in template]
        return lambda values: [values[index] for index in indices]
    parts = [_part(item) for item in template if not (type(item) is CursorSlot and item.index)]

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
        case CursorSlot():
            return {value.cursor.hole.index}
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
        case CursorSlot(cursor=cursor):
            # All slots of a cursor follow each other; the first stands for them.
            return lambda values: read_cursor(cursor.shape, cursor.order, values[cursor.hole.index])
        case list() if holes_in(item):
            parts = [_part(part) for part in item]
            return lambda values: [[value for part in parts for value in part(values)]]
        case _:
            return lambda _: [item]
