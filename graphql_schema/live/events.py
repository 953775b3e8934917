"""One subscription: which changes it follows, and how they are written as events.

The selection is read once, when the subscription begins. After that many changes are one statement by their keys
(`resolvers.lookups`, which subscriptions that select the same share), and an event is text put together.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from graphql import DocumentNode, GraphQLError, GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type
from graphql.execution.collect_fields import FieldDetails, collect_fields
from graphql.execution.values import get_argument_values

from app.feed import Change
from app.reads import Compare, Key, ListArgs, Op, ReadQuery, ResultFormat, Selected, Selection
from app.reads.catalogue import AUDIT_ENTRY, BUDGET, BUDGET_ENTRY, FILL, ORDER, POSITION, STRATEGY
from app.reads.entity import Entity
from app.resolvers.changes import Followed, follow_changes, until_answered
from app.resolvers.lookups import look_up
from graphql_schema.caller import Caller
from graphql_schema.errors import RequestRefused
from graphql_schema.execution import SplicingExecutor
from graphql_schema.listing import ListingReader
from graphql_schema.names import python_name
from graphql_schema.operations import COERCION_ERRORS_MAX
from graphql_schema.selection import SelectionReader

CHANGES_AT_ONCE_MAX = 500

_PROBE = ReadQuery(Selection((Selected("", "is_there", literal="yes"),)), ResultFormat.KEYED)
"""Asks for nothing but whether a row is there."""
_TAKEN_AWAY = replace(_PROBE, listing=ListArgs(Compare("version", Op.GT, len(BUDGET.key))), by=BUDGET.key)


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """What a root field follows: `changes`, the entity's name in the change feed, and how a change becomes a key."""

    changes: str
    entity: Entity
    key: Callable[[Change], Key]
    node: str
    """The name of the field that has the row."""
    is_told_when_gone: bool = False


def _position_key(change: Change) -> Key:
    position_id, _, n = change.key.rpartition(":")
    return (change.strategy_id, int(n), position_id)


SOURCES = {
    "strategies": Source("strategy", STRATEGY, lambda change: (change.strategy_id,), "strategy"),
    "orders": Source("order", ORDER, lambda change: (change.strategy_id, change.key), "order"),
    "fills": Source("fill", FILL, lambda change: (change.strategy_id, UUID(change.key)), "fill"),
    "positions": Source("position", POSITION, _position_key, "position"),
    "budgets": Source("budget", BUDGET, lambda change: (change.strategy_id, change.key), "budget", True),
    "audit_log": Source("audit", AUDIT_ENTRY, lambda change: (int(change.key),), "entry"),
}
"""By the Python name of the root field."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One member of the event's object: constant text, something of the change, or a row."""

    key: bytes
    of_change: Callable[[Followed], bytes] | None = None
    query: ReadQuery | None = None
    values: tuple[Any, ...] = ()


_OF_CHANGE: Mapping[str, Callable[[Followed], bytes]] = {
    "cursor": lambda followed: orjson.dumps(followed.cursor),
    "strategy_id": lambda followed: orjson.dumps(str(followed.change.strategy_id)),
    "currency": lambda followed: orjson.dumps(followed.change.key),
}


