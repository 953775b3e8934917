"""Execution: a resolver returns a question (`Ask`, `Lookup`), and the executor answers it with one statement.

The answer is an `orjson.Fragment`: the JSON that PostgreSQL wrote, spliced into the response as it is. Any resolver may
return an `Ask`. What a mutation did is committed when its resolver returns; the `Lookup`s in what it returned are
asked together. Whether they can be answered is known before anything is done.
"""

from collections.abc import Awaitable
from typing import Any

import orjson
from graphql import GraphQLObjectType, get_named_type, is_abstract_type, is_non_null_type
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.reads import Answer, ReadQuery
from app.reads.catalogue.registry import ENTITIES
from app.reads.entity import Entity
from app.resolvers.lookups import check_question, look_up
from graphql_schema.ask import Ask, Lookup
from graphql_schema.caller import Caller
from graphql_schema.errors import coded
from graphql_schema.selection import Details, SelectionReader


class SplicingExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, for which questions and finished JSON are values."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._queries: dict[int, tuple[Details, ReadQuery, list[Any]]] = {}

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Answer an `Ask` or a `Lookup`, pass finished JSON, complete everything else as ever."""
        if type(result) is orjson.Fragment:
            return result
        caller: Caller = self.context_value
        if type(result) is Ask:
            field = info.parent_type.fields[info.field_name]
            reader = SelectionReader(self)
            query = reader.read(result, field, field_details_list)
            return _answered(result.resolver(caller.context, caller.principal, query, reader.values))
        if type(result) is Lookup:
            query, values = self.wanted(result.entity, field_details_list)
            found = look_up(caller.context, caller.principal, result.entity, query, values, [result.key])
            return _found(found, is_needed=is_non_null_type(return_type))
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    def execute_field(
        self, parent_type: Any, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        """Do nothing where what is asked of a mutation's answer cannot be given; else execute the field as ever."""
        field = parent_type.fields.get(field_details_list[0].node.name.value)
        if field is not None and parent_type is self.schema.mutation_type:
            try:
                self.foresee(field.type, field_details_list)
            except Exception as error:
                self.handle_field_error(error, field.type, field_details_list, path)
                return None
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def foresee(self, type_: Any, details: Details) -> None:
        """Read what a mutation's answer would look up. Raises BadInputError, CursorInvalid, PageTooLarge."""
        named = get_named_type(type_)
        possible = self.schema.get_possible_types(named) if is_abstract_type(named) else [named]
        for one in possible:
            if not isinstance(one, GraphQLObjectType):
                continue
            for selected in self.collect_subfields(one, details).grouped_field_set.values():
                field = one.fields.get(selected[0].node.name.value)
                entity = None if field is None else ENTITIES.get(get_named_type(field.type).name)
                if entity is not None and entity.key:
                    check_question(entity, self.wanted(entity, selected)[0])
                elif field is not None:
                    self.foresee(field.type, selected)

    def wanted(self, entity: Entity, details: Details) -> tuple[ReadQuery, list[Any]]:
        """What is selected of a looked-up object, and the values beside its key; read once for all items of a list."""
        # graphql-core hands the same list of details to each item; it is kept, so that no other has its id.
        known = self._queries.get(id(details))
        if known is None:
            reader = SelectionReader(self)
            known = self._queries[id(details)] = (details, reader.read_by_key(entity, details), reader.values)
        return known[1:]

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Any) -> None:
        """Give every error a code, and keep the cause of unexpected ones for the log."""
        super().handle_field_error(coded(raw_error), return_type, field_details_list, path)


async def _answered(answer: Awaitable[Answer]) -> orjson.Fragment:
    return orjson.Fragment((await answer).body)


async def _found(bodies: Awaitable[list[bytes | None]], *, is_needed: bool) -> orjson.Fragment | None:
    """Raises LookupError where the schema promises the object."""
    (body,) = await bodies
    if body is None and is_needed:
        raise LookupError("what was acted on is not there")
    return None if body is None else orjson.Fragment(body)
