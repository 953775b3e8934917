"""Turns a path's parameters into a `ReadQuery` and its values."""

from typing import Any

from app.reads.query import And, Compare, Condition, ListArgs, Op, Page, ReadQuery, Selection
from rest_compat.queries import PageQuery


class Filters:
    """Collects conditions; values that are None add none."""

    def __init__(self, **equal: Any) -> None:
        """`equal`: values that fields must have."""
        self.values: list[Any] = []
        self._conditions: list[Condition] = []
        for field, value in equal.items():
            self.add(field, Op.EQ, value)

    def add(self, field: str, op: Op, value: Any) -> None:
        """Add a condition, unless the value is None."""
        if value is not None:
            self._conditions.append(Compare(field, op, self._slot(value)))

    def add_names(self, field: str, *names: str | None) -> None:
        """Add the condition that the field is one of these enum values. None values are ignored."""
        if given := tuple(str(name) for name in names if name is not None):
            self._conditions.append(Compare(field, Op.IN, names=given))

    def condition(self) -> Condition | None:
        """The conjunction of all conditions; None if there are none."""
        return And(tuple(self._conditions)) if self._conditions else None

    def page(self, selection: Selection, query: PageQuery) -> ReadQuery:
        """A page of the rows that satisfy all conditions, in the entity's default order."""
        where = self.condition()
        offset = self._slot(query.offset) if query.offset else None
        return ReadQuery(selection, list_args=ListArgs(where, page=Page(query.limit, offset)))

    def _slot(self, value: Any) -> int:
        self.values.append(value)
        return len(self.values) - 1
