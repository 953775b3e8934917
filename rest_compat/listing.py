"""From a path's parameters to a `ReadQuery` and the values beside it."""

from typing import Any

from app.reads import And, Compare, Condition, ListArgs, Op, Page, ReadQuery, Selection
from rest_compat.queries import PageQuery


class Filters:
    """Collects conditions; a parameter that was not given makes none."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._conditions: list[Condition] = []

    def add(self, field: str, op: Op, value: Any) -> None:
        """A condition, unless the value is None."""
        if value is not None:
            self._conditions.append(Compare(field, op, self._slot(value)))

    def add_names(self, field: str, *names: str | None) -> None:
        """A condition that the field is one of these names of an enumeration, unless it is None."""
        if given := tuple(str(name) for name in names if name is not None):
            self._conditions.append(Compare(field, Op.IN, names=given))

    def condition(self) -> Condition | None:
        """All of them together; None where there are none."""
        return And(tuple(self._conditions)) if self._conditions else None

    def page(self, selection: Selection, query: PageQuery) -> ReadQuery:
        """A page of what satisfies them, in the entity's own order."""
        where = self.condition()
        offset = self._slot(query.offset) if query.offset else None
        return ReadQuery(selection, listing=ListArgs(where, page=Page(query.limit, offset)))

    def _slot(self, value: Any) -> int:
        self.values.append(value)
        return len(self.values) - 1
