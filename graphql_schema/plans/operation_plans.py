"""The plans of one query: chosen by the plan constraints of a request, compiled if there is none yet."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationDefinitionNode
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from app.errors import PurserError
from graphql_schema.caller import Caller
from graphql_schema.execution.placeholders import NotPlannable
from graphql_schema.execution.selection import Operation
from graphql_schema.plans.operation_plan import OperationPlan, compile_operation
from graphql_schema.plans.variables import Constraints, PlanVariables, size_of

CONSTRAINTS_SIZE_MAX = 2000
"""Most parts of the constraints that a plan is kept for."""


class OperationPlans:
    """The plans of one operation, those used last."""

    def __init__(
        self,
        schema: GraphQLSchema,
        definition: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
        plans_max: int,
    ) -> None:
        """Raises NotPlannable."""
        self._plans_max = plans_max
        self._schema, self._definition, self._fragments = schema, definition, fragments
        self._variables = PlanVariables(schema, definition.variable_definitions or ())
        self._plans: OrderedDict[Constraints, OperationPlan | None] = OrderedDict()

    @property
    def count(self) -> int:
        """How many plans are kept."""
        return len(self._plans)

    async def answer(self, variables: Mapping[str, Any], caller: Caller) -> bytes | ExecutionResult | None:
        """The JSON of `data`; or a result with errors; None if ordinary execution has to answer."""
        try:
            constraints, values = self._variables.split(variables)
            plan = self._plans.get(constraints)
            if plan is None:
                plan = self._compiled(constraints, variables)
            else:
                self._plans.move_to_end(constraints)
        except NotPlannable:
            return None
        context, principal = caller
        if len(plan.reads) == 1:
            (read,) = plan.reads
            try:
                answer = await read.run(context, principal, values)
            except Exception as error:
                return plan.result({read: error})
            return b"".join((plan.pieces[0], answer.body, plan.pieces[1]))
        running = (read.run(context, principal, values) for read in plan.reads)
        answers: list[Any] = await asyncio.gather(*running, return_exceptions=True)
        if any(isinstance(answer, BaseException) for answer in answers):
            return plan.result(dict(zip(plan.reads, answers, strict=True)))
        parts = [part for pair in zip(plan.pieces, answers, strict=False) for part in (pair[0], pair[1].body)]
        return b"".join((*parts, plan.pieces[-1]))

    def _compiled(self, constraints: Constraints, variables: Mapping[str, Any]) -> OperationPlan:
        """The new plan for these constraints. Raises NotPlannable."""
        if constraints in self._plans:
            raise NotPlannable  # as was found before
        if size_of(constraints) > CONSTRAINTS_SIZE_MAX:
            raise NotPlannable
        self._plans[constraints] = None
        if len(self._plans) > self._plans_max:
            self._plans.popitem(last=False)
        try:
            plan = compile_operation(self.operation(variables))
        except (PurserError, GraphQLError, TypeError) as error:  # TypeError: something was computed of a placeholder
            raise NotPlannable from error
        self._plans[constraints] = plan
        return plan

    def operation(self, variables: Mapping[str, Any]) -> Operation:
        """The operation with placeholders for the values of its variables. Raises NotPlannable."""
        placeholders = VariableValues({}, self._variables.with_placeholders(variables))
        return Operation(self._schema, self._definition, self._fragments, placeholders)
