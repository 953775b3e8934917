"""Answering by plans. `Plans.answer` is all that the HTTP side has to know."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graphql import ExecutionResult, GraphQLSchema

from app.errors import PurserError
from graphql_schema.caller import Caller
from graphql_schema.holes import NotPlannable
from graphql_schema.plans.documents import Load, Operation, Operations
from graphql_schema.plans.planner import Plan, Question, execute_answered, plan_operation
from graphql_schema.plans.variables import size_of

if TYPE_CHECKING:
    from app.reads import Answer

PLANS_MAX = 64
"""Most plans kept for one operation."""
STEERING_SIZE_MAX = 2000
"""Largest part of a request's variables that a plan is kept for."""


class Plans:
    """Plans of the queries asked last. `load` says which documents are valid; by default graphql-core's rules do."""

    def __init__(self, schema: GraphQLSchema, load: Load | None = None) -> None:
        self._schema = schema
        self._operations = Operations(schema, load)

    async def answer(
        self, text: str, operation_name: str | None, variables: Mapping[str, Any] | None, caller: Caller
    ) -> bytes | ExecutionResult | None:
        """The JSON of `data`; a result with errors, to be written as any other; None: execute it as ever."""
        operation = self._operations.find(text, operation_name)
        if operation is None:
            return None
        raw = variables or {}
        try:
            key, values = operation.variables.split(raw)
            plan = operation.plans.get(key)
            if plan is None:
                plan = await self._planned(operation, key, raw)
            else:
                operation.plans.move_to_end(key)
        except NotPlannable:
            return None
        if len(plan.questions) == 1:
            try:
                answer = await _asked(plan.questions[0], values, caller)
            except Exception as error:
                return await self._failed(operation, raw, plan, [error])
            return b"".join((plan.pieces[0], answer.body, plan.pieces[1]))
        outcomes = await asyncio.gather(
            *(_asked(question, values, caller) for question in plan.questions), return_exceptions=True
        )
        bodies = [outcome.body for outcome in outcomes if not isinstance(outcome, BaseException)]
        if len(bodies) < len(outcomes):
            return await self._failed(operation, raw, plan, outcomes)
        parts = [part for pair in zip(plan.pieces, bodies, strict=False) for part in pair]
        return b"".join((*parts, plan.pieces[-1]))

    async def _planned(self, operation: Operation, key: Any, raw: Mapping[str, Any]) -> Plan:
        if key in operation.plans:
            raise NotPlannable  # as was found before, or is being found out
        if size_of(key) > STEERING_SIZE_MAX:
            raise NotPlannable
        operation.plans[key] = None
        if len(operation.plans) > PLANS_MAX:
            operation.plans.popitem(last=False)
        try:
            plan = await plan_operation(self._schema, operation, operation.variables.with_holes(raw))
        except (PurserError, TypeError) as error:
            raise NotPlannable from error
        operation.plans[key] = plan
        return plan

    async def _failed(
        self,
        operation: Operation,
        raw: Mapping[str, Any],
        plan: Plan,
        outcomes: list[Any],
    ) -> ExecutionResult:
        paths = (question.path for question in plan.questions)
        found = dict(zip(paths, outcomes, strict=True))
        return await execute_answered(self._schema, operation, operation.variables.with_holes(raw), found)


async def _asked(question: Question, values: list[Any], caller: Caller) -> Answer:
    return await question.resolver(caller.context, caller.principal, question.query, question.fill(values))
