"""Execution: graphql-core's executor, which takes JSON from PostgreSQL and keys of stored objects as results.

A root field of `Query` returns an `Answer`, a mutation's payload has an `ObjectByKey` in place of each stored object,
an event of a subscription has `JsonByAlias`. `PurserExecutor` makes plain values of them, as any user of
`schema.execute` expects; `SplicingExecutor` makes `orjson.Fragment`s, which copy the JSON as PostgreSQL wrote it.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, NamedTuple, cast

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails
from graphql.execution.values import VariableValues
from strawberry import Info
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.reads.compiled import Answer, compiled_query
from app.reads.entity import ENTITIES, Entity
from app.reads.lookups import Key
from app.reads.query import ReadQuery
from app.resolvers.reads import look_up
from graphql_schema.caller import Caller
from graphql_schema.errors import RequestRefused, coded
from graphql_schema.execution.selection import Details, Operation, SelectionReader

COERCION_ERRORS_MAX = 20


class ObjectByKey(NamedTuple):
    """A stored object in a mutation's payload. The objects of a list that select the same are one statement."""

    entity: Entity
    key: Key


class JsonByAlias(NamedTuple):
    """One object as JSON, by the response keys that it is selected under; None where it does not exist."""

    bodies: Mapping[str, bytes | None]


async def read(info: Info[Any, Any]) -> Any:
    """Resolve a field of `Query`, with all that is selected below it, by one statement (`ROOT_FIELDS`).

    Raises BadInputError, CursorInvalid, PageTooLarge, DatabaseUnavailable, QueryTimeout.
    """
    operation, field, details = field_of(info)
    reader = SelectionReader(operation)
    root, query = reader.read_root(field, details)
    caller: Caller = info.context
    return await root.resolver(*caller, query, reader.values, root.entity)


def field_of(info: Info[Any, Any]) -> tuple[Operation, Any, Details]:
    """The operation, the definition and the nodes of the field that is being resolved."""
    raw: Any = info._raw_info
    fragments = {name: FragmentDetails(fragment) for name, fragment in raw.fragments.items()}
    operation = Operation(raw.schema, raw.operation, fragments, VariableValues({}, raw.variable_values))
    return operation, raw.parent_type.fields[raw.field_name], [FieldDetails(node, None) for node in raw.field_nodes]


class PayloadReader:
    """Reads the selections of stored objects in a mutation's payload, each selection once."""

    def __init__(
        self, operation: Operation, fields: Callable[[Any, Details], dict[str, Details]] | None = None
    ) -> None:
        """`fields`: how the fields below a field are collected, if not by the operation."""
        self._operation = operation
        self._fields = fields or operation.fields
        self._queries: dict[int, tuple[Details, ReadQuery, list[Any]]] = {}

    def by_key(self, entity: Entity, details: Details) -> tuple[ReadQuery, list[Any]]:
        """The query for objects by key, and the values of the slots after the keys' own."""
        # graphql-core hands the same list of details to each item; it is kept, so that no other has its id.
        known = self._queries.get(id(details))
        if known is None:
            reader = SelectionReader(self._operation)
            known = self._queries[id(details)] = (details, reader.read_by_key(entity, details), reader.values)
        return known[1:]

    def check(self, type_: Any, details: Details) -> None:
        """Read every selection that the payload would look up. Raises BadInputError, CursorInvalid, PageTooLarge."""
        schema, named = self._operation.schema, get_named_type(type_)
        for one in schema.get_possible_types(named) if is_abstract_type(named) else [named]:
            if not isinstance(one, GraphQLObjectType):
                continue
            for selected in self._fields(one, details).values():
                field = one.fields.get(selected[0].node.name.value)
                entity = None if field is None else ENTITIES.get(get_named_type(field.type).name)
                if entity is not None and entity.key:
                    compiled_query(entity, self.by_key(entity, selected)[0])
                elif field is not None:
                    self.check(field.type, selected)


class PurserExecutor(StrawberryGraphQLCoreExecutionContext):
    """Completes results with plain values, which `json.dumps` takes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        operation = Operation(self.schema, self.operation, self.fragments, self.variable_values)
        # graphql-core caches collected fields: so completion finds the selections that were read before the
        # mutation.
        self.payload = PayloadReader(operation, lambda *below: self.collect_subfields(*below).grouped_field_set)

    finished: Callable[[bytes], Any] = staticmethod(json.loads)
    """From the JSON of one field's value to a result."""

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        """Complete JSON and stored objects here, everything else by graphql-core."""
        kind = type(result)
        if kind is Answer:
            return self.finished(result.body)
        if kind is ObjectByKey:
            caller: Caller = self.context_value
            query, values = self.payload.by_key(result.entity, field_details_list)
            bodies = look_up(caller.context, caller.principal, result.entity, query, values, [result.key])
            return self._found(bodies, is_needed=is_non_null_type(return_type))
        if kind is JsonByAlias:
            body = result.bodies[path.key]
            return None if body is None else self.finished(body)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    def execute_field(
        self, parent_type: Any, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        """Change nothing if the payload selects something that cannot be answered; else execute the field."""
        field = parent_type.fields.get(field_details_list[0].node.name.value)
        if field is not None and parent_type is self.schema.mutation_type:
            try:
                self.payload.check(field.type, field_details_list)
            except Exception as error:
                self.handle_field_error(error, field.type, field_details_list, path)
                return None
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Any) -> None:
        """Give every error a code, and keep the cause of unexpected ones for the log."""
        super().handle_field_error(coded(raw_error), return_type, field_details_list, path)

    async def _found(self, bodies: Awaitable[list[bytes | None]], *, is_needed: bool) -> Any:
        """Raises LookupError where the schema promises the object."""
        (body,) = await bodies
        if body is None and is_needed:
            raise LookupError("a row that the mutation wrote does not exist")
        return None if body is None else self.finished(body)


class SplicingExecutor(PurserExecutor):
    """Completes results with `orjson.Fragment`s: for answers that are written by orjson."""

    finished = staticmethod(orjson.Fragment)


async def run(executor: SplicingExecutor) -> ExecutionResult:
    """Execute the operation; errors of its fields stand in the result."""
    result = executor.execute_operation()
    return cast(ExecutionResult, await result if isawaitable(result) else result)


def build_executor(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any],
    caller: Caller,
    **options: Any,
) -> SplicingExecutor:
    """The executor of a validated document's operation. `options` are graphql-core's.

    Raises RequestRefused if the variables do not fit.
    """
    executor = SplicingExecutor.build(
        schema,
        document,
        context_value=caller,
        raw_variable_values=dict(variables),
        operation_name=operation_name,
        max_coercion_errors=COERCION_ERRORS_MAX,
        **options,
    )
    if isinstance(executor, list):
        raise RequestRefused(executor)
    assert isinstance(executor, SplicingExecutor)
    return executor
