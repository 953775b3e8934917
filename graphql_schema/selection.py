"""From a field of a GraphQL document to a `ReadQuery`: selection set, arguments, variables, and the values beside it.

Fragments, `@skip`, `@include` and the merging of fields under one key are graphql-core's (`collect_subfields`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import GraphQLField, GraphQLObjectType, get_named_type, get_nullable_type, is_list_type
from graphql.execution.values import get_argument_values

from app.errors import BadInputError
from app.reads import ALL_ROWS, Amounts, ListArgs, Page, ReadQuery, ResultFormat, Selected, Selection
from app.reads.catalogue.registry import entity_named
from app.reads.entity import Computed, Entity, Every, One
from graphql_schema.ask import Ask
from graphql_schema.computing import read_arguments
from graphql_schema.listing import ListingReader
from graphql_schema.names import python_name

if TYPE_CHECKING:
    from graphql.execution import Executor
    from graphql.execution.collect_fields import FieldDetails

Details: TypeAlias = "list[FieldDetails]"

DEPTH_MAX = 30
"""Deepest selection that becomes a statement."""
AMBIGUOUS_MAX = 10
"""Most objects that are named where one was meant."""


class SelectionReader:
    """Reads one root field. `values` fills as slots are given out."""

    def __init__(self, executor: "Executor[Any]") -> None:
        self._executor = executor
        self._depth = 0
        self.values: list[Any] = []

    def read(self, ask: Ask, field: GraphQLField, details: Details) -> ReadQuery:
        """The question that the field asks. Raises BadInputError, CursorInvalid, PageTooLarge."""
        entity = ask.entity
        self.values = list(ask.values)
        if is_list_type(get_nullable_type(field.type)) and entity.model is not None:
            selection = self._object(entity, _object_of(field), details)
            listing = replace(ALL_ROWS, where=ask.where)
            return ReadQuery(selection, ResultFormat.ARRAY, listing, Amounts.TEXT, is_counted=False)
        if ask.where is not None:
            # The field's own type may be an interface; the entity's name is the object's type.
            type_ = self._executor.schema.get_type(entity.name)
            assert isinstance(type_, GraphQLObjectType)
            selection = self._object(entity, type_, details)
            return ReadQuery(selection, ResultFormat.EACH, ListArgs(ask.where, page=Page(AMBIGUOUS_MAX)), Amounts.TEXT)
        if entity.model is None:
            arguments = read_arguments(entity.name, field, self._given(field, details), self.values)
            return ReadQuery(
                self._plain(_object_of(field), details), ResultFormat.ONE, amounts=Amounts.TEXT, arguments=arguments
            )
        listing = self._listing(entity, field, details)
        return ReadQuery(self._connection(entity, field, details), ResultFormat.CONNECTION, listing, Amounts.TEXT)

    def read_by_key(self, entity: Entity, details: Details) -> ReadQuery:
        """The question for objects of a kind by their keys; `values` has those beside the keys. Raises as `read`."""
        type_ = self._executor.schema.get_type(entity.name)
        assert isinstance(type_, GraphQLObjectType)
        self.values = [None] * len(entity.key)
        selection = self._object(entity, type_, details)
        del self.values[: len(entity.key)]
        return ReadQuery(selection, ResultFormat.KEYED, amounts=Amounts.TEXT, by=entity.key)

    def _connection(self, entity: Entity, field: GraphQLField, details: Details) -> Selection:
        def part(name: str, field: GraphQLField, details: Details) -> Selected:
            match name:
                case "nodes":
                    return Selected(name, "", self._object(entity, _object_of(field), details))
                case "edges":
                    return Selected(name, "", self._fields(_object_of(field), details, edge_part))
                case "page_info":
                    return Selected(name, "", self._plain(_object_of(field), details))
                case _:
                    return Selected(name, "")

        def edge_part(name: str, field: GraphQLField, details: Details) -> Selected:
            if name == "node":
                return Selected(name, "", self._object(entity, _object_of(field), details))
            return Selected(name, "")

        return self._fields(_object_of(field), details, part)

    def _object(self, entity: Entity, type_: GraphQLObjectType, details: Details) -> Selection:
        def part(name: str, field: GraphQLField, details: Details) -> Selected:
            link = entity.links.get(name)
            if link is None:
                return Selected(name, "")
            neighbour = entity_named(link.entity)
            if isinstance(link, One | Every):
                return Selected(name, "", self._object(neighbour, _object_of(field), details))
            if isinstance(link, Computed):
                arguments = read_arguments(link.entity, field, self._given(field, details), self.values)
                return Selected(name, "", self._plain(_object_of(field), details), arguments=arguments)
            listing = self._listing(neighbour, field, details)
            return Selected(name, "", self._connection(neighbour, field, details), listing)

        return self._fields(type_, details, part)

    def _plain(self, type_: GraphQLObjectType, details: Details) -> Selection:
        """Fields without arguments, of objects inside each other."""

        def part(name: str, field: GraphQLField, details: Details) -> Selected:
            inner = get_named_type(field.type)
            return Selected(name, "", self._plain(inner, details) if isinstance(inner, GraphQLObjectType) else None)

        return self._fields(type_, details, part)

    def _fields(
        self,
        type_: GraphQLObjectType,
        details: Details,
        part: Callable[[str, GraphQLField, Details], Selected],
    ) -> Selection:
        if self._depth >= DEPTH_MAX:
            raise BadInputError(f"The selection is more than {DEPTH_MAX} objects deep.")
        self._depth += 1
        fields = []
        for key, found in self._executor.collect_subfields(type_, details).grouped_field_set.items():
            name = found[0].node.name.value
            if name == "__typename":
                fields.append(Selected(name, key, literal=type_.name))
                continue
            field = type_.fields[name]
            selected = part(python_name(field), field, found)
            fields.append(replace(selected, key=key))
        self._depth -= 1
        return Selection(tuple(fields))

    def _listing(self, entity: Entity, field: GraphQLField, details: Details) -> ListArgs:
        return ListingReader(entity, self.values).read(field, self._given(field, details))

    def _given(self, field: GraphQLField, details: Details) -> Mapping[str, Any]:
        return get_argument_values(
            field, details[0].node, self._executor.variable_values, details[0].fragment_variable_values
        )


def _object_of(field: GraphQLField) -> GraphQLObjectType:
    named = get_named_type(field.type)
    assert isinstance(named, GraphQLObjectType)
    return named
