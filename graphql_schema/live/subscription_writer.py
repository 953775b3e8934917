"""Subscriptions for our own WebSocket: the events of Strawberry's resolver, each written as text put together."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from inspect import isawaitable
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    create_source_event_stream,
    get_named_type,
)

from graphql_schema.caller import Caller
from graphql_schema.errors import RequestRefused
from graphql_schema.execution.arguments import python_name
from graphql_schema.execution.executor import JsonByAlias, build_executor
from graphql_schema.execution.selection import Operation


async def written_events(
    schema: GraphQLSchema,
    document: DocumentNode,
    name: str | None,
    variables: Mapping[str, Any],
    caller: Caller,
    **options: Any,
) -> AsyncGenerator[bytes, None]:
    """The JSON of each event's `data`, without end. Raises RequestRefused, GraphQLError with a code."""
    executor = build_executor(schema, document, name, variables, caller, **options)
    write = _writer(Operation(schema, executor.operation, executor.fragments, executor.variable_values))
    stream: Any = create_source_event_stream(executor)
    if isawaitable(stream):
        stream = await stream
    if isinstance(stream, ExecutionResult):
        raise RequestRefused(stream.errors or ())
    async with aclosing(stream) as events:
        async for event in events:
            yield write(event)


def _writer(operation: Operation) -> Callable[[Any], bytes]:
    """How the data of an event is written. Raises RequestRefused for a subscription that selects nothing."""
    fields = operation.root_fields()
    if not fields:
        raise RequestRefused([GraphQLError("The subscription selects nothing.")])
    ((root_key, details),) = fields.items()
    root = operation.schema.subscription_type
    assert root is not None
    type_ = get_named_type(root.fields[details[0].node.name.value].type)
    assert isinstance(type_, GraphQLObjectType)
    members: list[tuple[bytes, str, str | None]] = []
    for key, selected in operation.fields(type_, details).items():
        name = selected[0].node.name.value
        attribute = None if name == "__typename" else python_name(type_.fields[name])
        members.append((orjson.dumps(key) + b":", key, attribute))
    head, typename = b"{%b:{" % orjson.dumps(root_key), orjson.dumps(type_.name)

    def write(event: Any) -> bytes:
        written = []
        for label, key, attribute in members:
            value = typename if attribute is None else getattr(event, attribute)
            if type(value) is JsonByAlias:
                value = value.bodies[key] or b"null"
            elif attribute is not None:
                value = orjson.dumps(value, default=str)  # asyncpg has UUIDs of its own
            written.append(label + value)
        return b"%b%b}}" % (head, b",".join(written))

    return write
