"""What a mutation answers with: for each type of answer the selected fields as text with gaps.

The gaps are filled with the JSON that PostgreSQL wrote for looked-up objects, and with the answer's own texts.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, cast

import orjson
from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)

from app.reads import ReadQuery
from app.reads.catalogue.registry import ENTITIES
from app.resolvers.lookups import look_up
from graphql_schema.ask import Lookup
from graphql_schema.caller import Caller
from graphql_schema.execution import SplicingExecutor
from graphql_schema.holes import Fill, NotPlannable, filling
from graphql_schema.names import python_name
from graphql_schema.plans.documents import Operation
from graphql_schema.plans.planner import executor_for
from graphql_schema.selection import Details


class Answers:
    """How the answers of one document are written, for the same steering variables. They may be holes."""

    def __init__(self, schema: GraphQLSchema, operation: Operation, variables: Mapping[str, Any]) -> None:
        """Raises NotPlannable, BadInputError."""
        self._executor = executor_for(_RootReader, schema, operation, variables)
        self._executor.roots = []
        result = self._executor.execute_operation()
        if isawaitable(result) or len(self._executor.roots) != 1:
            raise NotPlannable
        parent, self._key, details = self._executor.roots[0]
        declared = parent.fields[details[0].node.name.value].type
        self._executor.foresee(declared, details)
        self._is_list = is_list_type(get_nullable_type(declared))
        self._questions: list[Fill] = []
        self._members = {
            type_.name: self._member(type_, details)
            for type_ in schema.get_possible_types(cast(GraphQLAbstractType, get_named_type(declared)))
        }

    def filled(self, values: Sequence[Any]) -> list[Sequence[Any]]:
        """What the look-ups are asked with beside the keys: a request's values fill the holes. Raises CursorInvalid."""
        return [fill(values) for fill in self._questions]

    async def data(self, outcome: Any, filled: Sequence[Sequence[Any]], caller: Caller) -> bytes:
        """The JSON of `data`. Raises whatever keeps it from being whole."""
        written = await self._written(outcome if self._is_list else [outcome], filled, caller)
        body = b"[%b]" % b",".join(written) if self._is_list else written[0]
        return b"{%b:%b}" % (orjson.dumps(self._key), body)

    async def _written(self, payloads: Sequence[Any], filled: Sequence[Sequence[Any]], caller: Caller) -> list[bytes]:
        places: dict[type[Any], list[int]] = {}
        for place, payload in enumerate(payloads):
            places.setdefault(type(payload), []).append(place)
        # All look-ups are asked before any is waited for: so they share statements.
        asked = []
        for kind, which in places.items():
            member = self._members[kind.__strawberry_definition__.name]
            alike = [payloads[place] for place in which]
            asked.append((member, which, [gap.ask(alike, filled, caller) for gap in member.gaps]))
        written = [b""] * len(payloads)
        for member, which, columns in asked:
            rows = zip(*[await column for column in columns], strict=True) if columns else [()] * len(which)
            for place, row in zip(which, rows, strict=True):
                written[place] = member.text % row
        return written

    def _member(self, type_: GraphQLObjectType, details: Details) -> "_Member":
        texts: list[bytes] = []
        gaps: list[_Gap] = []
        for key, selected in self._executor.collect_subfields(type_, details).grouped_field_set.items():
            name = selected[0].node.name.value
            if name == "__typename":
                texts.append(b"%b:%b" % (orjson.dumps(key), orjson.dumps(type_.name)))
                continue
            texts.append(b"%b:%%b" % orjson.dumps(key))
            gaps.append(self._gap(type_.fields[name], selected))
        return _Member(b"{%b}" % b",".join(texts), gaps)

    def _gap(self, declared: GraphQLField, details: Details) -> "_Gap":
        is_needed = is_non_null_type(declared.type)
        entity = ENTITIES.get(get_named_type(declared.type).name)
        if entity is None:
            return _Gap(python_name(declared), is_needed)
        query, template = self._executor.wanted(entity, details)
        self._questions.append(filling(template))
        return _Gap(python_name(declared), is_needed, query, len(self._questions) - 1)


@dataclass(slots=True)
class _Member:
    """One type of answers: its text, and what goes into the gaps."""

    text: bytes
    gaps: "list[_Gap]"


@dataclass(slots=True)
class _Gap:
    """One field of a type of answers: a text; or, with `query`, a looked-up object."""

    name: str
    is_needed: bool
    query: ReadQuery | None = None
    question: int = 0

    def ask(self, payloads: Sequence[Any], filled: Sequence[Sequence[Any]], caller: Caller) -> "_Column":
        """What goes into the gap, of each."""
        found = [getattr(payload, self.name) for payload in payloads]
        if self.query is None:
            return _Column([orjson.dumps(one) for one in found])
        lookups: list[Lookup] = [one for one in found if one is not None]
        if not lookups:
            return _Column([b"null"] * len(found))
        entity, keys = lookups[0].entity, [lookup.key for lookup in lookups]
        bodies = look_up(caller.context, caller.principal, entity, self.query, filled[self.question], keys)
        return _Column(found, bodies, self.is_needed)


@dataclass(slots=True)
class _Column:
    """One gap of many answers: finished texts, or look-ups (None: there is nothing to look up) and their bodies."""

    texts: list[Any]
    bodies: Awaitable[list[bytes | None]] | None = None
    is_needed: bool = False

    def __await__(self) -> Any:
        if self.bodies is None:
            return self.texts
        bodies = yield from self.bodies.__await__()
        if self.is_needed:
            if None in bodies:
                raise LookupError("what was acted on is not there")
            return bodies
        found = iter(bodies)
        return [b"null" if one is None else next(found) or b"null" for one in self.texts]


class _RootReader(SplicingExecutor):
    """Notes what is selected at the root, and resolves nothing."""

    roots: list[tuple[GraphQLObjectType, str, Details]]

    def execute_field(self, parent_type: Any, source: Any, details: Any, path: Any, position_context: Any) -> Any:
        """Note the field."""
        self.roots.append((parent_type, path.key, details))
        return None
