"""One valid operation, executed."""

from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLSchema

from graphql_schema.caller import Caller
from graphql_schema.errors import RequestRefused
from graphql_schema.execution import SplicingExecutor

COERCION_ERRORS_MAX = 20


async def execute(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any],
    caller: Caller,
    *,
    suggestions: bool = False,
) -> ExecutionResult:
    """Execute a validated document's operation; errors of its fields stand in the result.

    Raises RequestRefused where the variables do not fit: then nothing was executed.
    """
    executor = SplicingExecutor.build(
        schema,
        document,
        context_value=caller,
        raw_variable_values=dict(variables),
        operation_name=operation_name,
        max_coercion_errors=COERCION_ERRORS_MAX,
        hide_suggestions=not suggestions,
    )
    if isinstance(executor, list):
        raise RequestRefused(executor)
    result: Any = executor.execute_operation()
    if isawaitable(result):
        result = await result
    assert isinstance(result, ExecutionResult)
    return result
