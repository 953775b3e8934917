"""Payload templates: the selection of a mutation's payload, as text with gaps for each of its possible types.

The gaps are filled with the JSON that PostgreSQL wrote of stored objects, and with the payload's own values.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
)

from app.reads.entity import ENTITIES
from app.reads.query import ReadQuery
from app.resolvers.reads import look_up
from graphql_schema.caller import Caller
from graphql_schema.execution.arguments import python_name
from graphql_schema.execution.executor import ObjectByKey, PayloadReader
from graphql_schema.execution.placeholders import NotPlannable, bind
from graphql_schema.execution.selection import Details, Operation


class PayloadTemplate:
    """How the payload of a mutation's one field is written. Variables of the operation may be placeholders."""

    def __init__(self, operation: Operation) -> None:
        """Raises NotPlannable, BadInputError, CursorInvalid, PageTooLarge."""
        root, fields = operation.schema.mutation_type, operation.root_fields()
        if root is None or len(fields) != 1:
            raise NotPlannable
        ((self._key, details),) = fields.items()
        declared = root.fields[details[0].node.name.value].type
        union = get_named_type(declared)
        if not is_abstract_type(union):
            raise NotPlannable
        self._operation, self._reader = operation, PayloadReader(operation)
        self._reader.check(declared, details)
        self._is_list = is_list_type(get_nullable_type(declared))
        self._templates: list[Sequence[Any]] = []
        self._members = {
            type_.name: self._member(type_, details) for type_ in operation.schema.get_possible_types(union)
        }

    def bound(self, values: Sequence[Any]) -> list[Sequence[Any]]:
        """The parameters of each query, besides keys, from the values of a request. Raises CursorInvalid."""
        return [bind(template, values) for template in self._templates]

    async def data(self, payload: Any, bound: Sequence[Sequence[Any]], caller: Caller) -> bytes:
        """The JSON of `data`. Raises any error that keeps it from being whole."""
        written = await self._written(payload if self._is_list else [payload], bound, caller)
        body = b"[%b]" % b",".join(written) if self._is_list else written[0]
        return b"{%b:%b}" % (orjson.dumps(self._key), body)

    async def _written(self, payloads: Sequence[Any], bound: Sequence[Sequence[Any]], caller: Caller) -> list[bytes]:
        places: dict[type[Any], list[int]] = {}
        for place, payload in enumerate(payloads):
            places.setdefault(type(payload), []).append(place)
        # All lookups start before any is awaited: so they share statements.
        started = []
        for kind, which in places.items():
            text, gaps = self._members[kind.__strawberry_definition__.name]
            alike = [payloads[place] for place in which]
            started.append((text, which, [gap.column(alike, bound, caller) for gap in gaps]))
        written = [b""] * len(payloads)
        for text, which, columns in started:
            rows = zip(*[await column for column in columns], strict=True) if columns else [()] * len(which)
            for place, row in zip(which, rows, strict=True):
                written[place] = text % row
        return written

    def _member(self, type_: GraphQLObjectType, details: Details) -> "tuple[bytes, list[_Gap]]":
        """One type of the union: its text, and what fills the gaps."""
        texts: list[bytes] = []
        gaps: list[_Gap] = []
        for key, selected in self._operation.fields(type_, details).items():
            name = selected[0].node.name.value
            if name == "__typename":
                texts.append(b"%b:%b" % (orjson.dumps(key), orjson.dumps(type_.name)))
                continue
            texts.append(b"%b:%%b" % orjson.dumps(key))
            gaps.append(self._gap(type_.fields[name], selected))
        return b"{%b}" % b",".join(texts), gaps

    def _gap(self, declared: GraphQLField, details: Details) -> "_Gap":
        is_needed = is_non_null_type(declared.type)
        entity = ENTITIES.get(get_named_type(declared.type).name)
        if entity is None:
            return _Gap(python_name(declared), is_needed)
        query, template = self._reader.by_key(entity, details)
        self._templates.append(template)
        return _Gap(python_name(declared), is_needed, query, len(self._templates) - 1)


@dataclass(slots=True)
class _Gap:
    """One field of a payload: a value; or, with `query`, a stored object. `place` is where its parameters stand."""

    name: str
    is_needed: bool
    query: ReadQuery | None = None
    place: int = 0

    def column(self, payloads: Sequence[Any], bound: Sequence[Sequence[Any]], caller: Caller) -> "_Column":
        """The gap's values, one for each payload."""
        found = [getattr(payload, self.name) for payload in payloads]
        if self.query is None:
            return _Column([orjson.dumps(one) for one in found])
        objects: list[ObjectByKey] = [one for one in found if one is not None]
        if not objects:
            return _Column([b"null"] * len(found))
        entity, keys = objects[0].entity, [one.key for one in objects]
        bodies = look_up(caller.context, caller.principal, entity, self.query, bound[self.place], keys)
        return _Column(found, bodies, self.is_needed)


@dataclass(slots=True)
class _Column:
    """One gap of many payloads: finished texts; or objects (None: no object) and their awaitable JSON."""

    texts: list[Any]
    bodies: Awaitable[list[bytes | None]] | None = None
    is_needed: bool = False

    def __await__(self) -> Any:
        if self.bodies is None:
            return self.texts
        bodies = yield from self.bodies.__await__()
        if self.is_needed:
            if None in bodies:
                raise LookupError("a row that the mutation wrote does not exist")
            return bodies
        found = iter(bodies)
        return [b"null" if one is None else next(found) or b"null" for one in self.texts]
