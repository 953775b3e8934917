"""A subscription of our own transports: its selection, and its events as JSON."""

from collections.abc import Hashable, Mapping
from typing import Any

import orjson
from graphql import DocumentNode, GraphQLError, GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type

from app.feed.changes import Change
from graphql_schema.caller import Caller
from graphql_schema.errors import RequestRefused
from graphql_schema.execution.arguments import python_name
from graphql_schema.execution.executor import build_executor
from graphql_schema.execution.selection import Details, Operation
from graphql_schema.live.events import EventSelection, EventSource, Row

_CURSOR = "cursor"


class Subscription:
    """What a subscription selects and how its events are written. Equal `key`s: the same bytes for the same changes."""

    def __init__(self, operation: Operation, sources: Mapping[str, EventSource]) -> None:
        """Raises RequestRefused, GraphQLError, BadInputError, CursorInvalid, PageTooLarge."""
        fields = operation.root_fields()
        if not fields:
            raise RequestRefused([GraphQLError("The subscription selects nothing.")])
        ((root_key, details),) = fields.items()
        root = operation.schema.subscription_type
        assert root is not None
        name = details[0].node.name.value
        field = root.fields[name]
        try:
            self.selection = EventSelection(sources[name], operation, field, details)
        except GraphQLError as error:
            raise RequestRefused([error]) from error
        self._head = b'{"data":{%b:{' % orjson.dumps(root_key)
        self._members = _members(operation, field, details)

    @property
    def key(self) -> Hashable:
        """Equal for subscriptions that send the same."""
        return self._head, self._members, self.selection.key

    def write(self, change: Change, cursor: str, row: Row) -> bytes:
        """The result of one event: a JSON object with `data`."""
        written = []
        for label, constant, attribute, place in self._members:
            if constant is not None:
                value = constant
            elif place is not None:
                value = row[place] or b"null"
            elif attribute == _CURSOR:
                value = b'"%b"' % cursor.encode()
            else:
                # asyncpg has UUIDs of its own.
                value = orjson.dumps(self.selection.source.more[attribute](change), default=str)
            written.append(label + value)
        return b"%b%b}}}" % (self._head, b",".join(written))


def read_subscription(
    schema: GraphQLSchema,
    document: DocumentNode,
    name: str | None,
    variables: Mapping[str, Any],
    caller: Caller,
    sources: Mapping[str, EventSource],
    **options: Any,
) -> Subscription:
    """The subscription of a validated document; `options` are graphql-core's.

    Raises RequestRefused, BadInputError, CursorInvalid, PageTooLarge.
    """
    executor = build_executor(schema, document, name, variables, caller, **options)
    operation = Operation(schema, executor.operation, executor.fragments, executor.variable_values)
    return Subscription(operation, sources)


_Member = tuple[bytes, bytes | None, str, int | None]
"""A member of the event's object: its label, and a constant, the name of a field, or the place of a row."""


def _members(operation: Operation, field: GraphQLField, details: Details) -> tuple[_Member, ...]:
    type_ = get_named_type(field.type)
    assert isinstance(type_, GraphQLObjectType)
    members: list[_Member] = []
    rows = 0
    for key, selected in operation.fields(type_, details).items():
        name = selected[0].node.name.value
        label = orjson.dumps(key) + b":"
        if name == "__typename":
            members.append((label, orjson.dumps(type_.name), "", None))
        elif isinstance(get_named_type(type_.fields[name].type), GraphQLObjectType):
            members.append((label, None, "", rows))
            rows += 1
        else:
            members.append((label, None, python_name(type_.fields[name]), None))
    return tuple(members)