class LiveOperation:
    """A valid subscription with its variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        name: str | None,
        variables: Mapping[str, Any],
        *,
        suggestions: bool = False,
    ) -> None:
        """Raises RequestRefused where the variables do not fit, BadInputError where the arguments do not."""
        executor = SplicingExecutor.build(
            schema,
            document,
            raw_variable_values=dict(variables),
            operation_name=name,
            max_coercion_errors=COERCION_ERRORS_MAX,
            hide_suggestions=not suggestions,
        )
        if isinstance(executor, list):
            raise RequestRefused(executor)
        self._executor = executor
        root = schema.subscription_type
        assert root is not None
        fields = collect_fields(
            schema, executor.fragments, executor.variable_values, root, executor.operation
        ).grouped_field_set
        if not fields:
            raise RequestRefused([GraphQLError("The subscription selects nothing.")])
        ((self._key, details),) = fields.items()
        field = root.fields[details[0].node.name.value]
        self._source = SOURCES[python_name(field)]
        given = get_argument_values(field, details[0].node, executor.variable_values)
        self._after: str | None = given.get("after")
        self._strategy_id: UUID | None = given.get("strategyId")
        type_ = get_named_type(field.type)
        assert isinstance(type_, GraphQLObjectType)
        self._parts = [
            self._part(type_, key, part, field, given)
            for key, part in executor.collect_subfields(type_, details).grouped_field_set.items()
        ]
        self._probe = next((part for part in self._parts if part.query is not None), None) or self._row(
            b"", ReadQuery(_PROBE.selection, ResultFormat.KEYED, by=self._source.entity.key), [], field, given
        )

    async def events(self, caller: Caller) -> AsyncGenerator[bytes, None]:
        """The JSON of each event's `data`, for ever. Raises domain errors."""
        changes = follow_changes(caller.context, caller.principal, self._source.changes, self._after)
        async with aclosing(changes):
            async for batch in changes:
                wanted = [one for one in batch if self._strategy_id in (None, one.change.strategy_id)]
                for start in range(0, len(wanted), CHANGES_AT_ONCE_MAX):
                    part = wanted[start : start + CHANGES_AT_ONCE_MAX]
                    for event in await until_answered(partial(self._write, part, caller)):
                        yield event

    async def _write(self, batch: Sequence[Followed], caller: Caller) -> list[bytes]:
        source = self._source
        keys = [source.key(one.change) for one in batch]
        asked = [part for part in self._parts if part.query is not None and part is not self._probe]
        rows = dict(
            zip(
                [id(part) for part in (self._probe, *asked)],
                await asyncio.gather(*(self._rows(part, keys, caller) for part in (self._probe, *asked))),
                strict=True,
            )
        )
        there = rows[id(self._probe)]
        told = await self._told_though_gone(keys, there, caller) if source.is_told_when_gone else set()
        return [
            self._event(one, {part: found[place] for part, found in rows.items()})
            for place, one in enumerate(batch)
            if there[place] is not None or place in told
        ]

    async def _rows(self, part: _Part, keys: Sequence[Key], caller: Caller) -> list[bytes | None]:
        assert part.query is not None
        return await look_up(caller.context, caller.principal, self._source.entity, part.query, part.values, keys)

    async def _told_though_gone(self, keys: list[Key], there: list[bytes | None], caller: Caller) -> set[int]:
        """The places of budgets that were taken away; where there never was one, nobody is told."""
        gone = [place for place, row in enumerate(there) if row is None]
        if not gone:
            return set()
        lost = [keys[place] for place in gone]
        found = await look_up(caller.context, caller.principal, BUDGET_ENTRY, _TAKEN_AWAY, (0,), lost)
        return {place for place, row in zip(gone, found, strict=True) if row is not None}

    def _event(self, followed: Followed, rows: Mapping[int, bytes | None]) -> bytes:
        members = []
        for part in self._parts:
            of_change = part.of_change
            value = of_change(followed) if of_change is not None else rows[id(part)] or b"null"
            members.append(part.key + value)
        return b"{%b:{%b}}" % (orjson.dumps(self._key), b",".join(members))

    def _part(
        self, type_: GraphQLObjectType, key: str, details: list[FieldDetails], root: GraphQLField, given: Any
    ) -> _Part:
        name = details[0].node.name.value
        label = orjson.dumps(key) + b":"
        if name == "__typename":
            literal = orjson.dumps(type_.name)
            return _Part(label, lambda _: literal)
        name = python_name(type_.fields[name])
        if name != self._source.node:
            return _Part(label, _OF_CHANGE[name])
        reader = SelectionReader(self._executor)
        query = reader.read_by_key(self._source.entity, details)
        return self._row(label, query, reader.values, root, given)

    def _row(self, label: bytes, query: ReadQuery, values: list[Any], root: GraphQLField, given: Any) -> _Part:
        """With the filter of the root field; its values come after those of the selection."""
        slots = [*query.by, *values]
        where = ListingReader(self._source.entity, slots).condition(root, given)
        return _Part(label, None, replace(query, listing=ListArgs(where)), tuple(slots[len(query.by) :]))
