"""The planner: executes an operation once, with holes for values, and keeps what it would have asked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

import orjson
from graphql import ExecutionResult, GraphQLSchema, default_field_resolver, default_type_resolver
from graphql.execution.values import VariableValues, get_argument_values

from app.reads import Answer, ReadQuery
from graphql_schema.ask import Ask
from graphql_schema.execution import SplicingExecutor
from graphql_schema.holes import Fill, NotPlannable, filling, holes_in
from graphql_schema.plans.documents import Operation
from graphql_schema.selection import SelectionReader

Path: TypeAlias = tuple[str | int, ...]
ExecutorType = TypeVar("ExecutorType", bound=SplicingExecutor)


@dataclass(frozen=True, slots=True)
class Question:
    """One statement of a plan: who answers it, and how its values are made of the request's."""

    resolver: Callable[..., Awaitable[Answer]]
    query: ReadQuery
    fill: Fill
    path: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything an operation asks, and the text between the answers: one piece more than there are questions."""

    questions: tuple[Question, ...]
    pieces: tuple[bytes, ...]


async def plan_operation(schema: GraphQLSchema, operation: Operation, variables: Mapping[str, Any]) -> Plan:
    """The plan of a valid operation, whose variables are holes. Raises NotPlannable."""
    planner = executor_for(_Planner, schema, operation, variables)
    planner.questions = []
    result = await _executed(planner)
    if result.errors or not planner.questions:
        raise NotPlannable
    token = uuid4().hex
    text = orjson.dumps(result.data, default=lambda _: token, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    pieces = text.split(f'"{token}"'.encode())
    questions = _in_the_order_of_the_text(result.data)
    assert len(pieces) == len(questions) + 1
    return Plan(tuple(questions), tuple(pieces))


async def execute_answered(
    schema: GraphQLSchema,
    operation: Operation,
    variables: Mapping[str, Any],
    outcomes: Mapping[Path, Answer | BaseException],
) -> ExecutionResult:
    """The result where some questions failed: graphql-core says what becomes null, and how errors look."""
    executor = executor_for(_Answered, schema, operation, variables)
    executor.outcomes = outcomes
    return await _executed(executor)


class _Planner(SplicingExecutor):
    """Notes each question where its answer would stand."""

    questions: list[Question]

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        """Note an `Ask`; complete everything else as ever."""
        if type(result) is not Ask:
            return super().complete_value(return_type, field_details_list, info, path, result, position_context)
        field = info.parent_type.fields[info.field_name]
        reader = SelectionReader(self)
        query = reader.read(result, field, field_details_list)
        details = field_details_list[0]
        given = get_argument_values(field, details.node, self.variable_values, details.fragment_variable_values)
        if not holes_in(given) <= holes_in(reader.values):
            # A resolver kept a value to itself: who asks next would get the answer for this one.
            raise NotPlannable
        question = Question(result.resolver, query, filling(reader.values), tuple(path.as_list()))
        self.questions.append(question)
        return question

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Any) -> None:
        """No error is part of a plan."""
        raise NotPlannable from raw_error


class _Answered(SplicingExecutor):
    """Puts outcomes in the places of the questions."""

    outcomes: Mapping[Path, Answer | BaseException]

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        """An answer, or the failure to get one."""
        if type(result) is not Ask:
            return super().complete_value(return_type, field_details_list, info, path, result, position_context)
        outcome = self.outcomes[tuple(path.as_list())]
        if isinstance(outcome, BaseException):
            raise outcome
        return orjson.Fragment(outcome.body)


class _Untold(dict[str, Any]):
    """The variables' raw values. Nothing that asks for them can be planned."""

    def __getitem__(self, key: str) -> Any:
        raise NotPlannable

    def get(self, key: str, default: Any = None) -> Any:
        """Never."""
        raise NotPlannable


def executor_for(
    kind: type[ExecutorType], schema: GraphQLSchema, operation: Operation, variables: Mapping[str, Any]
) -> ExecutorType:
    """An executor without a caller: a resolver that looks at who asks would be asked once for everybody."""
    return kind(
        schema,
        {name: fragment.definition for name, fragment in operation.fragments.items()},
        operation.fragments,
        None,
        None,
        operation.definition,
        VariableValues(_Untold(), dict(variables)),
        default_field_resolver,
        default_type_resolver,
        default_field_resolver,
    )


async def _executed(executor: SplicingExecutor) -> ExecutionResult:
    result = executor.execute_operation()
    if isawaitable(result):
        result = await result
    if not isinstance(result, ExecutionResult):
        raise NotPlannable
    return result


def _in_the_order_of_the_text(value: Any) -> list[Question]:
    if isinstance(value, Question):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [question for part in parts for question in _in_the_order_of_the_text(part)]
