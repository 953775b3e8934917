"""Variables of an operation: coerced by graphql-core, then split into plan constraints and values of parameters.

The type of a variable decides: a scalar in `PARAMETER_SCALARS`, or a list of such, is a parameter. Of an input object
its keys are a constraint, and each field is split by its own type.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import get_variable_values, input_is_nested_too_deeply
from graphql.utilities import coerce_input_value

from app.errors import PurserError
from graphql_schema.execution.placeholders import NotPlannable, Placeholder
from graphql_schema.execution.plan_constraints import PARAMETER_SCALARS, unconstrained

Constraints: TypeAlias = Any
"""Hashable, in tuples: equal for requests that share a plan."""
Split: TypeAlias = Callable[[Any, list[Any]], Constraints]
"""(coerced value, values so far) -> constraints; appends the values of parameters."""

_PARAMETER = "parameter"
_ABSENT = "absent"


class PlanVariables:
    """The variables that one operation declares."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        """Raises NotPlannable."""
        self._variables: list[tuple[str, GraphQLInputType, Any, Split]] = []
        defaults = get_variable_values(schema, [one for one in definitions if one.default_value is not None], {})
        if isinstance(defaults, list):
            raise NotPlannable
        for definition in definitions:
            signature = get_variable_signature(schema, definition)
            if isinstance(signature, GraphQLError):
                raise NotPlannable
            missing = Undefined if isinstance(signature.type, GraphQLNonNull) else _ABSENT
            default = defaults.coerced.get(signature.name, missing)
            self._variables.append((signature.name, signature.type, default, _split_of(signature.type)))

    def split(self, raw: Mapping[str, Any]) -> tuple[Constraints, list[Any]]:
        """The constraints and the values of a request. Raises NotPlannable for what ordinary execution refuses."""
        values: list[Any] = []
        constraints = []
        for name, type_, default, split in self._variables:
            coerced = _coerced(raw, name, type_, default)
            constraints.append(_ABSENT if coerced is _ABSENT else split(coerced, values))
        return tuple(constraints), values

    def with_placeholders(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The coerced variables, a placeholder for each value that `split` gives."""
        numbers: list[Any] = []
        coerced = ((name, type_, _coerced(raw, name, type_, default)) for name, type_, default, _ in self._variables)
        return {name: _placeholders(type_, value, numbers) for name, type_, value in coerced if value is not _ABSENT}


def size_of(constraints: Constraints) -> int:
    """How many parts the constraints have: what it takes to keep them."""
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


def _split_of(type_: GraphQLInputType) -> Split:
    """How a value of the type is split."""
    if isinstance(type_, GraphQLNonNull):
        return _split_of(type_.of_type)
    if isinstance(type_, GraphQLInputObjectType):
        return _ObjectSplit(type_)
    constraint = _constraint_of(type_)
    if constraint is not None:
        return partial(_split_parameter, constraint)
    if isinstance(type_, GraphQLList):
        item = _split_of(type_.of_type)
        return lambda value, values: None if value is None else tuple([item(part, values) for part in value])
    return lambda value, _: _hashable(value)


def _split_parameter(constraint: Callable[[Any], Hashable], value: Any, values: list[Any]) -> Constraints:
    if value is None:
        return None
    values.append(value)
    return _PARAMETER, constraint(value)


class _ObjectSplit:
    """Splits an input object. The types of its fields are read on first use: filters contain themselves."""

    def __init__(self, type_: GraphQLInputObjectType) -> None:
        self._type = type_
        self._fields: dict[str, Split] = {}

    def __call__(self, value: Any, values: list[Any]) -> Constraints:
        if value is None:
            return None
        constraints = []
        for name, part in value.items():
            split = self._fields.get(name)
            if split is None:
                split = self._fields[name] = _split_of(self._type.fields[name].type)
            constraints.append((name, split(part, values)))
        return tuple(constraints)


def _placeholders(type_: GraphQLInputType, value: Any, numbers: list[Any]) -> Any:
    """The value with placeholders, numbered in the order in which `Split` appends values."""
    if isinstance(type_, GraphQLNonNull):
        return _placeholders(type_.of_type, value, numbers)
    if value is None:
        return None
    if isinstance(type_, GraphQLInputObjectType):
        return {name: _placeholders(type_.fields[name].type, part, numbers) for name, part in value.items()}
    constraint = _constraint_of(type_)
    if constraint is not None:
        numbers.append(None)
        return Placeholder(len(numbers) - 1, constraint(value))
    if isinstance(type_, GraphQLList):
        return [_placeholders(type_.of_type, part, numbers) for part in value]
    return value


def _constraint_of(type_: GraphQLInputType) -> Callable[[Any], Hashable] | None:
    """The constraint of a value of the type; None where values are no parameters."""
    if isinstance(type_, GraphQLList):
        return None if _constraint_of(_nullable(type_.of_type)) is None else unconstrained
    if not isinstance(type_, GraphQLScalarType) or type_.name not in PARAMETER_SCALARS:
        return None
    constrain = PARAMETER_SCALARS[type_.name]

    def constraint(value: Any) -> Hashable:
        try:
            return constrain(value)
        except PurserError as error:
            raise NotPlannable from error

    return constraint


def _nullable(type_: GraphQLInputType) -> GraphQLInputType:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def _hashable(value: Any) -> Sequence[Any]:
    try:
        hash(value)
    except TypeError as error:
        raise NotPlannable from error
    # True and 1 are equal, and so are 1 and 1.0: the type tells them apart.
    return type(value), value
