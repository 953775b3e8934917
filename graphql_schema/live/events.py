"""Events of one subscription: which changes it follows, and the objects that they are about.

The selection is read once, when the subscription begins. Then the objects of many changes are one statement by their
keys (`resolvers.lookups`), which subscriptions that select the same share.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from graphql import GraphQLField, GraphQLObjectType, get_named_type

from app.feed.changes import Change
from app.reads.catalogue.budget import BUDGET, BUDGET_ENTRY
from app.reads.entity import Entity
from app.reads.lookups import Key, hashable
from app.reads.query import Compare, ListArgs, Op, ReadQuery, ResultFormat, Selected, Selection
from app.resolvers.changes import Followed, follow_changes, until_answered
from app.resolvers.reads import look_up
from graphql_schema.caller import Caller, Info
from graphql_schema.errors import coded
from graphql_schema.execution.arguments import ListArgsReader, python_name
from graphql_schema.execution.executor import JsonByAlias, field_of
from graphql_schema.execution.selection import Details, Operation, SelectionReader

CHANGES_AT_ONCE_MAX = 500

_EXISTENCE = ReadQuery(Selection((Selected("", "exists", literal="yes"),)), ResultFormat.KEYED)
"""Selects nothing of a row: only whether it exists."""
_TAKEN_AWAY = replace(_EXISTENCE, list_args=ListArgs(Compare("version", Op.GT, len(BUDGET.key))), by=BUDGET.key)


@dataclass(frozen=True, eq=False, slots=True)
class EventSource:
    """What a field of `Subscription` follows.

    `changes` is the entity's name in the change feed, `key` makes the key of the changed row, `node` is the Python name
    of the event's field that has the row, `more` makes its other fields from the change.
    """

    changes: str
    entity: Entity
    key: Callable[[Change], Key]
    node: str
    has_deletions: bool = False
    """Whether there is an event when the row is gone."""
    more: Mapping[str, Callable[[Change], Any]] = field(default_factory=dict)


Row = tuple[bytes | None, ...]
"""The changed row as JSON, once for each response key that it is selected under; None where it does not exist."""
Event = tuple[Followed, JsonByAlias]
"""A change with its cursor, and the changed row."""


async def follow(info: Info, source: EventSource) -> AsyncGenerator[Event, None]:
    """The events of a subscription's root field, in order, without end. Raises GraphQLError with a code."""
    try:
        selection = EventSelection(source, *field_of(info))
        changes = follow_changes(*info.context, source.changes, selection.after)
        async with aclosing(changes):
            async for batch in changes:
                wanted = [one for one in batch if selection.includes(one.change)]
                for start in range(0, len(wanted), CHANGES_AT_ONCE_MAX):
                    part = wanted[start : start + CHANGES_AT_ONCE_MAX]
                    read = partial(selection.rows, [one.change for one in part], info.context)
                    for one, row in zip(part, await until_answered(read), strict=True):
                        if row is not None:
                            yield one, JsonByAlias(dict(zip(selection.aliases, row, strict=True)))
    except Exception as error:
        raise coded(error) from error


class EventSelection:
    """What a subscription selects of the changed rows, one query for each response key."""

    def __init__(self, source: EventSource, operation: Operation, field: GraphQLField, details: Details) -> None:
        """Raises GraphQLError, BadInputError, CursorInvalid, PageTooLarge."""
        self.source = source
        self._arguments = operation.arguments(field, details)
        self.after: str | None = self._arguments.get("after")
        self._strategy_id: UUID | None = self._arguments.get("strategyId")
        type_ = get_named_type(field.type)
        assert isinstance(type_, GraphQLObjectType)
        self._queries: dict[str, tuple[ReadQuery, Sequence[Any]]] = {}
        for key, selected in operation.fields(type_, details).items():
            name = selected[0].node.name.value
            if name != "__typename" and python_name(type_.fields[name]) == source.node:
                reader = SelectionReader(operation)
                query = reader.read_by_key(source.entity, selected)
                self._queries[key] = self._filtered(query, reader.values, field)
        if not self._queries:
            by_key = replace(_EXISTENCE, by=source.entity.key)
            self._queries[""] = self._filtered(by_key, [], field)
        self.aliases = tuple(self._queries)

    @property
    def key(self) -> Hashable:
        """Equal for selections whose events show the same."""
        queries = tuple((alias, query, hashable(values)) for alias, (query, values) in self._queries.items())
        return self.source, self._strategy_id, queries

    def includes(self, change: Change) -> bool:
        """Whether a change is about a strategy that was selected."""
        return self._strategy_id in (None, change.strategy_id)

    async def rows(self, changes: Sequence[Change], caller: Caller) -> list[Row | None]:
        """The changed rows; None where there is no event: the row is gone or does not satisfy the filter."""
        keys = [self.source.key(change) for change in changes]
        columns = await asyncio.gather(
            *(look_up(*caller, self.source.entity, *query, keys) for query in self._queries.values())
        )
        exists = columns[0]
        deleted = await self._deleted(keys, exists, caller) if self.source.has_deletions else set()
        return [
            row if exists[place] is not None or place in deleted else None
            for place, row in enumerate(zip(*columns, strict=True))
        ]

    async def _deleted(self, keys: list[Key], exists: Sequence[bytes | None], caller: Caller) -> set[int]:
        """The places of budgets that were taken away, as far as there was one."""
        gone = [place for place, row in enumerate(exists) if row is None]
        if not gone:
            return set()
        found = await look_up(*caller, BUDGET_ENTRY, _TAKEN_AWAY, (0,), [keys[place] for place in gone])
        return {place for place, row in zip(gone, found, strict=True) if row is not None}

    def _filtered(self, query: ReadQuery, values: list[Any], field: GraphQLField) -> tuple[ReadQuery, Sequence[Any]]:
        """With the filter of the root field; its values come after those of the selection."""
        slots = [*query.by, *values]
        where = ListArgsReader(self.source.entity, slots).condition(field, self._arguments)
        return replace(query, list_args=ListArgs(where)), tuple(slots[len(query.by) :])
