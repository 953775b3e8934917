"""Operation plans: a query that was answered before goes straight to PostgreSQL, without graphql-core.

graphql-core coerces the variables; then each is split into plan constraints, which choose the plan, and values of
parameters. The type decides: a scalar in `PARAMETER_SCALARS`, or a list of such, is a parameter: texts, ids, decimals,
instants and time zones. Part of a plan's key are: which variables are given, enumerations, numbers and booleans (page
sizes, `@skip`, `@include`), the keys of input objects, the entity of a node id, whether an instant is a midnight and a
time zone UTC. A document without a plan is left to ordinary execution, whose answers and errors are the same.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import orjson
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    is_non_null_type,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, get_variable_values, input_is_nested_too_deeply
from graphql.utilities import coerce_input_value

from app.errors import PurserError
from app.reads.compiled import Answer
from graphql_schema.caller import Caller
from graphql_schema.errors import coded
from graphql_schema.execution.placeholders import (
    PARAMETER_SCALARS,
    NotPlannable,
    Placeholder,
    bind,
    placeholders_in,
    unconstrained,
)
from graphql_schema.execution.root_fields import ROOT_FIELDS
from graphql_schema.execution.selection import Details, Operation, SelectionReader

Constraints: TypeAlias = Any
"""Hashable, in tuples: equal for requests that share a plan."""

_PARAMETER = "parameter"
_ABSENT = "absent"


class SplitVariables(NamedTuple):
    """The variables of one request. `template` has them with a placeholder for each value."""

    constraints: Constraints
    values: list[Any]
    template: dict[str, Any]


class PlanVariables:
    """The variables that one operation declares."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        """Raises NotPlannable."""
        self._variables: list[tuple[str, GraphQLInputType, Any]] = []
        defaults = get_variable_values(schema, [one for one in definitions if one.default_value is not None], {})
        if isinstance(defaults, list):
            raise NotPlannable
        for definition in definitions:
            signature = get_variable_signature(schema, definition)
            if isinstance(signature, GraphQLError):
                raise NotPlannable
            missing = Undefined if isinstance(signature.type, GraphQLNonNull) else _ABSENT
            default = defaults.coerced.get(signature.name, missing)
            self._variables.append((signature.name, signature.type, default))

    def split(self, raw: Mapping[str, Any]) -> SplitVariables:
        """Split the variables of a request. Raises NotPlannable for variables that ordinary execution refuses."""
        values: list[Any] = []
        constraints: list[Constraints] = []
        template: dict[str, Any] = {}
        for name, type_, default in self._variables:
            coerced = _coerced(raw, name, type_, default)
            if coerced is _ABSENT:
                constraints.append(_ABSENT)
                continue
            constraint, template[name] = _split(type_, coerced, values)
            constraints.append(constraint)
        return SplitVariables(tuple(constraints), values, template)


def size_of(constraints: Constraints) -> int:
    """The number of parts of the constraints, nested ones included."""
    return 1 + sum(map(size_of, constraints)) if isinstance(constraints, tuple) else 1


def _coerced(raw: Mapping[str, Any], name: str, type_: GraphQLInputType, default: Any) -> Any:
    value = raw.get(name, Undefined)
    if value is Undefined:
        coerced = default
    else:
        if isinstance(value, (dict, list)) and input_is_nested_too_deeply(value, type_):
            raise NotPlannable
        coerced = coerce_input_value(value, type_)
    if coerced is Undefined:
        raise NotPlannable
    return coerced


def _split(type_: GraphQLInputType, value: Any, values: list[Any]) -> tuple[Constraints, Any]:
    """The constraints of a coerced value, and the value with placeholders; appends the values that they stand for."""
    if value is None:
        return None, None
    if type(type_) is GraphQLNonNull:
        type_ = type_.of_type
    if type(type_) is GraphQLInputObjectType:
        fields, constraints, template = type_.fields, [], {}
        for name, part in value.items():
            constraint, template[name] = _split(fields[name].type, part, values)
            constraints.append((name, constraint))
        return tuple(constraints), template
    constrain = _constraint_of(type_)
    if constrain is not None:
        try:
            constraint = constrain(value)
        except PurserError as error:
            raise NotPlannable from error
        values.append(value)
        return (_PARAMETER, constraint), Placeholder(len(values) - 1, constraint)
    if type(type_) is GraphQLList:
        items = [_split(type_.of_type, item, values) for item in value]
        return tuple([constraint for constraint, _ in items]), [template for _, template in items]
    try:
        hash(value)
    except TypeError as error:
        raise NotPlannable from error
    # True and 1 are equal, and so are 1 and 1.0: the type tells them apart.
    return (type(value), value), value


@cache
def _constraint_of(type_: GraphQLInputType) -> Callable[[Any], Hashable] | None:
    """The constraint of a value of the type; None if it is no parameter."""
    if isinstance(type_, GraphQLList):
        item = type_.of_type.of_type if isinstance(type_.of_type, GraphQLNonNull) else type_.of_type
        return None if _constraint_of(item) is None else unconstrained
    return PARAMETER_SCALARS.get(getattr(type_, "name", ""))


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
