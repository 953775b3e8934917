"""Operation plans: the compiler from an operation whose variables are placeholders to its reads."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, is_non_null_type
from graphql.language import FieldNode

from app.principal import Principal
from app.reads import Answer, ReadQuery
from app.resolvers import Context
from graphql_schema.errors import coded
from graphql_schema.execution.placeholders import Bind, NotPlannable, binder, placeholders_in
from graphql_schema.execution.root_fields import ROOT_FIELDS
from graphql_schema.execution.selection import Details, Operation, SelectionReader


@dataclass(frozen=True, slots=True, eq=False)
class PlannedRead:
    """One statement of a plan: the resolver that runs it, and how its values are made of the request's."""

    resolver: Callable[..., Awaitable[Answer]]
    query: ReadQuery
    bind: Bind
    nodes: list[FieldNode]
    is_nullable: bool

    async def run(self, context: Context, principal: Principal, values: list[Any]) -> Answer:
        """Raises domain errors."""
        return await self.resolver(context, principal, self.query, self.bind(values))


@dataclass(frozen=True, slots=True)
class OperationPlan:
    """All reads of an operation by response key, and the JSON between their answers: one piece more than reads."""

    fields: dict[str, PlannedRead | str]
    """A text is the value itself: `__typename`."""
    reads: tuple[PlannedRead, ...]
    pieces: tuple[bytes, ...]

    def result(self, outcomes: dict[PlannedRead, Answer | BaseException]) -> ExecutionResult:
        """The result if some reads failed: errors with their codes, and null up to the next nullable field."""
        data: dict[str, Any] = {}
        errors: list[GraphQLError] = []
        for key, field in self.fields.items():
            outcome = field if isinstance(field, str) else outcomes[field]
            data[key] = orjson.Fragment(outcome.body) if isinstance(outcome, Answer) else outcome
            if isinstance(field, PlannedRead) and isinstance(outcome, BaseException):
                if not isinstance(outcome, Exception):
                    raise outcome
                shown = coded(outcome)
                errors.append(GraphQLError(shown.message, field.nodes, path=[key], extensions=shown.extensions))
                data[key] = None
                if not field.is_nullable:
                    return ExecutionResult(None, errors)
        return ExecutionResult(data, errors)


def compile_operation(operation: Operation) -> OperationPlan:
    """The plan of a valid query. Raises NotPlannable, BadInputError, CursorInvalid, PageTooLarge."""
    root = operation.schema.query_type
    assert root is not None
    fields: dict[str, PlannedRead | str] = {}
    pieces = [b"{"]
    for key, details in operation.root_fields().items():
        name = details[0].node.name.value
        pieces[-1] += b"%b%b:" % (b"," if fields else b"", orjson.dumps(key))
        if name == "__typename":
            fields[key] = root.name
            pieces[-1] += orjson.dumps(root.name)
        elif name in ROOT_FIELDS:
            fields[key] = _read(operation, root.fields[name], details)
            pieces.append(b"")
        else:
            raise NotPlannable
    if len(pieces) == 1:
        raise NotPlannable
    pieces[-1] += b"}"
    reads = tuple(field for field in fields.values() if isinstance(field, PlannedRead))
    return OperationPlan(fields, reads, tuple(pieces))


def _read(operation: Operation, field: Any, details: Details) -> PlannedRead:
    reader = SelectionReader(operation)
    root, query = reader.read_root(field, details)
    if not placeholders_in(reader.arguments) <= placeholders_in(reader.values):
        # A value that is no parameter would be the same for every request that shares the plan.
        raise NotPlannable
    nodes = [detail.node for detail in details]
    return PlannedRead(root.resolver, query, binder(reader.values), nodes, not is_non_null_type(field.type))
