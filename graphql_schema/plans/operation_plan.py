"""Operation plans: a query compiled to its reads, with placeholders for the values of variables."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    OperationDefinitionNode,
    is_non_null_type,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from app.errors import PurserError
from app.reads.compiled import Answer
from graphql_schema.caller import Caller
from graphql_schema.errors import coded
from graphql_schema.execution.placeholders import NotPlannable, bind, placeholders_in
from graphql_schema.execution.root_fields import ROOT_FIELDS
from graphql_schema.execution.selection import Details, Operation, SelectionReader
from graphql_schema.plans.plan_variables import Constraints, PlanVariables, SplitVariables, size_of

CONSTRAINTS_SIZE_MAX = 2000
"""Most parts of the constraints that a plan is kept for."""


class OperationPlans:
    """The plans of one query, those used last. Plan constraints choose the plan of a request."""

    def __init__(
        self,
        schema: GraphQLSchema,
        definition: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
        plans_max: int,
    ) -> None:
        """Raises NotPlannable."""
        self._schema, self._definition, self._fragments = schema, definition, fragments
        self._plans_max = plans_max
        self._variables = PlanVariables(schema, definition.variable_definitions or ())
        self._plans: OrderedDict[Constraints, OperationPlan | None] = OrderedDict()

    async def answer(self, variables: Mapping[str, Any], caller: Caller) -> bytes | ExecutionResult | None:
        """The JSON of `data`; or a result with errors; None if ordinary execution has to answer."""
        try:
            split = self._variables.split(variables)
            plan = self._plans.get(split.constraints)
            if plan is None:
                plan = self._compiled(split)
            else:
                self._plans.move_to_end(split.constraints)
        except NotPlannable:
            return None
        return await plan.answer(split.values, caller)

    def _compiled(self, split: SplitVariables) -> "OperationPlan":
        """The new plan for these constraints. Raises NotPlannable."""
        # None: tried before.
        if split.constraints in self._plans or size_of(split.constraints) > CONSTRAINTS_SIZE_MAX:
            raise NotPlannable
        self._plans[split.constraints] = None
        if len(self._plans) > self._plans_max:
            self._plans.popitem(last=False)
        try:
            plan = OperationPlan(
                Operation(self._schema, self._definition, self._fragments, VariableValues({}, split.template))
            )
        except (PurserError, GraphQLError, TypeError) as error:  # TypeError: something was computed of a placeholder
            raise NotPlannable from error
        self._plans[split.constraints] = plan
        return plan


class OperationPlan:
    """The reads of an operation, and the JSON between their answers: one piece more than there are reads."""

    def __init__(self, operation: Operation) -> None:
        """Raises NotPlannable, BadInputError, CursorInvalid, PageTooLarge."""
        root = operation.schema.query_type
        assert root is not None
        self._fields: dict[str, PlannedRead | str] = {}
        pieces = [b"{"]
        for key, details in operation.root_fields().items():
            name = details[0].node.name.value
            pieces[-1] += b"%b%b:" % (b"," if self._fields else b"", orjson.dumps(key))
            if name == "__typename":
                self._fields[key] = root.name
                pieces[-1] += orjson.dumps(root.name)
            elif name in ROOT_FIELDS:
                self._fields[key] = PlannedRead(operation, root.fields[name], details)
                pieces.append(b"")
            else:
                raise NotPlannable
        pieces[-1] += b"}"
        self._pieces = pieces
        self._reads = [field for field in self._fields.values() if isinstance(field, PlannedRead)]
        if not self._reads:
            raise NotPlannable

    async def answer(self, values: list[Any], caller: Caller) -> bytes | ExecutionResult:
        """The JSON of `data`, or a result with errors."""
        if len(self._reads) == 1:
            try:
                answer = await self._reads[0].run(values, caller)
            except Exception as error:
                return self._failed([error])
            return b"".join((self._pieces[0], answer.body, self._pieces[1]))
        running = (read.run(values, caller) for read in self._reads)
        answers: list[Any] = await asyncio.gather(*running, return_exceptions=True)
        if any(isinstance(answer, BaseException) for answer in answers):
            return self._failed(answers)
        parts = [part for pair in zip(self._pieces, answers, strict=False) for part in (pair[0], pair[1].body)]
        return b"".join((*parts, self._pieces[-1]))

    def _failed(self, outcomes: list[Answer | BaseException]) -> ExecutionResult:
        """The result if some reads failed: their errors, and null up to the next nullable field."""
        data: dict[str, Any] = {}
        errors: list[GraphQLError] = []
        remaining = iter(outcomes)
        for key, field in self._fields.items():
            outcome = field if isinstance(field, str) else next(remaining)
            if isinstance(field, PlannedRead) and isinstance(outcome, Exception):
                shown = coded(outcome)
                errors.append(GraphQLError(shown.message, field.nodes, path=[key], extensions=shown.extensions))
                if not field.is_nullable:
                    return ExecutionResult(None, errors)
                outcome = Answer(b"null", None)
            elif isinstance(outcome, BaseException):
                raise outcome
            data[key] = orjson.Fragment(outcome.body) if isinstance(outcome, Answer) else outcome
        return ExecutionResult(data, errors)


class PlannedRead:
    """One statement of a plan: its query, the resolver that runs it, and the template of its values."""

    def __init__(self, operation: Operation, field: GraphQLField, details: Details) -> None:
        """Raises NotPlannable, BadInputError, CursorInvalid, PageTooLarge."""
        reader = SelectionReader(operation)
        self._root, self._query = reader.read_root(field, details)
        self._template = reader.values
        if not placeholders_in(reader.arguments) <= placeholders_in(reader.values):
            # A value that is no parameter would be the same for every request that shares the plan.
            raise NotPlannable
        self.nodes = [detail.node for detail in details]
        self.is_nullable = not is_non_null_type(field.type)

    async def run(self, values: list[Any], caller: Caller) -> Answer:
        """Raises domain errors."""
        return await self._root.resolver(*caller, self._query, bind(self._template, values), self._root.entity)
