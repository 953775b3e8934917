"""Execution: a resolver returns a question (`Ask`), and the executor answers it with one statement.

The answer is an `orjson.Fragment`: the JSON that PostgreSQL wrote, spliced into the response as it is. Any resolver may
return an `Ask`, a field of a mutation's payload too.
"""

from collections.abc import Awaitable
from typing import Any

import orjson
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.reads import Answer
from graphql_schema.ask import Ask
from graphql_schema.caller import Caller
from graphql_schema.errors import coded
from graphql_schema.selection import SelectionReader


class SplicingExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, for which questions and finished JSON are values."""

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Answer an `Ask`, pass finished JSON, complete everything else as ever."""
        if type(result) is orjson.Fragment:
            return result
        if type(result) is Ask:
            field = info.parent_type.fields[info.field_name]
            reader = SelectionReader(self)
            want = reader.read(result, field, field_details_list)
            caller: Caller = self.context_value
            return _answered(result.resolver(caller.context, caller.principal, want, reader.values))
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Any) -> None:
        """Give every error a code, and keep the cause of unexpected ones for the log."""
        super().handle_field_error(coded(raw_error), return_type, field_details_list, path)


async def _answered(answer: Awaitable[Answer]) -> orjson.Fragment:
    return orjson.Fragment((await answer).body)
