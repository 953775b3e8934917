"""From a field of a GraphQL document to a `ReadQuery` and the values of its slots.

graphql-core spreads fragments, applies `@skip` and `@include`, and merges fields of one response key
(`collect_subfields`). Values may be placeholders.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values

from app.errors import BadInputError
from app.reads.entity import ENTITIES, Computed, Entity, Every, One
from app.reads.query import ALL_ROWS, NOTHING, Amounts, ListArgs, Page, ReadQuery, ResultFormat, Selected, Selection
from graphql_schema.execution.arguments import ListArgsReader, python_name, read_aggregate_args
from graphql_schema.execution.root_fields import RootRead, root_read

Details: TypeAlias = list[FieldDetails]
"""The nodes of one response key."""

DEPTH_MAX = 30
"""Deepest selection that becomes a statement."""
AMBIGUOUS_MAX = 10
"""Most objects that are named where one was meant."""


class Operation(NamedTuple):
    """One operation of a valid document, with its coerced variables."""

    schema: GraphQLSchema
    definition: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]
    variables: VariableValues

    def root_fields(self) -> dict[str, Details]:
        """The fields at the root, by response key."""
        root = self.schema.get_root_type(self.definition.operation)
        assert root is not None, "validated"
        return collect_fields(self.schema, self.fragments, self.variables, root, self.definition).grouped_field_set

    def fields(self, type_: GraphQLObjectType, details: Details) -> dict[str, Details]:
        """The fields below a field whose value is of the type, by response key."""
        collected = collect_subfields(self.schema, self.fragments, self.variables, self.definition, type_, details)
        return collected.grouped_field_set

    def arguments(self, field: GraphQLField, details: Details) -> Mapping[str, Any]:
        """The field's coerced arguments, by their GraphQL names."""
        return get_argument_values(field, details[0].node, self.variables, details[0].fragment_variable_values)


class SelectionReader:
    """Reads one field. `values` grows as slots are given out; `arguments` has all arguments that were read."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._depth = 0
        self.values: list[Any] = []
        self.arguments: list[Mapping[str, Any]] = []

    def read_root(self, field: GraphQLField, details: Details) -> tuple[RootRead, ReadQuery]:
        """Read a field of `Query` that `ROOT_FIELDS` has. Raises BadInputError, CursorInvalid, PageTooLarge."""
        given = self._arguments(field, details)
        read = root_read(details[0].node.name.value, given)
        entity = read.entity
        self.values = list(read.values)
        if entity is None:
            return read, ReadQuery(NOTHING, ResultFormat.ONE)
        if is_list_type(get_nullable_type(field.type)) and entity.model is not None:
            selection = self._object(entity, _object_of(field), details)
            list_args = replace(ALL_ROWS, where=read.where)
            return read, ReadQuery(selection, ResultFormat.ARRAY, list_args, Amounts.TEXT, is_counted=False)
        if read.where is not None:
            selection = self._object(entity, self._type_of(entity), details)
            list_args = ListArgs(read.where, page=Page(AMBIGUOUS_MAX))
            return read, ReadQuery(selection, ResultFormat.EACH, list_args, Amounts.TEXT)
        if entity.model is None:
            arguments = read_aggregate_args(entity.name, field, given, self.values)
            selection = self._plain(_object_of(field), details)
            return read, ReadQuery(selection, ResultFormat.ONE, amounts=Amounts.TEXT, arguments=arguments)
        list_args = ListArgsReader(entity, self.values).read(field, given)
        selection = self._connection(entity, field, details)
        return read, ReadQuery(selection, ResultFormat.CONNECTION, list_args, Amounts.TEXT)

    def read_by_key(self, entity: Entity, details: Details) -> ReadQuery:
        """Read a field as objects looked up by key; `values` has those of the slots after the keys' own.

        Raises BadInputError, CursorInvalid, PageTooLarge.
        """
        self.values = [None] * len(entity.key)
        selection = self._object(entity, self._type_of(entity), details)
        del self.values[: len(entity.key)]
        return ReadQuery(selection, ResultFormat.KEYED, amounts=Amounts.TEXT, by=entity.key)

    def _type_of(self, entity: Entity) -> GraphQLObjectType:
        """The entity's object type; the type of a field may be an interface."""
        type_ = self._operation.schema.get_type(entity.name)
        assert isinstance(type_, GraphQLObjectType)
        return type_

    def _connection(self, entity: Entity, field: GraphQLField, details: Details) -> Selection:
        def part(name: str, field: GraphQLField, details: Details) -> Selected:
            match name:
                case "nodes" | "node":
                    return Selected(name, "", self._object(entity, _object_of(field), details))
                case "edges":
                    return Selected(name, "", self._fields(_object_of(field), details, part))
                case "page_info":
                    return Selected(name, "", self._plain(_object_of(field), details))
                case _:
                    return Selected(name, "")

        return self._fields(_object_of(field), details, part)

    def _object(self, entity: Entity, type_: GraphQLObjectType, details: Details) -> Selection:
        def part(name: str, field: GraphQLField, details: Details) -> Selected:
            link = entity.links.get(name)
            if link is None:
                return Selected(name, "")
            neighbour = ENTITIES[link.entity]
            if isinstance(link, One | Every):
                return Selected(name, "", self._object(neighbour, _object_of(field), details))
            given = self._arguments(field, details)
            if isinstance(link, Computed):
                arguments = read_aggregate_args(link.entity, field, given, self.values)
                return Selected(name, "", self._plain(_object_of(field), details), arguments=arguments)
            list_args = ListArgsReader(neighbour, self.values).read(field, given)
            return Selected(name, "", self._connection(neighbour, field, details), list_args)

        return self._fields(type_, details, part)

    def _plain(self, type_: GraphQLObjectType, details: Details) -> Selection:
        """Fields without arguments, of objects inside each other."""

        def part(name: str, field: GraphQLField, details: Details) -> Selected:
            inner = get_named_type(field.type)
            return Selected(name, "", self._plain(inner, details) if isinstance(inner, GraphQLObjectType) else NOTHING)

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
        for key, found in self._operation.fields(type_, details).items():
            name = found[0].node.name.value
            if name == "__typename":
                fields.append(Selected(name, key, literal=type_.name))
                continue
            field = type_.fields[name]
            fields.append(replace(part(python_name(field), field, found), key=key))
        self._depth -= 1
        return Selection(tuple(fields))

    def _arguments(self, field: GraphQLField, details: Details) -> Mapping[str, Any]:
        given = self._operation.arguments(field, details)
        self.arguments.append(given)
        return given


def _object_of(field: GraphQLField) -> GraphQLObjectType:
    named = get_named_type(field.type)
    assert isinstance(named, GraphQLObjectType)
    return named
